import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { Clock } from "../../lib/clock.ts";
import { claim, type Report, settle } from "../../lib/database/contract/case.ts";
import type { Database } from "../../lib/database/database.ts";
import { embeddedDatabase } from "../../lib/testing/embedded_database.ts";
import { toolContext } from "../../lib/testing/agent_tools.ts";
import { fakeClock } from "../../lib/testing/fake_clock.ts";
import { driveClock } from "../../lib/testing/drive_clock.ts";
import { boundedOutput, enqueueTask, MAX_WAIT_SECONDS, waitForTask } from "./tasks.ts";

/** A clock on which something happens while somebody sleeps, and the sleep is over at once. */
function clockWhere(happens: (nth: number) => Promise<void>): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => slept.reduce((sum, ms) => sum + ms, 0),
    monotonic: () => slept.reduce((sum, ms) => sum + ms, 0),
    async sleep(ms) {
      slept.push(ms);
      await happens(slept.length);
    },
  };
}

async function finish(database: Database, report: Report): Promise<void> {
  const [task] = await claim(database, "w", "render");
  await settle(database, "w", task!, report);
}

Deno.test("an agent waits for a task", async (test) => {
  await using opened = await embeddedDatabase();
  const { database } = opened;
  const context = toolContext(database);
  const step = (name: string, fn: () => Promise<void>) => test.step({ name, fn });
  const start = () => enqueueTask(context, { type: "render", input: { a: 1 } });

  await step("until it is over, and has its output then", async () => {
    const id = await start();
    const clock = clockWhere(async (nth) => {
      if (nth === 3) await finish(database, { outcome: "done", output: { video_url: "v" } });
    });
    deepEqual(await waitForTask(context, id, 60, clock), {
      task_id: id,
      status: "succeeded",
      output: { video_url: "v" },
    });
    equal(clock.slept.length, 3);
    ok(clock.slept[1]! > clock.slept[0]!, "it looks less often as time goes by");
  });

  await step("or its failure", async () => {
    const id = await start();
    const clock = clockWhere(() =>
      finish(database, { outcome: "failed", retry: false, error: "no composition" })
    );
    deepEqual(await waitForTask(context, id, 60, clock), {
      task_id: id,
      status: "failed",
      error: "no composition",
    });
  });

  await step("but no longer than it may, and has its id to look again", async () => {
    const id = await start();
    const clock = fakeClock();
    const state = await driveClock(clock, waitForTask(context, id, 999_999, clock));
    deepEqual(state, { task_id: id, status: "pending" });
    equal(clock.monotonic() / 1_000, MAX_WAIT_SECONDS);
    deepEqual(await waitForTask(context, id, 0, clock), state);
    equal(clock.monotonic() / 1_000, MAX_WAIT_SECONDS);
    await finish(database, { outcome: "done", output: null });
  });

  await step("and stops when the run is over", async () => {
    const id = await start();
    const stop = new AbortController();
    const clock = clockWhere(() => Promise.resolve(stop.abort(new Error("the run is over"))));
    await rejects(waitForTask({ ...context, signal: stop.signal }, id, 60, clock), /the run is over/);
    await finish(database, { outcome: "done", output: null });
  });

  await step("for one that there is not it fails at once", async () => {
    await rejects(waitForTask(context, crypto.randomUUID(), 60), /there is no task/);
  });

  await step("the same key makes no second task", async () => {
    const keyed = { type: "render", input: {}, idempotencyKey: "once" };
    equal(await enqueueTask(context, keyed), await enqueueTask(context, keyed));
  });
});

Deno.test("a long output is cut, a short one is as it is", () => {
  deepEqual(boundedOutput({ a: 1 }), { a: 1 });
  const { beginning } = boundedOutput({ text: "x".repeat(50_000) }) as { beginning: string };
  equal(beginning.length, 20_000);
  match(beginning, /^\{"text":"xxx.*…$/);
});
