/** Why ffmpeg failed, in one line, and whether trying again could help. Pure. */
import { describeExit, type RunResult } from "../../lib/process.ts";
import { TaskError } from "../../lib/task/task.ts";

/** The machine's trouble, not the file's: may have passed next time, or on another machine. */
const PASSING =
  /No space left on device|Disk quota exceeded|Cannot allocate memory|Resource temporarily unavailable|Too many open files|Input\/output error|Unknown (en|de)coder|Permission denied/;
/** Lines that say what is wrong with a file, best first. */
const TELLING = [
  /Format not on whitelist/,
  /moov atom not found|Invalid data found|matches no streams|does not contain any stream|Could not find tag for codec/,
  /error|invalid|fail|unable|cannot|could not|not found|unsupported|no such/i,
];

/** The error for a run of ffmpeg or ffprobe that did not end well. */
export function ffmpegFailure(program: "ffmpeg" | "ffprobe", result: RunResult): TaskError {
  const logTail = result.stderrTail.join("\n").slice(-8_000);
  const killed = result.signal !== null || result.timedOut;
  const line = tellingLine(result.stderrTail);
  const reason = killed || line === undefined ? describeExit(result) : line;
  return new TaskError(`${program}: ${reason}`, { retry: killed || PASSING.test(logTail), logTail });
}

/** The line that tells most, without ffmpeg's addresses in memory; undefined if it printed nothing. */
export function tellingLine(stderr: readonly string[]): string | undefined {
  const lines = stderr.map((line) => line.replace(/^(\[[^\]]* @ 0x[0-9a-f]+\]\s*)+/, "").trim())
    .filter((line) => line !== "" && !/^Conversion failed!?$/.test(line));
  const passing = lines.find((line) => PASSING.test(line));
  const telling = TELLING.map((pattern) => lines.find((line) => pattern.test(line))).find((line) =>
    line !== undefined
  );
  const line = passing ?? telling ?? lines.at(-1);
  return line?.startsWith("Format not on whitelist")
    ? "the file is a playlist or another kind of file that is not accepted"
    : line?.slice(0, 500);
}
