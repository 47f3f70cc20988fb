/** MPLite's publishing queue as a task source: each item becomes an upload through Safari or Blotato. */
import type { Clock } from "../../clock.ts";
import { type Settlement, SourceError, type Task, type TaskSource } from "../../task/task.ts";
import { HttpQueue } from "../http/client.ts";
import type { HeldItems } from "../http/held_items.ts";
import { httpSource, type ItemState } from "../http/http_source.ts";
import { type MpliteItem, readItem, taskOf } from "./mplite_item.ts";

/** Where it is and how it is spoken to. */
export interface MpliteOptions {
  /** Without `/api`. */
  readonly url: string;
  readonly key: string;
  /** Its documents disagree: `Authorization: Bearer` or `x-api-key`. */
  readonly auth: "bearer" | "x-api-key";
  /** Its documents disagree: what a report of success is named. */
  readonly result: "platform_url" | "post_url";
  readonly platforms: readonly string[];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly held: HeldItems;
}

const STATES: Readonly<Record<string, ItemState>> = {
  queued: "waiting",
  scheduled: "waiting",
  publishing: "working",
  cancelled: "cancelled",
};

/** The source `mplite`. */
export function mpliteSource(options: MpliteOptions): TaskSource {
  const { clock, key, auth, platforms, held } = options;
  const http = new HttpQueue({
    name: "MPLite",
    baseUrl: `${options.url}/api`,
    headers: auth === "bearer" ? { authorization: `Bearer ${key}` } : { "x-api-key": key },
    keySetting: "MPLITE_KEY and MPLITE_AUTH",
    clock,
  });
  let lastToken = 0;
  /** Grows with every claim, also across restarts: an outward act knows its attempt by it. */
  const nextToken = () => String(lastToken = Math.max(lastToken + 1, clock.now()));

  async function nextOf(platform: string, signal: AbortSignal): Promise<MpliteItem | undefined> {
    const path = `/queue/next?platform=${encodeURIComponent(platform)}`;
    const answer = await http.request({
      method: "GET",
      path,
      accept: [404],
      purpose: "ask for the next item",
      signal,
    });
    if (answer.status === 404) return undefined;
    const item = readItem(answer.body);
    if (item === "unknown") {
      throw http.failure("ask for the next item", "answered with something that is no item", true);
    }
    return item;
  }

  async function itemOf(id: string, signal: AbortSignal): Promise<MpliteItem | undefined> {
    const path = `/queue/${encodeURIComponent(id)}`;
    const answer = await http.request({
      method: "GET",
      path,
      accept: [404],
      purpose: `look at item ${id}`,
      signal,
    });
    const item = answer.status === 404 ? undefined : readItem(answer.body);
    if (item === "unknown") throw http.failure(`look at item ${id}`, "answered with something else", true);
    return item;
  }

  const report = (id: string, verb: string, body: Record<string, unknown>, signal: AbortSignal) =>
    http.request({
      method: "POST",
      path: `/queue/${encodeURIComponent(id)}/${verb}`,
      body,
      accept: [404, 409],
      purpose: `tell that item ${id} is over (${verb})`,
      signal,
    });

  return httpSource({
    name: "mplite",
    async next(takes, room, signal) {
      const tasks: Task[] = [];
      const seen = new Set<string>();
      for (const platform of room > 0 ? platforms : platforms.slice(0, 1)) {
        if (signal.aborted || (room > 0 && tasks.length >= room)) break;
        const item = await nextOf(platform, signal);
        if (!item || seen.has(item.id)) continue;
        seen.add(item.id);
        const task = taskOf(item, nextToken(), options.timeoutMs, clock.now());
        if (takes(task)) tasks.push(task);
      }
      return tasks;
    },
    async claim(task, signal) {
      const answer = await http.request({
        method: "POST",
        path: `/queue/${encodeURIComponent(task.id)}/claim`,
        accept: [404, 409],
        purpose: `claim item ${task.id}`,
        signal,
      });
      return answer.status < 300;
    },
    async settle(settlement, signal) {
      const { id } = settlement.task;
      const { verb, body } = reportOf(settlement, options.result, clock.now());
      const { status } = await report(id, verb, body, signal).catch((error) => {
        // An item in progress may not be one that can be put off: then the queue's own retry has to do.
        const { outcome } = settlement;
        if (outcome.kind !== "released" || !(error instanceof SourceError) || error.transient) throw error;
        return report(id, "fail", { error_message: outcome.reason }, signal);
      });
      if (status < 300) return "settled";
      return await isSettled(await itemOf(id, signal), verb) ? "settled" : "lost";
    },
    async stateOf({ id }, signal) {
      const item = await itemOf(id, signal);
      return item ? STATES[item.status ?? ""] ?? "over" : "over";
    },
  }, held);
}

/** Whether the queue knows already what we told it. */
function isSettled(item: MpliteItem | undefined, verb: string): boolean {
  return verb === "complete"
    ? item?.status === "published"
    : item !== undefined && item.status !== "publishing";
}

/** Which call tells the outcome. @throws SourceError for a result that names no post */
function reportOf(
  { task, outcome }: Settlement,
  result: MpliteOptions["result"],
  now: number,
): { verb: string; body: Record<string, unknown> } {
  switch (outcome.kind) {
    case "done": {
      const { post_url, post_id } = (outcome.output ?? {}) as { post_url?: string; post_id?: string };
      if (!post_url && !post_id) {
        throw new SourceError(`Cannot complete item ${task.id}: its result names no post`, {
          transient: false,
        });
      }
      const body = result === "post_url"
        ? { post_url: post_url ?? null }
        : { platform_url: post_url ?? null, platform_post_id: post_id ?? null };
      return { verb: "complete", body };
    }
    case "released":
      return {
        verb: "reschedule",
        body: { scheduled_for: new Date(now + (outcome.delayMs ?? 0)).toISOString() },
      };
    case "cancelled":
      return { verb: "cancel", body: {} };
    case "failed":
    case "timedOut":
      return { verb: "fail", body: { error_message: outcome.error } };
  }
}
