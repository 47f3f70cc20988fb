/** What agents' tools are given, for tests that call them without a model. */
import { getLogger } from "@logtape/logtape";
import type { AgentServices, AgentTool, ToolContext } from "../agent/agent.ts";
import type { Database } from "../database/database.ts";
import type { OutwardAct } from "../task/task.ts";

/** Services with these settings and no others, over the real network. */
export function testServices(settings: Readonly<Record<string, string>> = {}): AgentServices {
  return { setting: (name) => settings[name], fetch };
}

/** The run that test calls belong to. */
export const TEST_RUN = "00000000-0000-4000-8000-0000000000aa";

/** What a tool is given besides its input. */
export function toolContext(database: Database, more: Partial<ToolContext> = {}): ToolContext {
  return {
    agentId: "test-agent",
    runId: TEST_RUN,
    database,
    signal: new AbortController().signal,
    log: getLogger(["test", "agent"]),
    ...more,
  };
}

/** A set of tools as the model has them: called by name, with input that is validated before. */
export interface Toolbox {
  readonly names: readonly string[];
  /** Validates and runs; for outward tools this is what happens after the approval. */
  call<T = Record<string, unknown>>(name: string, input?: unknown): Promise<T>;
  /** What would be proposed. */
  propose(name: string, input: unknown): OutwardAct;
  /** What is wrong with the input, or "" when nothing is. */
  problem(name: string, input: unknown): string;
}

/** Puts tools into a box. */
export function toolbox(tools: readonly AgentTool[], context: ToolContext): Toolbox {
  const byName = (name: string): AgentTool => {
    const tool = tools.find((one) => one.name === name);
    if (!tool) throw new Error(`no tool ${name} is offered`);
    return tool;
  };
  return {
    names: tools.map(({ name }) => name),
    async call<T>(name: string, input: unknown = {}) {
      const tool = byName(name);
      const result = await tool.run(tool.input.parse(input), context);
      // As the model gets it: what JSON cannot hold must not come out.
      return JSON.parse(JSON.stringify(result)) as T;
    },
    propose(name, input) {
      const tool = byName(name);
      if (!tool.outward) throw new Error(`${name} is not outward`);
      return tool.outward(tool.input.parse(input));
    },
    problem(name, input) {
      return byName(name).input.safeParse(input).error?.issues.map(({ path, message }) =>
        `${path.join(".")}: ${message}`
      ).join("; ") ?? "";
    },
  };
}

/** An address on loopback where nobody listens: connections are refused. */
export function refusingUrl(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `http://127.0.0.1:${port}`;
}
