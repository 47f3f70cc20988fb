/** What the local app and the cloud service have in common. */
import { backoffDelay } from "../../lib/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import type { BlotatoInput, MediaSource } from "./input.ts";
import { destination } from "./input.ts";

/** A post as it is handed to Blotato. */
export interface Post {
  readonly input: BlotatoInput;
  /** Complete, with `targetType`. */
  readonly target: Readonly<Record<string, unknown>>;
  /** What {@link Publisher.media} gave. */
  readonly media: readonly string[];
}

/** A post that Blotato has taken; plain JSON, so that it can be kept. */
export interface Submission {
  readonly via: Publisher["kind"];
  readonly id: string;
  readonly state: "pending" | "published" | "scheduled";
  readonly url?: string;
  /** ISO 8601; of scheduled posts, where Blotato tells it. */
  readonly scheduledFor?: string;
}

/** One way to Blotato. Everything throws a {@link TaskError}; `uncertain` where the post may have been made. */
export interface Publisher {
  readonly kind: "local" | "cloud";
  /** Makes sure that the account is there, where that can be asked. */
  verify(input: BlotatoInput, signal: AbortSignal): Promise<void>;
  /** Hands one picture or film over and returns what posts call it; nobody sees it yet. */
  media(source: MediaSource, input: BlotatoInput, context: ExecutionContext): Promise<string>;
  /** Makes the post. Throws without `uncertain` only where it was surely not made. */
  submit(post: Post, signal: AbortSignal): Promise<Submission>;
  /** Looks how a pending post fares; undefined where nothing new can be said. */
  look(submission: Submission, input: BlotatoInput, signal: AbortSignal): Promise<Submission | undefined>;
}

const POLL = { firstMs: 2_000, maxMs: 15_000, jitter: 0.1 };
/** How long a post may stay pending before one attempt gives up looking, in ms. */
const PENDING_LIMIT_MS = 10 * 60_000;
/** How long a scheduled post may take to show up as scheduled, in ms: older versions of the API never say so. */
const SCHEDULING_LIMIT_MS = 30_000;

/**
 * Looks at a post until it is published, scheduled or failed. Returns it pending when the signal aborts, or the limit
 * has passed: it is in Blotato's hands, and may be looked at again.
 * @throws TaskError without retry when it failed for good
 */
export async function follow(
  publisher: Publisher,
  submission: Submission,
  input: BlotatoInput,
  { signal, clock, progress }: Pick<ExecutionContext, "signal" | "progress"> & { readonly clock: Clock },
): Promise<Submission> {
  const scheduling = input.scheduled_time !== undefined;
  const deadline = clock.monotonic() + (scheduling ? SCHEDULING_LIMIT_MS : PENDING_LIMIT_MS);
  let newest = submission;
  for (let polls = 1; newest.state === "pending"; polls++) {
    if (signal.aborted) return newest;
    if (clock.monotonic() >= deadline) {
      return scheduling ? { ...newest, state: "scheduled", scheduledFor: input.scheduled_time } : newest;
    }
    progress({ message: `waiting for Blotato to post to ${destination(input)}` });
    await clock.sleep(backoffDelay(polls, POLL), signal);
    if (signal.aborted) return newest;
    newest = await look(publisher, newest, input, signal);
  }
  return newest;
}

/** A look that fails for now says nothing about the post. */
async function look(
  publisher: Publisher,
  submission: Submission,
  input: BlotatoInput,
  signal: AbortSignal,
): Promise<Submission> {
  try {
    return await publisher.look(submission, input, signal) ?? submission;
  } catch (error) {
    const passing = signal.aborted || error instanceof TaskError && error.retry;
    if (passing) return submission;
    throw error;
  }
}

/** For an act whose outcome nobody knows. */
export function unsure(input: BlotatoInput, what: string, cause?: unknown): TaskError {
  return new TaskError(
    `the post to ${destination(input)} may have been made: ${what}`,
    { retry: false, uncertain: true, cause },
  );
}
