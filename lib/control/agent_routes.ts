/** Agents and their goals, for people and programs. */
import { Hono } from "hono";
import { agentId } from "../config/agents.ts";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import type { AgentHistory } from "../supervisor/registry.ts";
import { AgentRefusedError, UnknownAgentError } from "../supervisor/supervisor.ts";
import { ApiError } from "./api_error.ts";
import { asObject, readJson } from "./body.ts";
import type { GuardedEnv } from "./guard.ts";

/** What the routes need of the supervisor. */
export interface SupervisedAgents {
  status(): AgentStatus[];
  statusOf(id: string): AgentStatus;
  start(id: string): Promise<AgentStatus>;
  stop(id: string): AgentStatus;
  restart(id: string): Promise<AgentStatus>;
  wake(id: string): void;
}

const GOAL_FIELDS = [
  "agent_type",
  "goal",
  "context",
  "priority",
  "expires_at",
  "run_at",
  "max_attempts",
  "idempotency_key",
];

/**
 * `GET /agents`, `/agents/:id`, `/agents/:id/runs`; `POST /agents/:id/start|stop|restart`, `/agents/task`. An agent may
 * be called by its short name.
 */
export function agentRoutes(agents: SupervisedAgents, database: Database): Hono<GuardedEnv> {
  const history = (id: string, limit: number) =>
    database.call<AgentHistory>("actp_agent_history", { p_agent_id: id, p_limit: limit }, {
      timeoutMs: 5_000,
    });
  return new Hono<GuardedEnv>()
    .get("/agents", (c) => c.json(agents.status()))
    .get("/agents/:id", async (c) => {
      const status = known(() => agents.statusOf(agentId(c.req.param("id"))));
      try {
        return c.json({ ...status, ...await history(status.agent_id, 20) });
      } catch (error) {
        // What this worker knows by itself is told even while the database is away.
        logger("control").warn`the history of ${status.agent_id} could not be read: ${
          (error as Error).message
        }`;
        return c.json({ ...status, runs: null, crashes: null, tools: null });
      }
    })
    .get("/agents/:id/runs", async (c) => {
      const { agent_id } = known(() => agents.statusOf(agentId(c.req.param("id"))));
      return c.json({ runs: (await history(agent_id, limitOf(c.req.query("limit")))).runs });
    })
    .get("/agents/:id/restart", async (c) => {
      // A page, a link or a prefetch could make a browser ask this with its cookie; nobody else's program has the token.
      if (c.get("credential") !== "token") {
        throw new ApiError(403, "token_needed", "Send the token as Authorization: Bearer, or use POST");
      }
      return c.json(await command(agents, "restart", c.req.param("id")), 202);
    })
    .post("/agents/task", async (c) => {
      const p_task = goalOf(asObject(await readJson(c.req.raw)));
      known(() => agents.statusOf(p_task.agent_type));
      const enqueued = await database.call<Record<string, unknown>>("actp_enqueue_agent_task", { p_task });
      agents.wake(p_task.agent_type);
      return c.json(enqueued, 201);
    })
    .post(
      "/agents/:id/:word{start|stop|restart}",
      async (c) => c.json(await command(agents, c.req.param("word") as Word, c.req.param("id")), 202),
    );
}

type Word = "start" | "stop" | "restart";

async function command(agents: SupervisedAgents, word: Word, name: string): Promise<AgentStatus> {
  try {
    return await agents[word](agentId(name));
  } catch (error) {
    throw refusal(error);
  }
}

function known<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw refusal(error);
  }
}

function refusal(error: unknown): unknown {
  if (error instanceof UnknownAgentError) return new ApiError(404, "not_found", error.message);
  if (error instanceof AgentRefusedError) return new ApiError(409, "conflict", error.message);
  return error;
}

/** Values are checked by the database; a misspelt field would pass there unseen. */
function goalOf(body: Record<string, unknown>): Record<string, unknown> & { agent_type: string } {
  const odd = Object.keys(body).find((field) => !GOAL_FIELDS.includes(field));
  if (odd !== undefined) {
    const name = JSON.stringify(odd.slice(0, 60));
    throw new ApiError(400, "bad_request", `${name} is not a field; there are ${GOAL_FIELDS.join(", ")}`);
  }
  const { agent_type } = body;
  if (typeof agent_type !== "string") throw new ApiError(400, "bad_request", "agent_type must be a string");
  if (typeof body.goal !== "string") throw new ApiError(400, "bad_request", "goal must be a string");
  return { ...body, agent_type: agentId(agent_type), source: "api" };
}

function limitOf(limit: string | undefined): number {
  if (limit === undefined) return 50;
  if (/^\d{1,3}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 500) return Number(limit);
  throw new ApiError(400, "bad_request", "limit must be 1 to 500");
}
