/** Handing a goal to another agent. */
import { z } from "zod";
import { type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { text } from "../fields.ts";

/** The tool `create_agent_task`; `agents` are the ids of those that may be given a goal. */
export function createAgentTaskTool(
  agents: readonly [string, ...string[]],
  now: () => number = Date.now,
): AgentTool {
  return defineTool({
    name: "create_agent_task",
    description:
      "Gives another agent a goal, e.g. to close a gap. The same goal is given once a day at most. " +
      "CRITICAL only when money or accounts are in danger.",
    input: z.strictObject({
      agent_type: z.enum(agents),
      goal: text(2_000).describe("what to reach, with the figures that it is about"),
      priority: z.enum(["CRITICAL", "HIGH", "NORMAL", "LOW"]).default("NORMAL"),
      expires_in_hours: z.int().min(1).max(720).default(72),
    }),
    async run({ agent_type, goal, priority, expires_in_hours }, { agentId, runId, database }) {
      const today = now();
      return await database.call("actp_enqueue_agent_task", {
        p_task: {
          agent_type,
          goal,
          priority,
          context: { from_agent: agentId, from_run: runId },
          expires_at: new Date(today + expires_in_hours * 3_600_000).toISOString(),
          source: agentId,
          idempotency_key: await goalKey(agentId, agent_type, goal, today),
        },
      });
    },
  });
}

/** The day (UTC) and a digest of the goal. */
async function goalKey(from: string, to: string, goal: string, now: number): Promise<string> {
  const words = new TextEncoder().encode(`${from}\n${to}\n${goal.toLowerCase().replace(/\s+/g, " ")}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", words));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `agent-task:${new Date(now).toISOString().slice(0, 10)}:${hex.slice(0, 32)}`;
}
