/** GenLite's render queue as a task source: its local Remotion jobs become `remotion_render` tasks. */
import type { Clock } from "../../clock.ts";
import { type Settlement, SourceError, type Task, type TaskSource } from "../../task/task.ts";
import { HttpQueue } from "../http/client.ts";
import type { HeldItems } from "../http/held_items.ts";
import { httpSource, type ItemState } from "../http/http_source.ts";
import { type GenliteJob, isOurs, readJob, taskOf } from "./genlite_job.ts";

/** Where it is and how it is spoken to. */
export interface GenliteOptions {
  /** Without `/api`. */
  readonly url: string;
  readonly key: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly held: HeldItems;
}

const STATES: Readonly<Record<string, ItemState>> = {
  pending: "waiting",
  submitted: "working",
  generating: "working",
  cancelled: "cancelled",
};

/** The source `genlite`. */
export function genliteSource({ url, key, timeoutMs, clock, held }: GenliteOptions): TaskSource {
  const http = new HttpQueue({
    name: "GenLite",
    baseUrl: `${url}/api`,
    headers: { authorization: `Bearer ${key}` },
    keySetting: "GENLITE_KEY",
    clock,
  });
  let lastToken = 0;
  const nextToken = () => String(lastToken = Math.max(lastToken + 1, clock.now()));

  async function get(path: string, purpose: string, signal: AbortSignal): Promise<GenliteJob | undefined> {
    const answer = await http.request({ method: "GET", path, accept: [404], purpose, signal });
    const job = answer.status === 404 ? undefined : readJob(answer.body);
    if (job === "unknown") throw http.failure(purpose, "answered with something that is no job", true);
    return job;
  }

  const post = (id: string, verb: string, body: Record<string, unknown> | undefined, signal: AbortSignal) =>
    http.request({
      method: "POST",
      path: `/jobs/${encodeURIComponent(id)}/${verb}`,
      ...body && { body },
      accept: [404, 409],
      purpose: `${verb} job ${id}`,
      signal,
    });

  return httpSource({
    name: "genlite",
    async next(takes, _room, signal) {
      const job = await get("/jobs/next", "ask for the next job", signal);
      const task = job && isOurs(job) ? taskOf(job, nextToken(), timeoutMs, clock.now()) : undefined;
      return task && takes(task) ? [task] : [];
    },
    claim: async (task, signal) => (await post(task.id, "claim", undefined, signal)).status < 300,
    async settle(settlement, signal) {
      const { task: { id }, outcome } = settlement;
      const { verb, body } = reportOf(settlement);
      const { status } = await post(id, verb, body, signal).catch((error) => {
        // Where a job in progress cannot simply be put back, its failure makes the queue try again.
        if (outcome.kind !== "released" || !(error instanceof SourceError) || error.transient) throw error;
        return post(id, "fail", { error: outcome.reason }, signal);
      });
      if (status < 300) return "settled";
      const job = await get(`/jobs/${encodeURIComponent(id)}`, `look at job ${id}`, signal);
      return isSettled(job, verb) ? "settled" : "lost";
    },
    async stateOf({ id }: Pick<Task, "id">, signal) {
      const job = await get(`/jobs/${encodeURIComponent(id)}`, `look at job ${id}`, signal);
      return job ? STATES[job.status ?? ""] ?? "over" : "over";
    },
  }, held);
}

/** Whether the queue knows already what we told it. */
function isSettled(job: GenliteJob | undefined, verb: string): boolean {
  if (!job) return false;
  return verb === "complete" ? job.status === "completed" : STATES[job.status ?? ""] !== "working";
}

/** Which call tells the outcome. @throws SourceError for a result without an address */
function reportOf({ task, outcome }: Settlement): { verb: string; body?: Record<string, unknown> } {
  switch (outcome.kind) {
    case "done": {
      const { video_url, thumbnail_url, file_size_bytes, ...rest } = (outcome.output ?? {}) as Record<
        string,
        unknown
      >;
      if (typeof video_url !== "string") {
        throw new SourceError(
          `Cannot complete job ${task.id}: the video was not uploaded, so it has no address (set SUPABASE_URL)`,
          { transient: false },
        );
      }
      return {
        verb: "complete",
        body: { output_url: video_url, thumbnail_url, file_size_bytes, output_metadata: rest },
      };
    }
    case "released":
      return { verb: "retry" };
    case "cancelled":
      return { verb: "cancel" };
    case "failed":
    case "timedOut":
      return { verb: "fail", body: { error: outcome.error } };
  }
}
