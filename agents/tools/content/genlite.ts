/** GenLite's render queue, as an agent uses it: putting a job in, and looking how far it is. */
import { z } from "zod";
import { askService, type Service } from "../service.ts";

const job = z.object({
  id: z.union([z.string().min(1).max(100), z.int().transform(String)]),
  status: z.string().nullish(),
  output_url: z.string().nullish(),
  error: z.string().nullish(),
});

/** One job of the queue. */
export type GenliteJob = z.output<typeof job>;

/** The models that GenLite renders with: our own machines', and the cloud's, which cost money. */
export const CLOUD_MODELS = ["sora", "veo3", "nano_banana"] as const;

/** What to render. */
export interface GenliteOrder {
  readonly model: "remotion" | typeof CLOUD_MODELS[number];
  readonly prompt: string;
  readonly brief: Readonly<Record<string, unknown>>;
  readonly duration_seconds: number;
  readonly aspect_ratio: string;
}

/** Puts a job into the queue. */
export async function orderRender(
  service: Service,
  order: GenliteOrder,
  signal: AbortSignal,
): Promise<GenliteJob> {
  const { body } = await askService(service, {
    method: "POST",
    path: "/api/jobs",
    body: { ...order, executor: order.model === "remotion" ? "local" : "cloud" },
    purpose: "order a render",
    signal,
  });
  return readJob(body, "order a render");
}

/** How far a job is; undefined where there is none of that id. */
export async function renderJob(
  service: Service,
  id: string,
  signal: AbortSignal,
): Promise<GenliteJob | undefined> {
  const { status, body } = await askService(service, {
    method: "GET",
    path: `/api/jobs/${encodeURIComponent(id)}`,
    purpose: "look at a render",
    accept: [404],
    signal,
  });
  return status === 404 ? undefined : readJob(body, "look at a render");
}

/** The envelopes `data` and `job` are unwrapped. */
function readJob(body: unknown, purpose: string): GenliteJob {
  const read = job.safeParse(unwrap(unwrap(body, "data"), "job"));
  if (!read.success) throw new Error(`Cannot ${purpose}: GenLite answered with something that is no job`);
  return read.data;
}

function unwrap(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && key in value
    ? (value as Record<string, unknown>)[key]
    : value;
}
