/**
 * Blotato's cloud service (API v2): accounts, media, posts and their status.
 * Source: help.blotato.com, "API reference", read on 2026-11-21.
 */
import { findLocalInput } from "../task_files.ts";
import type { ExecutionContext } from "../../lib/task/task.ts";
import { type CloudCall, type CloudCalls, failure } from "./cloud_calls.ts";
import { fileKind } from "./file_kind.ts";
import type { BlotatoInput, MediaSource } from "./input.ts";
import { type Post, type Publisher, type Submission, unsure } from "./publisher.ts";
import { sendFile } from "./send_file.ts";
import { platformUrl } from "./target.ts";

/** What else the cloud publisher needs. */
export interface CloudPublisherOptions {
  /** Without a slash at its end. */
  readonly blotatoApiUrl: string;
  readonly inputRoots: readonly string[];
  /** For one file. */
  readonly transferTimeoutMs: number;
}

/** Posts through the cloud service. */
export class CloudPublisher implements Publisher {
  readonly kind = "cloud";
  readonly #calls: CloudCalls;
  readonly #options: CloudPublisherOptions;

  constructor(calls: CloudCalls, options: CloudPublisherOptions) {
    this.#calls = calls;
    this.#options = options;
  }

  async verify(input: BlotatoInput, signal: AbortSignal): Promise<void> {
    const path = `/users/me/accounts?platform=${input.platform}`;
    const body = await this.#send({
      method: "GET",
      path,
      limit: "accounts",
      repeatable: true,
      input,
      signal,
    });
    const items = (body as { items?: unknown } | undefined)?.items;
    if (!Array.isArray(items)) return; // another form of answer: the post itself will tell
    const accounts = items.filter((item) => item?.platform === undefined || item.platform === input.platform);
    if (accounts.some((item) => String(item?.id) === input.account_id)) return;
    const known = accounts.slice(0, 5).map((item) =>
      `${item?.id} (${item?.username ?? item?.fullname ?? "no name"})`
    );
    const has = known.length > 0
      ? `it has ${known.join(", ")}`
      : `it has none; connect one at my.blotato.com`;
    throw failure({ input }, `the Blotato key has no such account: ${has}`, false);
  }

  async media(source: MediaSource, input: BlotatoInput, context: ExecutionContext): Promise<string> {
    if ("file" in source) return await this.#upload(source.file, input, context);
    const body = await this.#send({
      method: "POST",
      path: "/media",
      body: { url: source.url },
      limit: "media",
      repeatable: true, // a second copy that no post uses does no harm
      input,
      signal: context.signal,
    });
    return webUrl((body as { url?: unknown } | undefined)?.url) ??
      raise(failure({ input }, "Blotato took the file but did not tell its address", true));
  }

  async submit({ input, target, media }: Post, signal: AbortSignal): Promise<Submission> {
    const { platform, account_id, caption, scheduled_time } = input;
    const content = { text: caption, mediaUrls: media, platform };
    const body = await this.#send({
      method: "POST",
      path: "/posts",
      body: {
        post: { accountId: account_id, content, target },
        ...scheduled_time === undefined ? {} : { scheduledTime: scheduled_time },
      },
      limit: "posts",
      repeatable: false,
      input,
      signal,
    });
    const id = (body as { postSubmissionId?: unknown } | undefined)?.postSubmissionId;
    if (typeof id !== "string" || !/^[\w.:-]{1,200}$/.test(id)) {
      throw unsure(input, "Blotato accepted it but told no postSubmissionId");
    }
    return { via: this.kind, id, state: "pending" };
  }

  async look(
    submission: Submission,
    input: BlotatoInput,
    signal: AbortSignal,
  ): Promise<Submission | undefined> {
    const path = `/posts/${encodeURIComponent(submission.id)}`;
    const body = await this.#send({ method: "GET", path, limit: "status", repeatable: true, input, signal });
    const { status, publicUrl, errorMessage, scheduledTime } = (body ?? {}) as Record<string, unknown>;
    switch (status) {
      case "published": {
        const url = platformUrl(input.platform, publicUrl);
        return { ...submission, state: "published", ...url === undefined ? {} : { url } };
      }
      case "scheduled": {
        const time = typeof scheduledTime === "string" ? scheduledTime : input.scheduled_time;
        return { ...submission, state: "scheduled", ...time === undefined ? {} : { scheduledFor: time } };
      }
      case "failed": {
        const why = typeof errorMessage === "string" && errorMessage
          ? errorMessage.slice(0, 500)
          : "no reason given";
        throw failure(
          { input },
          `the platform did not take it: ${why} (post ${submission.id} in Blotato)`,
          false,
        );
      }
    }
  }

  #send(call: CloudCall): Promise<unknown> {
    return this.#calls.send(call);
  }

  /** A local file goes to an address that Blotato makes for it; the key does not go there. */
  async #upload(path: string, input: BlotatoInput, context: ExecutionContext): Promise<string> {
    const file = await findLocalInput(this.#options.inputRoots, path);
    const { name, type } = fileKind(path);
    const body = await this.#send({
      method: "POST",
      path: "/media/uploads",
      body: { filename: name },
      limit: "media",
      repeatable: true,
      input,
      signal: context.signal,
    });
    const { presignedUrl, publicUrl } = (body ?? {}) as Record<string, unknown>;
    const to = webUrl(presignedUrl);
    const media = webUrl(publicUrl);
    const secure = to?.startsWith("https:") || this.#options.blotatoApiUrl.startsWith("http:");
    if (to === undefined || media === undefined || !secure) {
      throw failure({ input }, "Blotato told no address to upload the file to", true);
    }
    try {
      const { status } = await sendFile({
        url: to,
        method: "PUT",
        headers: { "content-type": type },
        file,
        signal: context.signal,
        timeoutMs: this.#options.transferTimeoutMs,
        onProgress: (sent, total) =>
          context.progress({ message: `uploading to Blotato: ${Math.floor(sent / total * 100)} %` }),
      });
      if (status >= 200 && status < 300) return media;
      throw failure({ input }, `the upload to Blotato's storage was answered ${status}`, status !== 413);
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof Error && error.name === "TaskError") throw error;
      throw failure(
        { input },
        `the upload to Blotato's storage broke off: ${(error as Error).message}`,
        true,
        error,
      );
    }
  }
}

function webUrl(value: unknown): string | undefined {
  return typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value) ? value : undefined;
}

function raise(error: Error): never {
  throw error;
}
