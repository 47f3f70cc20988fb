/**
 * Posting through the local Safari command service: `POST /v1/commands {type, payload}` answers 202 with a
 * `command_id`, `GET /v1/commands/:id` tells its status, result and error. The service forgets its commands when it
 * restarts, and has no way to call one off.
 */
import { backoffDelay } from "../../lib/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import { type JsonAnswer, RequestError, requestJson } from "./json_request.ts";
import type { UploadValues } from "./arguments.ts";
import type { Platform } from "./input.ts";
import type { Posted } from "./program.ts";
import { tellsOfPosting } from "./program_output.ts";
import { judge } from "./proof.ts";

/** One post to be made by the service. */
export interface ServiceUpload {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly values: UploadValues & { readonly platform: Platform };
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const REQUEST_TIMEOUT_MS = 15_000;
const POLL = { firstMs: 1_000, maxMs: 5_000, jitter: 0.1 };
const WORKING = ["PENDING", "QUEUED", "RUNNING"];
/** Refusals that pass: the service has not taken the command. */
const REFUSED_FOR_NOW = [408, 425, 429, 503];

/**
 * Has the service post the video, and waits for the end. To be called inside an outward act.
 * @throws {@link TaskError}, `uncertain` where the video may have been posted
 */
export async function postWithService(
  upload: ServiceUpload,
  context: Pick<ExecutionContext, "signal" | "progress">,
): Promise<Posted> {
  const deadline = upload.clock.monotonic() + upload.timeoutMs;
  const id = await submit(upload, context.signal);
  let began = false;
  for (let polls = 1;; polls++) {
    await upload.clock.sleep(backoffDelay(polls, POLL), context.signal);
    if (context.signal.aborted) throw unsure(`the wait for command ${id} was stopped, but not the command`);
    const command = await look(upload, id, context.signal);
    const status = command?.status;
    if (status === "RUNNING") began = true;
    if (command && status === "SUCCEEDED") return posted(upload.values.platform, command);
    if (command && (status === "FAILED" || status === "CANCELLED")) throw ended(status, command, began);
    if (command && !WORKING.includes(status ?? "")) {
      throw unsure(`it tells an unknown status of command ${id} (${JSON.stringify(status)?.slice(0, 100)})`);
    }
    if (upload.clock.monotonic() >= deadline) {
      throw unsure(`it did not finish within ${upload.timeoutMs / 1_000} s (SAFARI_UPLOAD_TIMEOUT_SECONDS)`);
    }
    context.progress({ message: status === "RUNNING" ? "Safari is posting" : "waiting for Safari" });
  }
}

interface Command {
  readonly status?: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

async function submit(upload: ServiceUpload, signal: AbortSignal): Promise<string> {
  const { file: video_path, platform, ...rest } = upload.values;
  const body = { type: `upload.${platform}`, payload: { platform, video_path, ...rest } };
  let answer: JsonAnswer;
  try {
    answer = await request(upload, "POST", "/v1/commands", signal, body);
  } catch (error) {
    if (error instanceof RequestError && !error.sent) {
      throw new TaskError(
        `the Safari command service cannot be reached: ${error.message} (start it, or check SAFARI_SERVICE_URL)`,
        { retry: true, cause: error },
      );
    }
    throw unsure(`its answer to the command was lost (${wordsOf(error)})`);
  }
  const id = idIn(answer.body);
  if (answer.status < 300 && id !== undefined) return id;
  if (answer.status >= 400 && answer.status < 500 || answer.status === 503) {
    throw new TaskError(
      `the Safari command service refused the upload: status ${answer.status}${errorIn(answer.body)}`,
      { retry: REFUSED_FOR_NOW.includes(answer.status) },
    );
  }
  throw unsure(`it answered the command with status ${answer.status} and no command_id`);
}

/** The command as it is now; undefined where the service does not answer this once. */
async function look(upload: ServiceUpload, id: string, signal: AbortSignal): Promise<Command | undefined> {
  let answer: JsonAnswer;
  try {
    answer = await request(upload, "GET", `/v1/commands/${encodeURIComponent(id)}`, signal);
  } catch {
    return undefined; // the time limit bounds how often; an abort is seen by the caller
  }
  if (answer.status === 404) throw unsure(`it no longer knows command ${id}: it was restarted meanwhile`);
  const isObject = typeof answer.body === "object" && answer.body !== null;
  return answer.status === 200 && isObject ? answer.body as Command : undefined;
}

function posted(platform: Platform, { result, error }: Command): Posted {
  const verdict = judge(platform, { ...typeof result === "object" ? { result } : {}, error });
  switch (verdict.kind) {
    case "posted": {
      const { kind: _, ...found } = verdict;
      return found;
    }
    case "failed":
      throw failed(`: ${verdict.reason}`);
    case "unproven":
      throw unsure(`it told success without proof: ${verdict.reason}`);
  }
}

function ended(status: string, command: Command, began: boolean): TaskError {
  if (status === "CANCELLED") {
    return began
      ? unsure("the command was cancelled there while it ran")
      : new TaskError("the command was cancelled in the Safari command service", { retry: true });
  }
  return failed(errorIn(command));
}

/** A failure, unless the service says that it came after the post had been sent. */
function failed(reason: string): TaskError {
  return tellsOfPosting(reason)
    ? unsure(`it failed${reason}`)
    : new TaskError(`the Safari command service failed${reason}`, { retry: true });
}

function request(
  { baseUrl }: ServiceUpload,
  method: "GET" | "POST",
  path: string,
  signal: AbortSignal,
  body?: unknown,
): Promise<JsonAnswer> {
  return requestJson({
    url: `${baseUrl}${path}`,
    method,
    body,
    signal,
    timeoutMs: REQUEST_TIMEOUT_MS,
  });
}

function idIn(body: unknown): string | undefined {
  const id = (body as { command_id?: unknown } | null | undefined)?.command_id;
  return typeof id === "string" && /^[\w.:-]{1,200}$/.test(id) ? id : undefined;
}

function errorIn(body: unknown): string {
  const error = (body as { error?: unknown } | null | undefined)?.error;
  return typeof error === "string" && error !== "" ? `: ${error.slice(0, 300)}` : "";
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unsure(what: string): TaskError {
  return new TaskError(`the Safari command service: ${what}`, {
    retry: false,
    uncertain: true,
  });
}
