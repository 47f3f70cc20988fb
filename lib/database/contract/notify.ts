/** The outbox of notifications and the sessions of heartbeat actions. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Database } from "../database.ts";
import { type Case, unique } from "./case.ts";

interface Claimed {
  readonly id: string;
  readonly token: string;
  readonly channel: string;
  readonly title: string;
  readonly repeats: number;
  readonly attempts: number;
}

interface Answer {
  readonly notifications: Claimed[];
  readonly next_seconds: number | null;
}

interface Delivery {
  readonly channel: string;
  readonly delay_seconds?: number;
  readonly dedupe_seconds?: number;
  readonly expires_seconds?: number;
  readonly local?: boolean;
}

function tell(
  database: Database,
  deliveries: readonly Delivery[],
  more: Record<string, unknown> = {},
  worker = "w",
): Promise<{ queued: number; repeated: number }> {
  return database.call("actp_notify", {
    p_notification: { id: crypto.randomUUID(), kind: "k", severity: "info", title: "T", text: "x", ...more },
    p_deliveries: deliveries.map((delivery) => ({ expires_seconds: 3600, ...delivery })),
    p_worker_id: worker,
  });
}

function claimSome(database: Database, channel: string, worker = "w", leaseSeconds = 60): Promise<Answer> {
  return database.call("actp_claim_notifications", {
    p_worker_id: worker,
    p_channels: [channel],
    p_lease_seconds: leaseSeconds,
  });
}

async function settleOne(
  database: Database,
  claimed: Claimed,
  result: Record<string, unknown>,
  worker = "w",
) {
  const [answer] = await database.call<string[]>("actp_settle_notifications", {
    p_worker_id: worker,
    p_results: [{ id: claimed.id, token: claimed.token, ...result }],
  });
  return answer;
}

async function rowOf(database: Database, id: string) {
  const rows = await database.call<Record<string, unknown>[]>("actp_list_notifications", { p_limit: 500 });
  return rows.find((row) => row.id === id)!;
}

export const notifyCases: Case[] = [
  {
    name: "a notification is claimed by one worker, and sent once",
    async run({ database, other }) {
      const channel = unique("channel");
      deepEqual(await tell(database, [{ channel }], { data: { a: 1 } }), { queued: 1, repeated: 0 });
      const { notifications: [claimed] } = await claimSome(database, channel, "w1");
      equal(claimed!.title, "T");
      deepEqual((await claimSome(other ?? database, channel, "w2")).notifications, []);
      equal(await settleOne(database, claimed!, { outcome: "sent" }, "w1"), "settled");
      equal(await settleOne(database, claimed!, { outcome: "sent" }, "w1"), "lost", "settled once");
      deepEqual((await claimSome(database, channel)).notifications, []);
      const row = await rowOf(database, claimed!.id);
      deepEqual([row.status, row.attempts, row.raised_by], ["sent", 1, "w"]);
    },
  },
  {
    name: "writing the same notification twice makes it once",
    async run({ database }) {
      const channel = unique("channel");
      const id = crypto.randomUUID();
      await tell(database, [{ channel }], { id });
      deepEqual(await tell(database, [{ channel }], { id }), { queued: 0, repeated: 0 });
      equal((await claimSome(database, channel)).notifications.length, 1);
    },
  },
  {
    name: "the same key within its time is counted and not sent again, on each channel for itself",
    async run({ database }) {
      const [one, two] = [unique("channel"), unique("channel")];
      const key = { dedupe_key: "same" };
      await tell(database, [{ channel: one, dedupe_seconds: 60 }], key);
      const again = [{ channel: one, dedupe_seconds: 60 }, { channel: two, dedupe_seconds: 60 }];
      deepEqual(await tell(database, again, key), { queued: 1, repeated: 1 });
      equal((await claimSome(database, one)).notifications[0]!.repeats, 1);
      deepEqual(await tell(database, [{ channel: one, dedupe_seconds: 0 }], key), { queued: 1, repeated: 0 });
    },
  },
  {
    name: "a failed one does not keep the next with its key from being sent",
    async run({ database }) {
      const channel = unique("channel");
      const deliveries = [{ channel, dedupe_seconds: 60 }];
      await tell(database, deliveries, { dedupe_key: "same" });
      const { notifications: [claimed] } = await claimSome(database, channel);
      await settleOne(database, claimed!, { outcome: "failed", error: "gone" });
      deepEqual(await tell(database, deliveries, { dedupe_key: "same" }), { queued: 1, repeated: 0 });
    },
  },
  {
    name:
      "one that a dead worker had begun to send is another's after its lease, and the late word is refused",
    async run({ database }) {
      const channel = unique("channel");
      await tell(database, [{ channel }]);
      const { notifications: [first] } = await claimSome(database, channel, "dead", 0);
      const { notifications: [second] } = await claimSome(database, channel, "alive");
      deepEqual([second!.id, second!.attempts], [first!.id, 2]);
      equal(await settleOne(database, first!, { outcome: "sent" }, "dead"), "lost");
      equal(await settleOne(database, second!, { outcome: "sent" }, "alive"), "settled");
    },
  },
  {
    name: "one that waits for its time is not claimed, and the time until it is told",
    async run({ database }) {
      const channel = unique("channel");
      await tell(database, [{ channel, delay_seconds: 600 }]);
      const { notifications, next_seconds } = await claimSome(database, channel);
      deepEqual(notifications, []);
      ok(next_seconds! > 590 && next_seconds! <= 600, `${next_seconds}`);
    },
  },
  {
    name: "what failed is tried again after its pause, and not beyond its time",
    async run({ database }) {
      const channel = unique("channel");
      await tell(database, [{ channel, expires_seconds: 100 }]);
      const { notifications: [first] } = await claimSome(database, channel);
      await settleOne(database, first!, { outcome: "retry", retry_seconds: 0, error: "busy" });
      const { notifications: [second] } = await claimSome(database, channel);
      equal(second!.attempts, 2);
      await settleOne(database, second!, { outcome: "retry", retry_seconds: 200, error: "still busy" });
      const { status, error } = await rowOf(database, first!.id);
      deepEqual([status, error], ["failed", "still busy"]);
    },
  },
  {
    name: "what nobody sends in time fails and says why",
    async run({ database }) {
      const channel = unique("channel");
      const id = crypto.randomUUID();
      await tell(database, [{ channel, expires_seconds: 0 }], { id });
      await claimSome(database, unique("other"));
      const rows = await database.call<Record<string, unknown>[]>("actp_list_notifications", {
        p_status: "failed",
        p_limit: 500,
      });
      const row = rows.find((row) => row.channel === channel)!;
      equal(row.error, "no worker with this channel sent it in time");
    },
  },
  {
    name: "what only one machine can show waits for that machine",
    async run({ database }) {
      const channel = unique("channel");
      await tell(database, [{ channel, local: true }], {}, "mac");
      deepEqual((await claimSome(database, channel, "server")).notifications, []);
      equal((await claimSome(database, channel, "mac")).notifications.length, 1);
    },
  },
  {
    name: "a notification without a kind, a title or a known severity is refused",
    async run({ database }) {
      for (const bad of [{ kind: "" }, { title: null }, { severity: "fatal" }]) {
        await rejects(tell(database, [{ channel: "c" }], bad), { code: "PT400", transient: false });
      }
      await rejects(database.call("actp_list_notifications", { p_status: "maybe" }), { code: "PT400" });
    },
  },
  {
    name: "a heartbeat session keeps its state, and counts its failures in a row",
    async run({ database }) {
      const id = unique("session");
      const begin = () =>
        database.call<Record<string, unknown> & { now: string }>("actp_begin_heartbeat", { p_id: id });
      const first = await begin();
      deepEqual([first.state, first.last_run_at], [{}, null]);
      const fail = () => database.call<number>("actp_fail_heartbeat", { p_id: id, p_error: "no" });
      deepEqual([await fail(), await fail()], [1, 2]);
      const began = first.now;
      await database.call("actp_end_heartbeat", {
        p_id: id,
        p_began: began,
        p_told: true,
        p_state: { seen: 7 },
      });
      await database.call("actp_end_heartbeat", { p_id: id, p_began: began, p_told: false });
      const { state, failures_in_a_row, failures, runs, told, last_run_at } = await begin();
      deepEqual({ state, failures_in_a_row, failures, runs, told }, {
        state: { seen: 7 },
        failures_in_a_row: 0,
        failures: 2,
        runs: 4,
        told: 1,
      });
      equal(Date.parse(String(last_run_at)), Date.parse(began));
    },
  },
];
