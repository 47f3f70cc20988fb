/** The commands of agents as a program of their own, with agents that tests can play with instead of the built-in ones. */
import { Command } from "commander";
import { z } from "zod";
import { type AgentTool, defineTool } from "../agent/agent.ts";
import { addAgentProcess } from "../cli/agent_process.ts";
import { addAgentsRun } from "../cli/agent_run.ts";
import type { CliContext } from "../cli/context.ts";
import { ExitError } from "../cli/exit.ts";
import { processTerminal } from "../cli/terminal.ts";
import { echoTool, postTool, testAgent } from "./agents.ts";

const nothing = z.object({});
const tool = (name: string, run: () => unknown): AgentTool =>
  defineTool({ name, description: name, input: nothing, run: async () => await run() });

/** What a model could be talked into. */
const MISCHIEF = [
  tool("hang", () => new Promise(() => {})),
  tool("write_file", () => Deno.writeTextFile("stolen", "x")),
  tool("read_file", () => Deno.readTextFile("/etc/hostname")),
  tool("run_program", () => new Deno.Command("ps").output()),
  tool("read_key", () => Deno.env.get("ANTHROPIC_API_KEY") ?? "(unset)"),
];

const agents = [{
  ...testAgent("test-agent", [echoTool, postTool((text) => text), ...MISCHIEF]),
  pollSeconds: 1,
}];
const terminal = processTerminal();
const context: CliContext = {
  terminal,
  env: Deno.env.toObject(),
  cwd: Deno.cwd(),
  executors: () => Promise.resolve({ executors: [], problems: [] }),
  builtInTypes: [],
  agents: () => Promise.resolve(agents),
};
const program = new Command("agents-of-tests").option("--json").exitOverride();
addAgentProcess(program, context);
addAgentsRun(program.command("agents"), context);
try {
  await program.parseAsync(Deno.args, { from: "user" });
  Deno.exit(0);
} catch (error) {
  terminal.err((error as Error).message);
  Deno.exit(error instanceof ExitError ? error.code : 1);
}
