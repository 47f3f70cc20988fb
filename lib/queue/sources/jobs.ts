/** A jobs server as a task source: each job is a task of type `wdl_run`. Servers of the first protocol work as well. */
import { type Clock, systemClock, within } from "../../clock.ts";
import { type ClaimedJob, type JobsClient, JobsError } from "../../jobs/client.ts";
import { logger } from "../../log.ts";
import {
  type HeartbeatAnswer,
  type SettleAnswer,
  SourceError,
  type Task,
  type TaskSource,
} from "../../task/task.ts";
import { matchesPattern } from "../concurrency.ts";
import type { LeaseTiming } from "../lease_keeper.ts";
import { isUsableRunId, reportOf, serverToken, taskOf } from "./jobs_job.ts";

/** Durations in seconds. */
export interface JobsSourceOptions {
  /** Made with `tries: 1`: what is tried again, and when, is decided by the queue. */
  readonly client: JobsClient;
  readonly workerId: string;
  /** How long a claim waits for a job, where the server can do that; at most 10. */
  readonly waitSeconds: number;
  /** Told to the server when the worker registers. */
  readonly hostname?: string;
  readonly version?: string;
  readonly maxJobs?: number;
  /** Whether it is asked as often as it tells. */
  readonly toldInterval?: boolean;
  readonly clock?: Clock;
}

/** The task type of all jobs. */
export const JOB_TYPE = "wdl_run";

/** A claim that waits longer than this would be given up by the poller. */
const MAX_WAIT_SECONDS = 10;
/** How long each further claim of one call may take, in ms: the poller waits 15 s for all of them. */
const NEXT_CLAIM_MS = 3000;
const MAX_PAUSE_SECONDS = 300;
const MIN_POLL_SECONDS = 0.1;
/** Where neither the server nor the configuration tells: half of the protocol's usual lease of 300 s. */
const DEFAULT_HEARTBEAT_SECONDS = 150;
/** Reports that travel at once. */
const PARALLEL = 8;

/**
 * When heartbeats are sent: every so many seconds if told, else every half lease. The first is sent at once, since a
 * cancellation rides on its answer; progress does not wait for the next.
 */
export function jobsLeaseTiming(heartbeatSeconds?: number): LeaseTiming {
  return {
    intervalMs: (heartbeatSeconds ?? DEFAULT_HEARTBEAT_SECONDS) * 1000,
    firstMs: 1000,
    progressMs: 5000,
  };
}

/** What registering brought: this worker's name at the server, how long a claim may wait, and how often to ask. */
interface Session {
  readonly workerId: string;
  readonly waitSeconds: number;
  readonly pollMs?: number;
}

/** The source `jobs`. */
export function jobsSource(options: JobsSourceOptions): TaskSource {
  const { client, clock = systemClock } = options;
  const log = logger("jobs");
  let session: Session | undefined;
  /** The server asked not to be asked before this moment, on the monotonic clock. */
  let pause: { until: number; error: SourceError } | undefined;

  let lastMark = 0;

  function toTask(job: ClaimedJob): Task {
    lastMark = Math.max(lastMark + 1, clock.now());
    return taskOf(job, JOB_TYPE, clock.now(), lastMark);
  }

  async function open(signal: AbortSignal): Promise<Session> {
    if (session) return session;
    const { workerId, hostname, version, maxJobs } = options;
    try {
      const terms = await client.register({ workerId, hostname, version, maxJobs, signal });
      const waitSeconds = Math.min(options.waitSeconds, MAX_WAIT_SECONDS, terms.max_wait_seconds);
      // A worker's token decides what it is called.
      const pollMs = Math.min(Math.max(terms.poll_seconds, MIN_POLL_SECONDS), MAX_PAUSE_SECONDS) * 1000;
      return session = { workerId: terms.worker_id, waitSeconds, pollMs };
    } catch (error) {
      if (!isUnknownRoute(error)) throw error;
      return session = { workerId, waitSeconds: 0 };
    }
  }

  async function claimOne(wait: boolean, signal: AbortSignal) {
    const { workerId, waitSeconds } = await open(signal);
    const job = await client.claim({ workerId, waitSeconds: wait ? waitSeconds : 0, signal });
    if (!job) return undefined;
    if (isUsableRunId(job.run_id)) return toTask(job);
    await refuse(job.run_id, job.token, workerId, signal);
    return "refused";
  }

  /** The error for the queue; keeps what the server said about when to come again. */
  function noted(error: unknown): SourceError {
    const failure = sourceError(error);
    const seconds = error instanceof JobsError ? error.retryAfterSeconds ?? 0 : 0;
    if (seconds > 0) {
      const pauseMs = Math.min(seconds, MAX_PAUSE_SECONDS) * 1000;
      pause = { until: clock.monotonic() + pauseMs, error: failure };
    }
    return failure;
  }

  /** A name that is a path is no name for a job; the server hears so, and the others go on. */
  async function refuse(runId: string, token: string | undefined, workerId: string, signal: AbortSignal) {
    log.error(`refused a job whose run_id is ${JSON.stringify(runId.slice(0, 200))}: it is no file's name`);
    if (/^\.*$/.test(runId)) return; // cannot be said in a URL: its lease has to run out
    const message = "this worker takes no run_id with characters that are not fit for a file's name";
    await client.fail(runId, { workerId, token, message, retry: false, signal })
      .catch((error) => log.warn((error as Error).message));
  }

  return {
    name: "jobs",
    pollMs: () => options.toldInterval ? session?.pollMs : undefined,
    async claim(types, room, signal, rooms = {}) {
      if (!types.includes(JOB_TYPE)) return [];
      if (pause && clock.monotonic() < pause.until) throw pause.error;
      const limits = Object.entries(rooms).filter(([pattern]) => matchesPattern(pattern, JOB_TYPE));
      const fitting = Math.min(room, ...limits.map(([, count]) => count));
      const tasks: Task[] = [];
      const begun = clock.monotonic();
      for (let calls = 0; calls < fitting && !signal.aborted; calls++) {
        // What is ours already must not be lost because the poller gives this call up.
        if (calls > 0 && clock.monotonic() - begun > MAX_WAIT_SECONDS * 1000) break;
        try {
          const task = calls === 0
            ? await claimOne(true, signal)
            : await within(clock, NEXT_CLAIM_MS, signal, (signal) => claimOne(false, signal));
          if (!task) break;
          if (task !== "refused") tasks.push(task);
        } catch (error) {
          if (tasks.length > 0) break; // the next claim will tell
          throw noted(error);
        }
      }
      return tasks;
    },
    // Where one has no answer, all are asked again soon: a cancellation is told until it is heard.
    heartbeat: (beats, signal) =>
      all(beats, async ({ task, progress }): Promise<HeartbeatAnswer> => {
        const { workerId } = await open(signal);
        return await client.heartbeat(task.id, {
          workerId,
          token: serverToken(task.token),
          progress: progress && {
            percent: progress.percent,
            message: progress.message,
            remaining_seconds: progress.remainingSeconds,
          },
          signal,
        });
      }),
    async settle(settlements, signal) {
      if (settlements.length === 0) await probe(signal);
      return await all(settlements, async ({ task, outcome }): Promise<SettleAnswer> => {
        const { workerId } = await open(signal);
        const claim = { workerId, token: serverToken(task.token), signal };
        const report = reportOf(outcome);
        if ("response" in report) return await client.complete(task.id, { ...claim, ...report });
        if ("message" in report) return await client.fail(task.id, { ...claim, ...report });
        try {
          return await client.release(task.id, { ...claim, reason: report.reason });
        } catch (error) {
          if (!isUnknownRoute(error)) throw error;
          return await client.fail(task.id, { ...claim, message: report.reason, retry: true });
        }
      });
    },
    async held(signal) {
      return (await running(signal)).map(toTask);
    },
    async abandonHeld(signal) {
      const jobs = await running(signal);
      const { workerId } = await call(() => open(signal));
      const message = "the worker stopped in the middle of it";
      const answers = await all(
        jobs.filter(({ run_id }) => isUsableRunId(run_id)),
        ({ run_id, token }) => client.fail(run_id, { workerId, token, message, retry: true, signal }),
      );
      return answers.filter((answer) => answer === "settled").length;
    },
    ping: probe,
  };

  /** A server of the first protocol cannot tell: what it had handed out, it hands out no more. */
  async function running(signal: AbortSignal) {
    return await call(async () => {
      const { workerId } = await open(signal);
      try {
        return await client.running(workerId, signal);
      } catch (error) {
        if (isUnknownRoute(error)) return [];
        throw error;
      }
    });
  }

  async function probe(signal: AbortSignal): Promise<void> {
    await running(signal);
  }
}

/** Old servers answer 404 or 405 without a word of their own to what they do not know. */
function isUnknownRoute(error: unknown): boolean {
  return error instanceof JobsError && error.code === undefined && [404, 405].includes(error.status ?? 0);
}

function sourceError(error: unknown): SourceError {
  if (error instanceof JobsError) {
    return new SourceError(error.message, { transient: error.transient, cause: error });
  }
  const { message } = error as Error;
  return new SourceError(`Cannot reach the jobs server: ${message}`, { transient: true, cause: error });
}

async function call<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw sourceError(error);
  }
}

/** A few at once; waits for all of them, and then throws the first error. */
async function all<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let failure: { error: unknown } | undefined;
  const queue = items.entries();
  const lane = async () => {
    for (const [i, item] of queue) {
      try {
        results[i] = await work(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, lane));
  if (failure) throw sourceError(failure.error);
  return results;
}
