/**
 * The jobs protocol as both ends speak it: what is sent, what is answered. Old clients send only what the protocol began
 * with (`worker_id`, and null for what is not given); everything else is optional.
 */
import { z } from "zod";

/** The path that all calls are below. */
export const API = "/api/v1";

/** How long a claim may be asked to wait for a job, in seconds. */
export const MAX_WAIT_SECONDS = 60;

/** The states of a job. The last four are final. */
export const JOB_STATES = ["Pending", "Running", "Succeeded", "Failed", "TimedOut", "Canceled"] as const;

/** Where a job is in its life. */
export type JobState = typeof JOB_STATES[number];

/** Whether a job has come to its end. */
export function isFinal(state: JobState): boolean {
  return state !== "Pending" && state !== "Running";
}

/** Words that stand where a run_id stands in other calls. */
const RESERVED = ["claim", "running"];

/** A job's name: fit for a path, a file name and a log. */
export const runId = z.string("must be text").regex(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  "must be 1 to 128 letters, digits, dots, dashes or underscores, and begin with a letter or digit",
).refine((id) => !RESERVED.includes(id), `must not be ${RESERVED.join(" or ")}`)
  .meta({ description: "The job's name.", example: "align-2026-11-20" });

/** Who works; given by the worker itself, or by its token. */
export const workerId = z.string("must be text").regex(
  // deno-lint-ignore no-control-regex
  /^[^\x00-\x1f\x7f]{1,200}$/,
  "must be 1 to 200 characters without control characters",
).meta({ description: "The worker that speaks.", example: "worker-1" });

const leaseToken = z.string("must be text").regex(/^\d{1,18}$/, "must be the token of a claim").nullish()
  .meta({ description: "The claim's token; old clients send none.", example: "1" });

const words = (max: number) => z.string("must be text").max(max, `must be at most ${max} characters`);
const object = z.record(z.string(), z.unknown(), "must be an object");
const whole = (min: number, max: number) =>
  z.int(`must be a whole number from ${min} to ${max}`)
    .min(min, `must be ${min} or more`).max(max, `must be ${max} or less`).nullish();

/** `options` of a submission. */
export const jobOptions = z.strictObject({
  task: words(200).nullish().meta({ description: "Run this task and not the workflow.", example: null }),
  run_id: runId.nullish(),
  base_dir: words(4096).nullish().meta({
    description: "Where the worker looks for input files with relative names.",
    example: null,
  }),
}, "must be an object");

/** POST /jobs */
export const submission = z.strictObject({
  wdl: words(16 * 1024 ** 2).min(1, "must not be empty").meta({ description: "The WDL source." }),
  inputs: object.nullish().meta({ description: "By `<workflow>.<name>`." }),
  options: jobOptions.nullish(),
  imports: z.record(words(500), words(16 * 1024 ** 2), "must be an object of texts").nullish().meta({
    description: "What the WDL imports, by the names that it imports them by.",
  }),
  priority: whole(-1_000_000, 1_000_000).meta({ description: "Higher runs first; 0 unless given." }),
  max_attempts: whole(1, 100).meta({
    description: "How often it is tried when workers are lost; 3 unless given.",
  }),
  timeout_minutes: whole(1, 10_080).meta({
    description: "The hard limit of one attempt; 1440 (a day) unless given.",
  }),
}, { error: ({ code }) => code === "invalid_type" ? "must be an object" : undefined }).meta({
  id: "Submission",
  example: {
    wdl: "version 1.0\nworkflow hello { output { String greeting = 'hello' } }",
    inputs: {},
    options: { run_id: "hello-1" },
  },
});

/** POST /workers/register */
export const registration = z.object({
  worker_id: workerId.nullish(),
  hostname: words(255).nullish(),
  version: words(100).nullish(),
  max_jobs: whole(1, 5000),
}).meta({ id: "Registration", example: { worker_id: "worker-1", hostname: "render-mac", max_jobs: 2 } });

/** POST /jobs/claim */
export const claimRequest = z.object({ worker_id: workerId }).meta({
  id: "ClaimRequest",
  example: { worker_id: "worker-1" },
});

/** POST /jobs/:run_id/heartbeat */
export const heartbeat = z.object({
  worker_id: workerId,
  token: leaseToken,
  progress: object.nullish().meta({
    description: "{percent, message, remaining_seconds}; whatever is known.",
  }),
}).meta({ id: "Heartbeat", example: { worker_id: "worker-1", token: "1", progress: { percent: 40 } } });

/** What a run came to; other fields are kept as they are. */
export const executeResponse = z.looseObject({
  status: z.literal("ok", `must be "ok"; report anything else to /failed`).nullish(),
  outputs: object.nullish().meta({ description: "By `<workflow or task>.<name>`." }),
  stdout: z.string("must be text").nullish(),
  stderr: z.string("must be text").nullish(),
  duration_ms: z.number("must be a number").nullish(),
}, "must be an object").meta({
  id: "ExecuteResponse",
  example: { status: "ok", outputs: { "hello.greeting": "hello" }, duration_ms: 120 },
});

/** POST /jobs/:run_id/complete */
export const completion = z.object({ worker_id: workerId, token: leaseToken, response: executeResponse })
  .meta({
    id: "Completion",
    example: {
      worker_id: "worker-1",
      token: "1",
      response: { status: "ok", outputs: { "hello.greeting": "hello" }, duration_ms: 120 },
    },
  });

/** POST /jobs/:run_id/failed */
export const failure = z.object({
  worker_id: workerId,
  token: leaseToken,
  message: z.string("must be text"),
  stderr: z.string("must be text").nullish().meta({ description: "Its last lines are kept." }),
  exit_code: z.int("must be a whole number").min(-2_147_483_648).max(2_147_483_647).nullish(),
  retry: z.boolean("must be true or false").nullish().meta({
    description:
      "The worker's own trouble, not the workflow's: another attempt may help. False unless given.",
  }),
  timed_out: z.boolean("must be true or false").nullish().meta({ description: "It ran out of time." }),
}).meta({
  id: "Failure",
  example: {
    worker_id: "worker-1",
    token: "1",
    message: "task hello failed",
    stderr: "hello: not found",
    exit_code: 127,
  },
});

/** POST /jobs/:run_id/release */
export const release = z.object({ worker_id: workerId, token: leaseToken, reason: words(1000).nullish() })
  .meta({
    id: "Release",
    example: { worker_id: "worker-1", token: "1", reason: "the worker is stopping" },
  });

/** POST /jobs/:run_id/cancel */
export const cancellation = z.object({
  reason: words(1000).nullish(),
  within_seconds: whole(0, 86_400).meta({
    description: "Where its worker has not stopped by then, the job is canceled all the same.",
  }),
}).meta({ id: "Cancellation", example: { reason: "no longer needed", within_seconds: 60 } });

/** What a worker is asked to run. */
export const jobRequest = z.looseObject({
  wdl: z.string(),
  inputs: object.nullish(),
  options: z.looseObject({
    task: z.string().nullish(),
    run_id: z.string().nullish(),
    base_dir: z.string().nullish(),
  }).nullish(),
  imports: z.record(z.string(), z.string()).nullish(),
});

/** A job in a worker's hands. Old servers tell only `run_id` and `request`. */
export const claimedJob = z.object({
  run_id: z.string(),
  request: jobRequest,
  token: z.string().optional().meta({ description: "Required of the holder in every further call." }),
  attempt: z.int().optional(),
  max_attempts: z.int().optional(),
  priority: z.int().optional(),
  created_at: z.string().optional(),
  lease_seconds: z.number().optional().meta({ description: "How long the claim lasts without a heartbeat." }),
  heartbeat_seconds: z.number().optional().meta({ description: "How often to send a heartbeat." }),
  timeout_seconds: z.number().optional().meta({ description: "How long the attempt may take." }),
  cancel: z.boolean().optional().meta({ description: "It has been asked to stop." }),
}).meta({
  id: "ClaimedJob",
  example: {
    run_id: "hello-1",
    request: { wdl: "version 1.0 …", inputs: {}, options: {} },
    token: "1",
    attempt: 1,
    max_attempts: 3,
    priority: 0,
    created_at: "2026-11-20T18:00:00+00:00",
    lease_seconds: 300,
    heartbeat_seconds: 150,
    timeout_seconds: 86_400,
    cancel: false,
  },
});

/** A job in a worker's hands. */
export type ClaimedJob = z.output<typeof claimedJob>;

/** What came of a job; null as long as it has not ended. */
export const jobResult = z.discriminatedUnion("type", [
  z.object({ type: z.literal("success"), response: z.record(z.string(), z.unknown()).nullable() }),
  z.object({
    type: z.literal("failure"),
    message: z.string(),
    stderr: z.string().nullish(),
    exit_code: z.int().nullish(),
  }),
]).nullable().meta({ id: "Result" });

const time = z.string().nullish();

/** A job as lists show it. Old servers tell only the first three and the result. */
export const jobLine = z.object({
  run_id: z.string(),
  state: z.enum(JOB_STATES),
  worker_id: z.string().nullish(),
  task_id: z.string().optional().meta({ description: "The same in the task queue." }),
  attempt: z.int().optional(),
  max_attempts: z.int().optional(),
  priority: z.int().optional(),
  progress: z.record(z.string(), z.unknown()).nullish(),
  cancel_requested: z.boolean().optional(),
  created_at: time,
  due_at: time,
  claimed_at: time,
  heartbeat_at: time,
  lease_expires_at: time,
  completed_at: time,
}).meta({ id: "JobLine" });

/** A job as lists show it. */
export type JobLine = z.output<typeof jobLine>;

/** GET /jobs/:run_id */
export const job = jobLine.extend({
  result: jobResult,
  cancel_reason: z.string().nullish(),
  attempts: z.array(z.object({
    attempt: z.int(),
    worker_id: z.string().nullable(),
    outcome: z.string(),
    message: z.string().nullable(),
    stderr: z.string().nullable(),
    exit_code: z.int().nullable(),
    started_at: time,
    ended_at: time,
    duration_ms: z.number().nullish(),
  })).optional().meta({ description: "Every attempt that has ended, oldest first." }),
}).meta({ id: "Job" });

/** A job with what came of it. */
export type Job = z.output<typeof job>;

/** The server's intervals, in seconds, as a worker is told them when it registers. */
export const terms = z.object({
  worker_id: z.string(),
  lease_seconds: z.number(),
  heartbeat_seconds: z.number(),
  poll_seconds: z.number(),
  max_wait_seconds: z.number(),
}).meta({
  id: "Terms",
  example: {
    worker_id: "worker-1",
    lease_seconds: 300,
    heartbeat_seconds: 150,
    poll_seconds: 5,
    max_wait_seconds: 60,
  },
});

/** The server's intervals. */
export type Terms = z.output<typeof terms>;
