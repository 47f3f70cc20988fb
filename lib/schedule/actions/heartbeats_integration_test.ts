/** Heartbeat actions over a real PostgreSQL, told to a notifier that remembers. */
import assert from "node:assert/strict";
import { z } from "zod";
import { claim, enqueue, settle, unique } from "../../database/contract/case.ts";
import { sqlClient } from "../../database/contract/sql_client.ts";
import { type Database, DatabaseError } from "../../database/database.ts";
import { openPostgres } from "../../database/postgres.ts";
import type { Notification } from "../../notify/notification.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { startPostgres } from "../../testing/postgres_server.ts";
import { needs } from "../../testing/requirements.ts";
import { defineAction, type HeartbeatAction, type HeartbeatContext, type HeartbeatResult } from "./action.ts";
import { BUILT_IN_ACTIONS } from "./builtin.ts";
import { Heartbeats, type HeartbeatsOptions } from "./heartbeats.ts";

type Run = (
  options: Record<string, unknown>,
  context: HeartbeatContext,
) => HeartbeatResult | Promise<HeartbeatResult>;

function action(name: string, run: Run): HeartbeatAction {
  return defineAction({
    name,
    description: name,
    defaultCron: "* * * * *",
    options: z.strictObject({ n: z.number().optional() }),
    run: async (options, context) => await run(options, context),
  }) as HeartbeatAction;
}

Deno.test({
  name: "heartbeat actions",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    await using client = sqlClient(server.url);
    const database = openPostgres(server.url);
    await database.migrate();
    const set = (actions: readonly HeartbeatAction[], more: Partial<HeartbeatsOptions> = {}) => {
      const told: Notification[] = [];
      const clock = fakeClock(Date.parse("2026-05-01T12:00:00Z"));
      const heartbeats = new Heartbeats({
        actions,
        database,
        workerId: "w",
        types: () => [],
        notifier: { notify: (notification) => Promise.resolve(void told.push(notification)) },
        clock,
        tellAfterFailures: () => 3,
        ...more,
      });
      const signal = new AbortController().signal;
      const session = unique("session");
      const run = (name: string, options = {}, id = session) => heartbeats.run(id, name, options, { signal });
      return { run, told, session, heartbeats };
    };
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

    await step("an action with nothing to say is silent", async () => {
      const { run, told } = set([action("quiet", () => ({ notify: false }))]);
      assert.deepEqual(await run("quiet"), { told: false });
      assert.deepEqual(told, []);
    });
    await step("an action with something to say is told, its first line as the title", async () => {
      const { run, told } = set([
        action("loud", () => ({ notify: true, severity: "alert", message: "one\ntwo", data: { a: 1 } })),
      ]);
      assert.deepEqual(await run("loud"), { told: true, severity: "alert", title: "one" });
      assert.deepEqual(told, [
        { kind: "heartbeat.loud", severity: "alert", title: "one", text: "one\ntwo", data: { a: 1 } },
      ]);
    });
    await step("each session keeps its own state, and learns when it last ran", async () => {
      const seen: unknown[] = [];
      const { run } = set([
        action("count", (_options, { session, since }) => {
          seen.push([session.state.n ?? 0, since === undefined]);
          return { notify: false, state: { n: Number(session.state.n ?? 0) + 1 } };
        }),
      ]);
      const [one, two] = [unique("s"), unique("s")];
      for (const id of [one, one, two, one]) await run("count", {}, id);
      assert.deepEqual(seen, [[0, true], [1, false], [0, true], [2, false]]);
    });
    await step("what an action remembers is kept only after people have been told", async () => {
      let telling = false;
      const { run, session } = set(
        [action("told", () => ({ notify: true, severity: "info", message: "m", state: { n: 1 } }))],
        { notifier: { notify: () => telling ? Promise.resolve() : Promise.reject(new Error("crash")) } },
      );
      const state = async () =>
        (await client.sql(`select state from public.actp_heartbeat_sessions where id = '${session}'`))[0]!
          .state;
      await assert.rejects(run("told"), /crash/);
      assert.deepEqual(await state(), {});
      telling = true;
      await run("told");
      assert.deepEqual(await state(), { n: 1 });
    });
    await step("an error is thrown on, told the third time in a row, and so is the recovery", async () => {
      let broken = true;
      const { run, told } = set([
        action("flaky", () => {
          if (broken) throw new Error("no answer");
          return { notify: false };
        }),
        action("other", () => ({ notify: false })),
      ]);
      for (let n = 0; n < 5; n++) {
        await assert.rejects(run("flaky"), /no answer/);
        assert.deepEqual(await run("other", {}, "another"), { told: false });
      }
      assert.deepEqual(told.map(({ title, severity, text }) => [title, severity, text]), [
        ["Heartbeat action flaky failed 3 times in a row", "warning", "no answer"],
      ]);
      broken = false;
      await run("flaky");
      await run("flaky");
      assert.deepEqual(told.slice(1).map(({ title }) => title), [
        "Heartbeat action flaky works again after 5 failures",
      ]);
    });
    await step("an outage of the database is not taken for silence", async () => {
      const away: Database = {
        ...database,
        call: () => Promise.reject(new DatabaseError("the database does not answer", { transient: true })),
      };
      const { run, told } = set([action("quiet", () => ({ notify: false }))], { database: away });
      for (let n = 0; n < 4; n++) await assert.rejects(run("quiet"), /does not answer/);
      assert.equal(told.length, 1);
    });
    await step("outside of its active hours an action does not run, also across midnight", async () => {
      let runs = 0;
      const { run } = set([action("day", () => (runs++, { notify: false }))]);
      const outcome = async (activeHours: string, timeZone: string) => {
        const result = await run("day", { activeHours, timeZone });
        return "skipped" in result;
      };
      assert.equal(await outcome("08:00-13:00", "UTC"), false);
      assert.equal(await outcome("08:00-13:00", "Europe/Berlin"), true);
      assert.equal(await outcome("22:00-07:00", "UTC"), true);
      assert.equal(await outcome("22:00-07:00", "America/Los_Angeles"), false);
      assert.equal(runs, 2);
    });
    await step(
      "unknown actions, wrong options and wrong answers are errors that name what is wrong",
      async () => {
        const { run } = set([
          action(
            "odd",
            () => ({ notify: true, severity: "loud", message: "" }) as unknown as HeartbeatResult,
          ),
        ]);
        await assert.rejects(run("none"), /no heartbeat action "none" on this worker \(there are odd\)/);
        await assert.rejects(run("odd", { config: { n: "x" } }), /^Error: odd: n /);
        await assert.rejects(run("odd", { actvHours: "1" }), /odd: .*actvHours/);
        await assert.rejects(run("odd"), /odd answered: .*severity/);
      },
    );
    await step("the task scan tells new tasks once, and only those that are asked for", async () => {
      const [type, other] = [unique("scan"), unique("other")];
      const { run, told } = set(BUILT_IN_ACTIONS, { types: () => [type, other] });
      const scan = () =>
        run("task-scan", { config: { minReward: 2, currency: "USD", capabilities: ["scan*"] } });
      await scan();
      await enqueue(database, type, 3, { reward: "2.5", currency: "USD" });
      await enqueue(database, type, 1, { reward: "1", currency: "USD" });
      await enqueue(database, other, 1, { reward: "5", currency: "USD" });
      await scan();
      await scan();
      assert.deepEqual(told.map(({ title }) => title), ["Found 3 new tasks matching your capabilities"]);
      assert.match(told[0]!.text, /Rewards: 7\.5 USD/);
    });
    await step("the daily summary is always sent", async () => {
      const { run, told } = set(BUILT_IN_ACTIONS);
      await run("daily-summary");
      await run("daily-summary");
      assert.equal(told.length, 2);
      assert.match(told[0]!.title, /^Daily summary: \d+ tasks? completed/);
    });
    await step("the portfolio monitor tells a deadline once, and its end", async () => {
      const type = unique("portfolio");
      const { run, told } = set(BUILT_IN_ACTIONS);
      await run("portfolio-monitor");
      told.length = 0;
      const deadline = new Date(Date.now() + 7_199_000).toISOString();
      const [id] = await enqueue(database, type, 1, { deadline });
      await run("portfolio-monitor");
      await run("portfolio-monitor");
      assert.deepEqual(told.map(({ title, severity }) => [title, severity]), [
        [`Alert: Task #${id} (${type}) deadline in 2 hours`, "warning"],
      ]);
      const [task] = await claim(database, "w", type);
      await settle(database, "w", task!, { outcome: "done" });
      await run("portfolio-monitor");
      assert.match(told[1]!.title, /^Resolved: Task #/);
    });
    await step("two sessions of one action do not tell for each other", async () => {
      const type = unique("scan");
      const { run, told } = set(BUILT_IN_ACTIONS, { types: () => [type] });
      await enqueue(database, type, 1);
      await run("task-scan", {}, unique("a"));
      await run("task-scan", {}, unique("b"));
      assert.equal(told.length, 2);
    });
    await database.close();
  },
});
