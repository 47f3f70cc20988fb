/** The program: argv → command → exit code. The only place that ends the process. */
import type { CliContext } from "./lib/cli/context.ts";

if (import.meta.main) {
  // The keeper lives as long as the worker: it loads next to nothing (15 MB in place of 47).
  if (Deno.args[0] === "keep" && Deno.args.length === 2) {
    const { keep } = await import("./lib/cli/keep.ts");
    Deno.exit(await keep(Deno.args[1]!));
  }
  const { BUILT_IN_TYPES } = await import("./executors/types.ts");
  const { processTerminal } = await import("./lib/cli/terminal.ts");
  const context: CliContext = {
    terminal: processTerminal(),
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    // Loaded where they are used: agents and most commands need none of them.
    executors: async (config) => (await import("./executors/index.ts")).allExecutors(config),
    builtInTypes: BUILT_IN_TYPES,
    actions: async (config) => (await import("./executors/outside/actions.ts")).allActions(config),
    agents: async () => (await import("./agents/index.ts")).builtInAgents,
  };
  if (Deno.args[0] === "agent") {
    const { runAgentMain } = await import("./lib/cli/agent_main.ts");
    Deno.exit(await runAgentMain(Deno.args, context));
  }
  const { runCommandLine } = await import("./lib/cli/program.ts");
  Deno.exit(await runCommandLine(Deno.args, context, Deno.exit));
}
