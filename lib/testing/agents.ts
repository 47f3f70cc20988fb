/** Agents for tests: a definition with few tools, the settings of one, and its runs against the stand-in for the model. */
import { z } from "zod";
import { type AgentDefinition, type AgentTool, defineAgent, defineTool } from "../agent/agent.ts";
import type { AgentSettings } from "../agent/settings.ts";

/** A tool that answers with what it is given. */
export const echoTool: AgentTool = defineTool({
  name: "echo",
  description: "says it again",
  input: z.object({ text: z.string() }),
  run: ({ text }) => Promise.resolve(`echo: ${text}`),
});

/** An outward tool; `posted` is called with each text that goes out. */
export function postTool(posted: (text: string) => unknown): AgentTool {
  return defineTool({
    name: "post",
    description: "posts it when approved",
    input: z.object({ text: z.string() }),
    outward: ({ text }) => ({ kind: "post", platform: "tiktok", summary: `post ${text}`, preview: { text } }),
    run: async ({ text }) => ({ posted: await posted(text) ?? text }),
  });
}

/** An agent with these tools. */
export function testAgent(
  id: string,
  tools: readonly AgentTool[] = [echoTool],
  more: Partial<AgentDefinition> = {},
): AgentDefinition {
  return defineAgent({
    id,
    name: "Test",
    description: "an agent of a test",
    tier: "sonnet",
    pollSeconds: 30,
    systemPrompt: "You are an agent of a test.",
    tools: () => tools,
    ...more,
  });
}

/** Settings without limits, but for what is told. */
export function testSettings(settings: Partial<AgentSettings> = {}): AgentSettings {
  return {
    workerId: "w",
    models: { haiku: "claude-haiku-5-5", sonnet: "claude-sonnet-5-5", opus: "claude-opus-5-5" },
    prices: {},
    budgets: {},
    alertUsd: 350,
    maxIterations: 20,
    historyTokens: 50_000,
    rules: [],
    approvalExpiresMs: 60_000,
    drainMs: 10_000,
    mcpServers: {},
    secrets: [],
    ...settings,
  };
}
