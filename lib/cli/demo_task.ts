/** The programs that the demo declares as commands: real child processes that speak the NDJSON line protocol. */
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import type { CliContext } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";

/** Adds the hidden command. */
export function addDemoTask(program: Command, { terminal }: CliContext): void {
  const say = (line: Record<string, unknown>) => terminal.out(JSON.stringify(line));
  const demoTask = program.command("demo-task", { hidden: true });

  demoTask.command("countdown <seconds>").action(async (text: string) => {
    const seconds = Number(text);
    const ticks = Math.ceil(seconds * 4);
    for (let tick = 0; tick < ticks; tick++) {
      const left = seconds - tick / 4;
      say({
        type: "progress",
        percent: (100 * tick) / ticks,
        remaining_seconds: left,
        message: `${Math.ceil(left)} s to go`,
      });
      await systemClock.sleep(250);
    }
    say({ type: "result", output: { counted_seconds: seconds } });
  });

  // Keeps count in a file, since every attempt is a new process in a new temp folder.
  demoTask.command("flaky <file> <failures>").action(async (file: string, failures: string) => {
    const before = Number(await Deno.readTextFile(file).catch(() => "0"));
    await Deno.writeTextFile(file, String(before + 1));
    if (before < Number(failures)) {
      throw new ExitError(EXIT.failed, `the service answered 503 (attempt ${before + 1})`);
    }
    say({ type: "result", output: { worked_on_attempt: before + 1 } });
  });
}
