/** Bounds on what goes into a task and what comes out of it. Pure. */
import type { Executor, Outcome, Progress } from "../task/task.ts";

const encoder = new TextEncoder();

/** The validated input, or what is wrong with it, naming the field. */
export function checkInput(
  executor: Executor,
  input: unknown,
  maxBytes: number,
): { input: unknown } | { problem: string } {
  const bytes = byteLength(JSON.stringify(input) ?? "", maxBytes);
  if (bytes > maxBytes) {
    return {
      problem:
        `the input is ${bytes} bytes, more than the ${maxBytes} that this worker takes (TASK_MAX_INPUT_BYTES)`,
    };
  }
  const result = executor.input.safeParse(input);
  if (result.success) return { input: result.data };
  const issues = result.error.issues.slice(0, 5).map((issue) =>
    `${issue.path.length > 0 ? issue.path.map(String).join(".") : "input"}: ${issue.message}`
  );
  return { problem: cleanText(`bad input for ${executor.type}: ${issues.join("; ")}`, 4000) };
}

/** The outcome of a run that returned `output`: done, if the output can be stored. */
export function boundedOutput(output: unknown, maxBytes: number): Outcome {
  let json: string | undefined;
  try {
    json = JSON.stringify(output ?? null);
  } catch (error) {
    return unstorable(`it is not JSON: ${(error as Error).message}`);
  }
  if (json === undefined) return unstorable(`it is not JSON: it is a ${typeof output}`);
  // PostgreSQL's jsonb takes neither; after an escaped backslash, "u0000" is just text.
  const escaped = json.includes("\\u");
  if (escaped && /(?<!\\)(\\\\)*\\u0000/.test(json)) {
    return unstorable("it contains a NUL character (\\u0000)");
  }
  if (escaped && /(?<!\\)(\\\\)*\\ud[89a-f]/.test(json)) {
    return unstorable("it contains half a character (a lone surrogate)");
  }
  const bytes = byteLength(json, maxBytes);
  if (bytes > maxBytes) {
    return unstorable(`it is ${bytes} bytes, more than the ${maxBytes} allowed (TASK_MAX_OUTPUT_BYTES)`);
  }
  return { kind: "done", output: output ?? null };
}

/** The length in UTF-8; not counted for texts that are surely shorter than `maxBytes`. */
function byteLength(text: string, maxBytes: number): number {
  return text.length * 3 <= maxBytes ? text.length : encoder.encode(text).length;
}

/** Text that every queue can store: no NUL, and bounded. */
export function cleanText(text: string, maxLength: number): string {
  const clean = text.replaceAll("\0", "\uFFFD");
  if (clean.length <= maxLength) return clean.toWellFormed();
  // Cut first: the cut may leave half a character.
  return `${clean.slice(0, maxLength).toWellFormed()} … (${clean.length - maxLength} more)`;
}

/** Progress that every queue can store: a bad message must not cost all tasks their heartbeat. */
export function cleanProgress(progress: Progress): Progress {
  const { percent, message, remainingSeconds } = progress;
  return {
    ...(Number.isFinite(percent) && { percent: Math.min(100, Math.max(0, percent!)) }),
    ...(message !== undefined && { message: cleanText(String(message), 1000) }),
    ...(Number.isFinite(remainingSeconds) && { remainingSeconds: Math.max(0, remainingSeconds!) }),
  };
}

function unstorable(why: string): Outcome {
  return { kind: "failed", retry: false, error: `the result cannot be stored: ${why}` };
}
