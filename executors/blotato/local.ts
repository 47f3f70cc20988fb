/**
 * The local Blotato app: `GET /api/status`, `POST /api/upload` (a form with the file) and `POST /api/post` (JSON). Its
 * maker documents no more than these names, so that answers are read leniently but judged strictly: a post counts only
 * with its address or id, never by a status alone.
 */
import { join } from "node:path";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import { bringIn, type FileSettings } from "../ffmpeg/files.ts";
import { type JsonAnswer, RequestError, requestJson } from "../upload/json_request.ts";
import { fileKind } from "./file_kind.ts";
import { type BlotatoInput, destination, type MediaSource } from "./input.ts";
import { type Post, type Publisher, type Submission, unsure } from "./publisher.ts";
import { multipart, sendFile } from "./send_file.ts";
import { platformUrl } from "./target.ts";

/** What the local publisher needs of the configuration. */
export interface LocalSettings extends FileSettings {
  /** Without a slash at its end. */
  readonly blotatoLocalUrl: string;
}

const STATUS_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 60_000;
const FAILED = /^(fail|failed|failure|error|rejected|cancell?ed)$/i;
const PUBLISHED = /^(published|posted|success|succeeded|completed?|done|ok)$/i;

type Json = Readonly<Record<string, unknown>>;

/** Whether the app answers now: its version if it tells one, or why it cannot be used. */
export async function localStatus(
  baseUrl: string,
  signal: AbortSignal,
): Promise<{ ready: true; version?: string } | { ready: false; reason: string }> {
  try {
    const { status, body } = await requestJson({
      url: `${baseUrl}/api/status`,
      method: "GET",
      signal,
      timeoutMs: STATUS_TIMEOUT_MS,
    });
    if (status !== 200) return { ready: false, reason: `the Blotato app answers with status ${status}` };
    const told = recordIn(body);
    const problem = errorIn(told) ?? (told.ready === false ? "it says that it is not ready" : undefined);
    if (problem !== undefined) return { ready: false, reason: `the Blotato app: ${problem}` };
    return { ready: true, ...typeof told.version === "string" ? { version: told.version.slice(0, 50) } : {} };
  } catch (error) {
    signal.throwIfAborted();
    return { ready: false, reason: `the Blotato app does not answer (${(error as Error).message})` };
  }
}

/** Posts through the local app. */
export class LocalPublisher implements Publisher {
  readonly kind = "local";
  readonly #settings: LocalSettings;
  #files = 0;

  constructor(settings: LocalSettings) {
    this.#settings = settings;
  }

  /** The app knows its accounts, but has no way to ask for them. */
  async verify(): Promise<void> {}

  async media(source: MediaSource, input: BlotatoInput, context: ExecutionContext): Promise<string> {
    const from = "file" in source ? source.file : source.url;
    const arrived = `media${this.#files++}`;
    await bringIn(from, arrived, this.#settings, context);
    const { name, type } = fileKind(from);
    const form = multipart({ platform: input.platform, account_id: input.account_id }, {
      field: "file",
      name,
      type,
    });
    let answer: { status: number; text: string };
    try {
      answer = await sendFile({
        url: `${this.#settings.blotatoLocalUrl}/api/upload`,
        method: "POST",
        headers: { "content-type": form.contentType, accept: "application/json" },
        file: join(context.tempDir, arrived),
        before: form.before,
        after: form.after,
        signal: context.signal,
        timeoutMs: this.#settings.downloadTimeoutSeconds * 1_000,
        onProgress: (sent, total) =>
          context.progress({ message: `handing the file to Blotato: ${Math.floor(sent / total * 100)} %` }),
      });
    } catch (error) {
      context.signal.throwIfAborted();
      throw failure(
        input,
        `the Blotato app did not take the file (${(error as Error).message})`,
        true,
        error,
      );
    }
    const told = recordIn(parsed(answer.text));
    const reference = ["media_url", "mediaUrl", "url", "path", "media_id", "upload_id", "id"]
      .map((name) => textOf(told[name])).find((value) => value !== undefined);
    if (
      answer.status >= 200 && answer.status < 300 && errorIn(told) === undefined && reference !== undefined
    ) {
      return reference;
    }
    const why = errorIn(told) ?? "it did not tell what the file is called there";
    throw failure(
      input,
      `the Blotato app did not take the file: status ${answer.status}, ${why}`,
      answer.status >= 500,
    );
  }

  async submit({ input, target, media }: Post, signal: AbortSignal): Promise<Submission> {
    const { platform, account_id, caption, title, scheduled_time } = input;
    let answer: JsonAnswer;
    try {
      answer = await this.#ask("POST", "/api/post", signal, {
        platform,
        account_id,
        caption,
        ...title === undefined ? {} : { title },
        media_urls: media,
        ...scheduled_time === undefined ? {} : { scheduled_time },
        target,
      });
    } catch (error) {
      if (error instanceof RequestError && !error.sent) {
        throw failure(input, `the Blotato app does not answer (${error.message}); start it`, true, error);
      }
      const why = signal.aborted ? "it was stopped meanwhile" : (error as Error).message;
      throw unsure(input, `the Blotato app's answer was lost (${why})`, error);
    }
    const told = recordIn(answer.body);
    const error = errorIn(told);
    if (answer.status >= 400 && answer.status < 500) {
      const retry = [408, 425, 429].includes(answer.status);
      throw failure(
        input,
        `the Blotato app answered ${answer.status}${error === undefined ? "" : `: ${error}`}`,
        retry,
      );
    }
    if (answer.status >= 300) throw unsure(input, `the Blotato app answered ${answer.status}`);
    if (error !== undefined) throw failure(input, `the Blotato app failed: ${error}`, true);
    return this.#submissionIn(told, input) ??
      raise(unsure(input, "the Blotato app told neither address nor id of the post"));
  }

  /** The app tells of a post in its status, where it does at all. */
  async look(
    submission: Submission,
    input: BlotatoInput,
    signal: AbortSignal,
  ): Promise<Submission | undefined> {
    const path = `/api/status?id=${encodeURIComponent(submission.id)}`;
    const { status, body } = await this.#ask("GET", path, signal).catch((cause) => {
      throw failure(input, "the Blotato app does not answer", true, cause);
    });
    const own = status === 200 ? recordsIn(body).find((record) => idIn(record) === submission.id) : undefined;
    if (own === undefined) return undefined;
    const error = errorIn(own);
    if (error !== undefined) {
      throw failure(input, `the Blotato app failed: ${error} (post ${submission.id})`, false);
    }
    return this.#submissionIn(own, input);
  }

  #submissionIn(told: Json, input: BlotatoInput): Submission | undefined {
    const url = ["post_url", "postUrl", "publicUrl", "url"].map((name) =>
      platformUrl(input.platform, told[name])
    )
      .find((value) => value !== undefined);
    const id = idIn(told) ?? url;
    if (id === undefined) return undefined;
    const published = url !== undefined || typeof told.status === "string" && PUBLISHED.test(told.status);
    if (input.scheduled_time !== undefined && url === undefined) {
      return { via: this.kind, id, state: "scheduled", scheduledFor: input.scheduled_time };
    }
    return {
      via: this.kind,
      id,
      state: published ? "published" : "pending",
      ...url === undefined ? {} : { url },
    };
  }

  #ask(method: "GET" | "POST", path: string, signal: AbortSignal, body?: unknown): Promise<JsonAnswer> {
    const url = `${this.#settings.blotatoLocalUrl}${path}`;
    return requestJson({ url, method, body, signal, timeoutMs: REQUEST_TIMEOUT_MS });
  }
}

function failure(input: BlotatoInput, why: string, retry: boolean, cause?: unknown): TaskError {
  return new TaskError(`cannot post to ${destination(input)}: ${why}`, { retry, cause });
}

/** The object that holds the news: the answer itself or what it wraps. */
function recordIn(body: unknown): Json {
  const outer = isRecord(body) ? body : {};
  return isRecord(outer.data) ? { ...outer, ...outer.data } : outer;
}

/** The answer and the posts that it lists. */
function recordsIn(body: unknown): Json[] {
  const outer = recordIn(body);
  const listed = ["posts", "uploads", "items"].flatMap((name) =>
    Array.isArray(outer[name]) ? outer[name] as unknown[] : []
  );
  return [outer, outer.post, ...listed.slice(0, 1_000)].filter(isRecord);
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function idIn(told: Json): string | undefined {
  return ["post_id", "platform_post_id", "postSubmissionId", "id"].map((name) => textOf(told[name]))
    .find((value) => value !== undefined);
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text.trim() !== "" && text.length <= 4_096 ? text : undefined;
}

function errorIn(told: Json): string | undefined {
  const { error, message, status } = told;
  if (typeof error === "string" && error !== "") return error.slice(0, 500);
  if (isRecord(error) && Object.keys(error).length > 0) {
    return String(error.message ?? JSON.stringify(error)).slice(0, 500);
  }
  const said = typeof message === "string" && message !== "" ? message.slice(0, 500) : undefined;
  if (told.success === false || told.ok === false) return said ?? "it says that it did not succeed";
  return typeof status === "string" && FAILED.test(status) ? said ?? `its status is ${status}` : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON: the caller says what is missing
  }
}

function raise(error: Error): never {
  throw error;
}
