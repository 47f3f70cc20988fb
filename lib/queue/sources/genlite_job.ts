/** GenLite's jobs, and the tasks they become. Pure. */
import { z } from "zod";
import type { Task } from "../../task/task.ts";

const jobSchema = z.object({
  id: z.union([z.string().min(1).max(100), z.int().transform(String)]),
  model: z.string().nullish(),
  executor: z.string().nullish(),
  prompt: z.string().max(100_000).nullish(),
  brief: z.record(z.string(), z.unknown()).nullish(),
  duration_seconds: z.number().positive().nullish(),
  aspect_ratio: z.string().max(20).nullish(),
  style: z.string().max(1000).nullish(),
  status: z.string().nullish(),
  priority: z.number().nullish(),
  attempts: z.number().nullish(),
  max_attempts: z.number().nullish(),
  created_at: z.string().nullish(),
});

/** One job of the render queue. */
export type GenliteJob = z.output<typeof jobSchema>;

/** The job in an answer: `data`, then `job` are unwrapped. Undefined for an empty envelope. */
export function readJob(body: unknown): GenliteJob | undefined | "unknown" {
  const inner = unwrap(unwrap(body, "data"), "job");
  if (
    inner === undefined || inner === null || (typeof inner === "object" && Object.keys(inner).length === 0)
  ) {
    return undefined;
  }
  const read = jobSchema.safeParse(inner);
  return read.success ? read.data : "unknown";
}

function unwrap(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && key in value
    ? (value as Record<string, unknown>)[key]
    : value;
}

/** The queue also holds jobs for cloud models: those are not for this machine. */
export function isOurs({ model, executor }: GenliteJob): boolean {
  return (model ?? "remotion") === "remotion" && (executor ?? "local") === "local";
}

/** The brief names the composition and may bring props; what the job says besides goes into the props as well. */
export function taskOf(job: GenliteJob, token: string, timeoutMs: number, now: number): Task {
  const { composition, props, platform, ...brief } = job.brief ?? {};
  const given = typeof props === "object" && props !== null ? props as Record<string, unknown> : {};
  const own = {
    prompt: job.prompt,
    duration_seconds: job.duration_seconds,
    aspect_ratio: job.aspect_ratio,
    style: job.style,
  };
  return {
    id: job.id,
    type: "remotion_render",
    input: {
      ...typeof composition === "string" ? { composition } : {},
      ...typeof platform === "string" ? { platform } : {},
      props: { ...withoutNulls(own), ...brief, ...given },
    },
    attempt: (job.attempts ?? 0) + 1,
    maxAttempts: Math.max(job.max_attempts ?? 3, (job.attempts ?? 0) + 1),
    priority: job.priority ?? 5,
    token,
    timeoutMs,
    createdAt: job.created_at ?? new Date(now).toISOString(),
  };
}

function withoutNulls(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined),
  );
}
