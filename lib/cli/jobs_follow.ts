/** Follows a job to its end, through outages of its server. */
import type { Clock } from "../clock.ts";
import { JobsError } from "../jobs/call.ts";
import type { Job, JobsClient } from "../jobs/client.ts";
import { isFinal } from "../jobs/protocol.ts";
import { printable } from "./terminal.ts";

const FIRST_LOOK_MS = 250;
const MAX_LOOK_MS = 3000;

/** What is told on the way, one line each. */
export interface Watcher {
  /** The job has changed. */
  changed(line: string): void;
  /** How it goes on, between changes. */
  progress(line: string): void;
}

/**
 * Looks at the job until it has ended; as it stands when the signal aborts, undefined where it was never seen.
 * @throws JobsError for what waiting does not help
 */
export async function followJob(
  client: JobsClient,
  runId: string,
  watcher: Watcher,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Job | undefined> {
  let job: Job | undefined;
  let shown = "";
  let lookMs = FIRST_LOOK_MS;
  let away = false;
  while (!signal.aborted) {
    try {
      job = await client.get(runId, signal);
      away = false;
      const line = stateLine(job);
      if (line !== shown) {
        watcher.changed(line);
        lookMs = FIRST_LOOK_MS;
      }
      shown = line;
      const progress = progressText(job);
      if (progress) watcher.progress(`${line}  ${progress}`);
      if (isFinal(job.state)) return job;
    } catch (error) {
      if (signal.aborted) return job;
      if (!(error instanceof JobsError) || !error.transient) throw error;
      if (!away) watcher.changed(`${error.message}; still waiting`);
      away = true;
    }
    await clock.sleep(lookMs, signal);
    lookMs = Math.min(MAX_LOOK_MS, lookMs * 1.3);
  }
  return job;
}

/** `hello-1  Running  on worker-1  attempt 2 of 3` */
export function stateLine(job: Job): string {
  const { run_id, state, worker_id, attempt, max_attempts, cancel_requested } = job;
  const parts = [run_id, state];
  if (worker_id && state !== "Pending") parts.push(`on ${worker_id}`);
  if ((attempt ?? 0) > 1 || (state === "Pending" && attempt)) {
    parts.push(`attempt ${attempt} of ${max_attempts}`);
  }
  if (cancel_requested && !isFinal(state)) parts.push("asked to stop");
  return printable(parts.join("  "));
}

function progressText({ progress }: Job): string {
  const percent = typeof progress?.percent === "number" ? `${Math.round(progress.percent)} %` : "";
  const message = typeof progress?.message === "string" ? progress.message : "";
  return printable([percent, message].filter(Boolean).join("  "));
}
