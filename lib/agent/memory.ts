/** What an agent remembers from run to run, and the two tools for it that every agent has. */
import { z } from "zod";
import type { Database } from "../database/database.ts";
import { type AgentTool, defineTool } from "./agent.ts";

/** One remembered fact. */
export interface Fact {
  readonly key: string;
  readonly value: unknown;
  readonly updated_at: string;
}

/** The newest facts, or those that hold the text. */
export function recall(database: Database, agentId: string, query = "", limit = 20): Promise<Fact[]> {
  return database.call("actp_agent_recall", { p_agent_id: agentId, p_query: query, p_limit: limit });
}

/** Facts as lines for the model: `key: value`, at most `maxChars` of them. */
export function factLines(facts: readonly Fact[], maxChars: number): string {
  const lines: string[] = [];
  let room = maxChars;
  for (const { key, value } of facts) {
    const line = `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
    if (line.length > room) break;
    room -= line.length + 1;
    lines.push(line);
  }
  return lines.join("\n");
}

/** `remember` and `recall`. */
export const memoryTools: readonly AgentTool[] = [
  defineTool({
    name: "remember",
    description:
      "Keeps a fact for your later runs under a short key; the same key replaces it, null forgets it. " +
      "For what you learn and will need again, not for what can be looked up.",
    input: z.object({
      key: z.string().min(1).max(200).describe("e.g. niche.fitness.best-hook"),
      value: z.union([z.string().max(9_000), z.number(), z.boolean(), z.null()]),
    }),
    run: ({ key, value }, { database, agentId, signal }) =>
      database.call("actp_agent_remember", { p_agent_id: agentId, p_key: key, p_value: value }, { signal }),
  }),
  defineTool({
    name: "recall",
    description:
      "Your remembered facts whose key or value holds the text (all without it), the newest first.",
    input: z.object({
      query: z.string().max(200).optional(),
      limit: z.int().min(1).max(100).default(20),
    }),
    run: ({ query, limit }, { database, agentId, signal }) =>
      database.call("actp_agent_recall", { p_agent_id: agentId, p_query: query, p_limit: limit }, { signal }),
  }),
];
