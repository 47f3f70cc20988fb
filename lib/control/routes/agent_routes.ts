/** Agents and their goals, for people and programs. */
import { z } from "zod";
import { agentId } from "../../config/agents.ts";
import type { Database } from "../../database/database.ts";
import { logger } from "../../log.ts";
import type { AgentStatus } from "../../supervisor/agent_status.ts";
import type { AgentHistory } from "../../supervisor/registry.ts";
import { AgentRefusedError, UnknownAgentError } from "../../supervisor/supervisor.ts";
import { ApiError } from "../api_error.ts";
import { before, nextCursor } from "../openapi/fields.ts";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";
import type { AgentCosts } from "./agent_costs.ts";
import {
  agent,
  agentDetail,
  agentPath,
  agentRun,
  agentRunDetail,
  agentRunPath,
  agentRunsQuery,
  agentStatus,
  newGoal,
} from "./agent_schemas.ts";

/** What the routes need of the supervisor. */
export interface SupervisedAgents {
  status(): AgentStatus[];
  statusOf(id: string): AgentStatus;
  start(id: string): Promise<AgentStatus>;
  stop(id: string): AgentStatus;
  restart(id: string): Promise<AgentStatus>;
  wake(id: string): void;
}

const tag = "agents";

/**
 * `GET /agents`, `/agents/{id}`, `/agents/{id}/runs`; `POST /agents/{id}/start|stop|restart`, `/agents/task`. An agent
 * may be called by its short name.
 */
export function agentRoutes(agents: SupervisedAgents, database: Database, costs: AgentCosts): ApiRoutes {
  const app = apiRoutes();
  const history = (id: string, limit: number) =>
    database.call<AgentHistory>("actp_agent_history", { p_agent_id: id, p_limit: limit }, {
      timeoutMs: 5_000,
    });
  addRoute(app, {
    method: "get",
    path: "/agents",
    tag,
    summary: "All agents of this worker, those that do not run included",
    answer: { description: "The agents", schema: z.array(agent) },
  }, async () => {
    const { of } = await costs.read();
    return agents.status().map((status) => ({ ...status, ...of(status.agent_id) }));
  });
  addRoute(app, {
    method: "get",
    path: "/agents/{id}",
    tag,
    summary: "One agent with its last runs, its crashes and what its tools did",
    params: agentPath,
    answer: { description: "The agent", schema: agentDetail },
    errors: [404],
  }, async ({ params }) => {
    const own = known(() => agents.statusOf(agentId(params.id)));
    const status = { ...own, ...(await costs.read()).of(own.agent_id) };
    try {
      return { ...status, ...await history(status.agent_id, 20) };
    } catch (error) {
      // What this worker knows by itself is told even while the database is away.
      logger("control").warn`the history of ${status.agent_id} could not be read: ${
        (error as Error).message
      }`;
      return { ...status, runs: null, crashes: null, tools: null };
    }
  });
  addRoute(app, {
    method: "get",
    path: "/agents/{id}/runs",
    tag,
    summary: "The runs of one agent, newest first",
    params: agentPath,
    query: agentRunsQuery,
    answer: {
      description: "A page",
      schema: z.object({ runs: z.array(agentRun), next_cursor: z.string().nullable() }),
    },
    errors: [404],
  }, async ({ params, query }) => {
    const { agent_id } = known(() => agents.statusOf(agentId(params.id)));
    const runs = await database.call<{ id: string }[]>("actp_list_agent_runs", {
      p_agent_id: agent_id,
      p_limit: query.limit,
      p_before: before(query),
    });
    return { runs, next_cursor: nextCursor(runs, query.limit) };
  });
  addRoute(app, {
    method: "get",
    path: "/agents/{id}/runs/{run_id}",
    tag,
    summary: "One run with its calls of tools and of the model, and what they cost",
    params: agentRunPath,
    answer: { description: "The run", schema: agentRunDetail },
    errors: [404],
  }, ({ params }) => {
    const { agent_id } = known(() => agents.statusOf(agentId(params.id)));
    return database.call<unknown>("actp_view_agent_run", { p_agent_id: agent_id, p_run_id: params.run_id });
  });
  addRoute(app, {
    method: "get",
    path: "/agents/{id}/restart",
    tag,
    summary: "Restart an agent by a GET; only with the token. Prefer POST",
    params: agentPath,
    answer: { status: 202, description: "It is being restarted", schema: agentStatus },
    errors: [403, 404, 409],
  }, ({ params, context }) => {
    // A page, a link or a prefetch could make a browser ask this with its cookie; nobody else's program has the token.
    if (context.get("credential") !== "token") {
      throw new ApiError(403, "token_needed", "Send the token as Authorization: Bearer, or use POST");
    }
    return command(agents, "restart", params.id);
  });
  // Before `/agents/{id}/…`, although no agent is called "task".
  addRoute(app, {
    method: "post",
    path: "/agents/task",
    tag,
    summary: "Give an agent a goal",
    body: newGoal,
    answer: {
      status: 201,
      description: "The goal; `created` is false where its idempotency_key was known",
      schema: z.object({ id: z.string(), created: z.boolean() }),
    },
    errors: [404],
  }, async ({ body }) => {
    const agent_type = agentId(body.agent_type);
    known(() => agents.statusOf(agent_type));
    const enqueued = await database.call<unknown>("actp_enqueue_agent_task", {
      p_task: { ...body, agent_type, source: "api" },
    });
    agents.wake(agent_type);
    return enqueued;
  });
  for (const [word, summary] of Object.entries(COMMANDS) as [Word, string][]) {
    addRoute(app, {
      method: "post",
      path: `/agents/{id}/${word}`,
      tag,
      summary,
      params: agentPath,
      answer: { status: 202, description: "It has begun", schema: agentStatus },
      errors: [404, 409],
    }, ({ params }) => command(agents, word, params.id));
  }
  return app;
}

type Word = "start" | "stop" | "restart";

const COMMANDS: Readonly<Record<Word, string>> = {
  start: "Start an agent at once; its earlier crashes are forgotten",
  stop: "Stop an agent; it drains",
  restart: "Stop an agent and start it again",
};

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
