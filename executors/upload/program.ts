/** Posting through a person's own upload program. */
import type { Clock } from "../../lib/clock.ts";
import type { Uploader } from "../../lib/config/uploaders.ts";
import {
  baseEnvironment,
  describeExit,
  ProgramMissingError,
  runProgram,
  type RunResult,
} from "../../lib/process.ts";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import type { Platform } from "./input.ts";
import { type OutputReader, outputReader } from "./program_output.ts";
import { judge, type Verdict } from "./proof.ts";
import { uploadArguments, type UploadValues } from "./arguments.ts";

/** One post to be made by a program. */
export interface ProgramUpload {
  readonly uploader: Uploader;
  readonly values: UploadValues & { readonly platform: Platform };
  /** For all of it, the second try included. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** From SIGTERM to SIGKILL. */
  readonly killAfterMs?: number;
}

/** What was posted; at least one of the two is known. */
export type Posted = Omit<Extract<Verdict, { kind: "posted" }>, "kind">;

/** How one run ended. `crashed` is the only end after which the program is started again. */
type Ending = { readonly kind: "posted"; readonly posted: Posted } | {
  readonly kind: "crashed";
  error: TaskError;
};

/** Exit codes by which programs say that the request itself is wrong (usage, data, configuration). */
const FINAL_EXIT_CODES = [2, 64, 65, 78];
const MAX_LINE_BYTES = 256 * 1024;

/**
 * Runs the upload program, and once more if it crashes before it has told that it posts. To be called inside an
 * outward act.
 * @throws {@link TaskError}, `uncertain` where the video may have been posted
 */
export async function postWithProgram(
  upload: ProgramUpload,
  context: Pick<ExecutionContext, "signal" | "tempDir" | "log" | "progress">,
): Promise<Posted> {
  const deadline = upload.clock.monotonic() + upload.timeoutMs;
  for (let attempt = 1;; attempt++) {
    const ending = await runOnce(upload, deadline - upload.clock.monotonic(), context);
    if (ending.kind === "posted") return ending.posted;
    const timeLeft = deadline - upload.clock.monotonic() > 0;
    if (attempt === 2 || !timeLeft || !ending.error.retry) throw ending.error;
    context.log.warn("{error}; starting it once more", { error: ending.error.message });
    context.progress({ message: "the upload program crashed; starting it once more" });
  }
}

async function runOnce(
  { uploader, values, timeoutMs, clock, killAfterMs }: ProgramUpload,
  remainingMs: number,
  { signal, tempDir }: Pick<ExecutionContext, "signal" | "tempDir">,
): Promise<Ending> {
  // Before the program starts nothing can have been posted, and the caller must learn that for sure.
  const args = uploadArguments(uploader, values);
  const output = outputReader(values.caption);
  let started = false;
  const result = await runProgram({
    program: uploader.program,
    args,
    cwd: uploader.cwd ?? tempDir,
    // Python holds back what it prints to a pipe: after a crash it would be lost how far the program came.
    env: { ...baseEnvironment(), PYTHONUNBUFFERED: "1", ...passedOn(uploader.env) },
    signal,
    clock,
    timeoutMs: remainingMs,
    killAfterMs,
    maxLineBytes: MAX_LINE_BYTES,
    onStdoutLine: (line) => output.stdout(line),
    onStderrLine: (line) => output.stderr(line),
    onStart: () => void (started = true),
  }).catch((error) => {
    const message = error instanceof Error ? error.message : String(error);
    if (started) throw unsure(`the upload program for ${values.platform} was lost: ${message}`, "");
    throw new TaskError(message, { retry: error instanceof ProgramMissingError, cause: error });
  });
  if (!started) throw new TaskError("stopped before the upload program was started", { retry: true });
  return endingOf(values.platform, result, output, timeoutMs);
}

function endingOf(platform: Platform, result: RunResult, output: OutputReader, timeoutMs: number): Ending {
  const logTail = [...result.stdoutTail, ...result.stderrTail].join("\n").slice(-8_000);
  const found = output.result();
  if (found) return judged(judge(platform, found.value), output, logTail);
  const last = result.stderrTail.findLast((line) => line.trim() !== "")?.slice(0, 300);
  const how = result.timedOut
    ? `was stopped after its limit of ${timeoutMs / 1_000} s (SAFARI_UPLOAD_TIMEOUT_SECONDS)`
    : describeExit(result);
  const what = `the upload program for ${platform} ${how}${last === undefined ? "" : `: ${last}`}`;
  const stopped = result.timedOut || result.aborted;
  if (output.postingBegan()) throw unsure(`${what}, after it had begun to post`, logTail);
  if (output.brokenResult()) throw unsure(`${what}, and its result is no JSON`, logTail);
  if (stopped && output.silent()) throw unsure(`${what}, and had not told how far it was`, logTail);
  if (stopped) throw new TaskError(what, { retry: true, logTail });
  if (result.code === 0) throw unsure(`${what} without a line \`Result: {json}\``, logTail);
  const final = result.code !== null && FINAL_EXIT_CODES.includes(result.code);
  return { kind: "crashed", error: new TaskError(what, { retry: !final, logTail }) };
}

function judged(verdict: Verdict, output: OutputReader, logTail: string): Ending {
  switch (verdict.kind) {
    case "posted": {
      const { kind: _, ...posted } = verdict;
      return { kind: "posted", posted };
    }
    case "failed": {
      const what = `the upload program failed: ${verdict.reason}`;
      if (output.postingBegan()) throw unsure(`${what}, after it had begun to post`, logTail);
      throw new TaskError(what, { retry: true, logTail });
    }
    case "unproven":
      throw unsure(`the upload program gave no proof of the post: ${verdict.reason}`, logTail);
  }
}

/** The post may be there: only a person who looks can say whether to try again. */
function unsure(what: string, logTail: string): TaskError {
  return new TaskError(`${what}`, {
    retry: false,
    uncertain: true,
    logTail,
  });
}

function passedOn(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
