/** Lets a remote render service do the work, and waits for it. */
import { backoffDelay } from "../../lib/backoff.ts";
import type { Clock } from "../../lib/clock.ts";
import { type ExecutionContext, TaskError } from "../../lib/task/task.ts";
import { CODECS, crfFor } from "./codec.ts";
import { isFinalMessage } from "./failure.ts";
import type { RemotionInput } from "./input.ts";
import { ENCODED_PERCENT } from "./progress.ts";
import { readRecord, removeRecord, writeRecord } from "./record.ts";
import { callService, type RenderService } from "./service.ts";
import { readJob, readSubmitted, type RemoteVideo } from "./service_answer.ts";

/** What is to be rendered, and what is known of it. */
export interface RemoteRender {
  readonly input: RemotionInput;
  readonly service: RenderService;
  readonly timeoutSeconds: number;
  /** The task's result folder, where the job's id is kept for a later attempt. */
  readonly folder: string;
  readonly fingerprint: string;
}

const POLL = { firstMs: 1_000, maxMs: 15_000 };
const CANCEL_MS = 5_000;
/** In a row. */
const MAX_FAILURES = 10;
const LONGEST_WAIT_MS = 300_000;

/** A video that the service has made. */
export interface RenderedRemotely {
  readonly video: RemoteVideo;
  readonly renderMs: number;
}

/**
 * Submits the render, or goes on waiting for the one that an earlier attempt submitted, until it is done. When the
 * task is stopped or takes too long the job is cancelled.
 * @throws TaskError, without retry for what will not change
 */
export async function renderRemotely(
  render: RemoteRender,
  context: ExecutionContext,
): Promise<RenderedRemotely> {
  const { clock } = render.service;
  const startedAt = clock.monotonic();
  const limit = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, limit.signal]);
  const timer = clock.sleep(render.timeoutSeconds * 1_000, over.signal).then(() => {
    if (!over.signal.aborted) limit.abort(new Error("too long"));
  });
  const job: { id?: string } = {};
  try {
    const video = await submitAndWait(render, job, context, signal);
    return { video, renderMs: Math.round(clock.monotonic() - startedAt) };
  } catch (error) {
    if (signal.aborted && job.id !== undefined) await cancel(render, job.id, context);
    context.signal.throwIfAborted();
    if (!limit.signal.aborted) throw error;
    const words = `the render service took longer than the limit of ${render.timeoutSeconds} s`;
    throw new TaskError(
      `Cannot render ${render.input.composition}: ${words} (raise REMOTION_TIMEOUT_SECONDS)`,
      {
        retry: true,
      },
    );
  } finally {
    over.abort();
    await timer;
  }
}

async function submitAndWait(
  render: RemoteRender,
  job: { id?: string },
  context: ExecutionContext,
  signal: AbortSignal,
): Promise<RemoteVideo> {
  const before = context.task.attempt > 1 ? await readRecord(render.folder, render.fingerprint) : undefined;
  if (before?.kind === "submitted") {
    job.id = before.jobId;
    const video = await wait(render, before.jobId, context, signal);
    if (video !== "absent") return video;
  }
  const jobId = await submit(render, context, signal);
  job.id = jobId;
  await writeRecord(render.folder, { kind: "submitted", fingerprint: render.fingerprint, jobId });
  const video = await wait(render, jobId, context, signal);
  if (video !== "absent") return video;
  await removeRecord(render.folder);
  throw new TaskError(
    `Cannot render ${render.input.composition}: the render service no longer knows its job`,
    {
      retry: true,
    },
  );
}

async function submit(render: RemoteRender, context: ExecutionContext, signal: AbortSignal): Promise<string> {
  const body = requestBody(render.input);
  for (let failures = 1;; failures++) {
    const answer = await callService(
      render.service,
      { method: "POST", path: "/api/v1/render/brief", body },
      signal,
    );
    if (answer.kind === "absent") throw failure(render, "answered 404 (check REMOTION_SERVICE_URL)", true);
    if (answer.kind === "answer") {
      const jobId = readSubmitted(answer.body);
      if (jobId === undefined) throw failure(render, "took the request but named no job", true);
      return jobId;
    }
    // Only a service that asks to come back has surely not begun: another try might render twice.
    if (answer.afterMs === undefined || failures >= MAX_FAILURES) throw failure(render, answer.why, true);
    context.progress({ message: `waiting for the render service: it ${answer.why}` });
    await pause(render.service.clock, answer.afterMs, signal);
  }
}

async function wait(
  render: RemoteRender,
  jobId: string,
  context: ExecutionContext,
  signal: AbortSignal,
): Promise<RemoteVideo | "absent"> {
  const path = `/api/v1/jobs/${encodeURIComponent(jobId)}`;
  for (let polls = 1, failures = 0;; polls++) {
    await pause(render.service.clock, backoffDelay(polls, POLL), signal);
    const answer = await callService(render.service, { method: "GET", path }, signal);
    if (answer.kind === "absent") return "absent";
    if (answer.kind === "later") {
      if (++failures >= MAX_FAILURES) throw failure(render, answer.why, true);
      if (answer.afterMs !== undefined) await pause(render.service.clock, answer.afterMs, signal);
      continue;
    }
    failures = 0;
    const job = readJob(answer.body, render.service.url);
    if (job.state === "done") return job.video;
    if (job.state === "working") {
      const percent = job.percent === undefined ? {} : { percent: job.percent * ENCODED_PERCENT / 100 };
      context.progress({
        ...percent,
        message: `the render service says: ${job.status.slice(0, 100) || "working"}`,
      });
      continue;
    }
    await removeRecord(render.folder);
    if (job.state === "cancelled") throw failure(render, "cancelled the job", false);
    throw failure(render, `failed: ${job.error}`, !isFinalMessage(job.error));
  }
}

/** The brief is what the composition is given, with the composition's name. */
function requestBody(input: RemotionInput): unknown {
  const crf = crfFor(input.codec, input.platform, input.crf);
  return {
    brief: { ...input.props, composition: input.composition },
    quality: "production",
    outputFormat: CODECS[input.codec].extension,
    codec: input.codec,
    ...crf === undefined ? {} : { crf },
    ...input.platform === undefined ? {} : { platform: input.platform },
    ...input.scale === undefined ? {} : { scale: input.scale },
    ...input.frames === undefined ? {} : { frames: input.frames },
    ...input.muted ? { muted: true } : {},
  };
}

/** Best effort: the task is stopped whatever the service answers. */
async function cancel(
  { service, folder }: RemoteRender,
  jobId: string,
  context: ExecutionContext,
): Promise<void> {
  const limit = new AbortController();
  const over = new AbortController();
  const timer = service.clock.sleep(CANCEL_MS, over.signal).then(() => limit.abort());
  try {
    const path = `/api/v1/jobs/${encodeURIComponent(jobId)}`;
    const answer = await callService(service, { method: "DELETE", path }, limit.signal);
    if (answer.kind === "later") throw new Error(answer.why);
    await removeRecord(folder);
  } catch (error) {
    context.log.warn("the render service may still be working on job {jobId}: {reason}", {
      jobId,
      reason: (error as Error).message,
    });
  } finally {
    over.abort();
    await timer;
  }
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(Math.min(ms, LONGEST_WAIT_MS), signal);
  signal.throwIfAborted();
}

function failure({ input }: RemoteRender, why: string, retry: boolean): TaskError {
  return new TaskError(`Cannot render ${input.composition}: the render service ${why}`, { retry });
}
