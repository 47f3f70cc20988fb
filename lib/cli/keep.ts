/** The keeper as a command. Imports little: it is there as long as the worker, and should cost next to nothing. */
import { systemClock } from "../clock.ts";
import { keepDaemon } from "../daemon/keeper.ts";
import { errorFile } from "../daemon/log_source.ts";
import { selfCommand } from "../daemon/self.ts";
import { setUpLogging } from "../log.ts";

/** What the keeper is told, as JSON. */
export interface KeepArguments {
  readonly home: string;
  /** What was given to `start`. */
  readonly args: readonly string[];
}

const MAX_ERROR_FILE_BYTES = 256 * 1024;

/** Keeps the worker running; `text` is {@link KeepArguments}. Returns the exit code. */
export async function keep(text: string): Promise<number> {
  const { home, args } = JSON.parse(text) as KeepArguments;
  // To standard error, which is the file of errors; nothing secret is known here.
  const logging = setUpLogging({ level: "info", format: "json", secrets: () => [] });
  try {
    return await keepDaemon({
      home,
      args,
      // Last, so that it wins: nobody reads a background worker's standard error.
      daemon: selfCommand(["start", "--foreground", ...args, "--log-to", "file"]),
      clock: systemClock,
      beforeStart: () => shorten(errorFile(home)),
    });
  } finally {
    await logging.dispose();
  }
}

/** What the runtime prints is little; should it ever be much, the old of it goes. */
async function shorten(path: string): Promise<void> {
  const { size } = await Deno.stat(path);
  if (size > MAX_ERROR_FILE_BYTES) await Deno.truncate(path);
}
