import assert from "node:assert/strict";
import type { Database } from "../database/database.ts";
import { DatabaseError } from "../database/database.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { prune, prunedText, Retention } from "./retention.ts";

const POLICY = {
  retentionDays: 90,
  logRetentionDays: 7,
  heartbeatRetentionDays: 30,
  historyRetentionDays: 60,
};
const NOTHING = { busy: false, tasks: 0, logs: 0, workers: 0, counts: 0, next: null, more: false };

/** A database that answers each prune with the next of the batches, the last one for ever. */
function pruning(...batches: (Record<string, unknown> | Error)[]) {
  const calls: Record<string, unknown>[] = [];
  const requests = { kept: 0, calls: 0 };
  const database: Database = {
    description: "a script",
    call<T>(fn: string, args: Record<string, unknown> = {}) {
      if (fn === "actp_prune_requests") {
        requests.calls++;
        const deleted = Math.min(requests.kept, 1000);
        requests.kept -= deleted;
        return Promise.resolve({ deleted } as T);
      }
      calls.push(args);
      const batch = batches.length > 1 ? batches.shift()! : batches[0];
      return batch instanceof Error ? Promise.reject(batch) : Promise.resolve(batch as T);
    },
    close: () => Promise.resolve(),
  };
  return { database, calls, requests };
}

Deno.test("batch follows batch with a pause until nothing old is left", async () => {
  const { database, calls } = pruning(
    { ...NOTHING, tasks: 900, logs: 1000, next: "1000", more: true },
    { ...NOTHING, tasks: 5, logs: 1000, more: true },
    { ...NOTHING, logs: 3, workers: 1 },
    { busy: false, agent_runs: 2, tool_calls: 1000, more: true },
    { busy: false, tool_calls: 7, notifications: 1, more: false },
  );
  const clock = fakeClock();
  const done = prune(database, POLICY, { clock, signal: new AbortController().signal });
  await clock.advance(0);
  assert.equal(calls.length, 1);
  await clock.advance(1000);
  const gone = await done;
  assert.equal(
    prunedText(gone),
    "905 tasks, 2003 log rows, 1 workers, 2 agent runs, 1007 tool calls, 1 notifications",
  );
  assert.equal(gone.busy, false);
  assert.deepEqual(
    calls.map(({ p_after, p_task_days, p_days }) => p_days ?? [p_after, p_task_days]),
    [["0", 90], ["1000", 90], ["0", 0], 60, 60],
    "tasks that have all been seen are not read again",
  );
});

Deno.test("where another worker is at it, it is left alone", async () => {
  const { database, calls } = pruning({ busy: true });
  const clock = fakeClock();
  const { busy } = await prune(database, POLICY, { clock, signal: new AbortController().signal });
  assert.deepEqual([busy, calls.length], [true, 1]);
});

Deno.test("a worker prunes a while after its start and then hourly, says so, and stops between two batches", async () => {
  await using log = capturedLog();
  const { database, calls } = pruning(
    { ...NOTHING, tasks: 3 },
    { busy: false, goals: 2 },
    NOTHING,
    { busy: false },
    new DatabaseError("the database is away", { transient: true }),
    { ...NOTHING, logs: 1000, more: true },
  );
  const clock = fakeClock();
  const stop = new AbortController();
  const run = new Retention({ database, policy: POLICY, clock, random: () => 0 }).run(stop.signal);
  await clock.advance(5 * 60_000 - 1);
  assert.equal(calls.length, 0);
  await clock.advance(1);
  assert.equal(calls.length, 2);
  await clock.advance(3_600_000);
  assert.equal(calls.length, 4);
  await clock.advance(3_600_000);
  assert.deepEqual(log.messages("retention"), [
    "pruned 3 tasks, 2 goals",
    "Cannot prune: the database is away; tried again in an hour",
  ]);
  await clock.advance(3_600_000 + 500);
  assert.ok(calls.length > 6);
  stop.abort();
  await run;
  assert.equal(clock.pending(), 0);
});

Deno.test("what is kept for idempotency keys goes too, batch by batch", async () => {
  const { database, requests } = pruning(NOTHING);
  requests.kept = 2500;
  const clock = fakeClock();
  const stop = new AbortController();
  const running = new Retention({ database, policy: POLICY, clock, random: () => 0 }).run(stop.signal);
  await clock.advance(5 * 60_000 + 1000);
  assert.deepEqual([requests.kept, requests.calls], [0, 3]);
  stop.abort();
  await clock.advance(0);
  await running;
});
