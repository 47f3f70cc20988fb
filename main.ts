/** The program: argv → command → exit code. The only place that ends the process. */
import { allExecutors, BUILT_IN_TYPES } from "./executors/index.ts";
import { runCommandLine } from "./lib/cli/program.ts";
import { processTerminal } from "./lib/cli/terminal.ts";

if (import.meta.main) {
  const code = await runCommandLine(Deno.args, {
    terminal: processTerminal(),
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    executors: allExecutors,
    builtInTypes: BUILT_IN_TYPES,
  }, Deno.exit);
  Deno.exit(code);
}
