/** The worker on a real Postgres: outages, limits and the journal's bound. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { z } from "zod";
import { systemClock } from "./clock.ts";
import { loadConfig } from "./config.ts";
import { claim, enqueue, get, unique } from "./database/contract/case.ts";
import { sqlClient } from "./database/contract/sql_client.ts";
import { openPostgres } from "./database/postgres.ts";
import { homePaths } from "./paths.ts";
import { Journal } from "./queue/journal.ts";
import { defineExecutor } from "./task/task.ts";
import { capturedLog } from "./testing/captured_log.ts";
import { type PostgresServer, startPostgres } from "./testing/postgres_server.ts";
import { needs } from "./testing/requirements.ts";
import { tempDir } from "./testing/temp.ts";
import { createWorker } from "./worker.ts";

const PATIENCE_MS = 15_000;
/** How long the database stays away; TEST_OUTAGE_SECONDS=60 tries a minute of it. */
const OUTAGE_SECONDS = Number(Deno.env.get("TEST_OUTAGE_SECONDS") ?? 5);

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`this did not happen: ${what}`);
    await systemClock.sleep(20);
  }
}

/** How long it takes, in ms. */
async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** A running worker whose executors count how many of them run at once. */
async function startWorker(url: string, types: readonly string[], env: Record<string, string> = {}) {
  await using cleanup = new AsyncDisposableStack();
  const home = cleanup.use(await tempDir()).path;
  const { config } = await loadConfig({
    env: {
      ACTP_HOME: home,
      WORKER_ID: unique("worker"),
      DATABASE_URL: url,
      WORKER_MIN_FREE_BYTES: "0",
      ...env,
    },
    cwd: home,
  });
  let now = 0;
  let most = 0;
  const executors = types.map((type) =>
    defineExecutor({
      type,
      description: "",
      input: z.any(),
      check: () => Promise.resolve({ available: true }),
      async run() {
        most = Math.max(most, ++now);
        await systemClock.sleep(30);
        now--;
      },
    })
  );
  if (env.JOURNAL_MAX_OUTCOMES) await fillJournal(homePaths(home).journal);
  const worker = await createWorker({ config, executors });
  cleanup.defer(() => worker.database.close());
  const run = worker.run();
  cleanup.defer(async () => {
    worker.stop();
    await run;
  });
  const owned = cleanup.move();
  return { worker, most: () => most, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** An outcome for a queue that this worker does not serve: it waits. */
async function fillJournal(path: string): Promise<void> {
  const journal = new Journal(path);
  const task = { id: "1", token: "1", type: "x", attempt: 1 };
  await journal.append("elsewhere", { task, outcome: { kind: "cancelled" }, durationMs: 1 });
  journal.close();
}

async function migrated(server: PostgresServer) {
  const database = openPostgres(server.url);
  await database.migrate();
  return { database, [Symbol.asyncDispose]: () => database.close() };
}

Deno.test({
  name: "the queue's policy on a real Postgres",
  ...await needs("postgres"),
  async fn(test) {
    await using log = capturedLog();
    await using server = await startPostgres();
    await using store = await migrated(server);
    await using sessions = sqlClient(server.url);
    const { database } = store;
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    const allDone = async (ids: readonly string[]) =>
      (await Promise.all(ids.map((id) => get(database, id)))).every(({ status }) => status === "succeeded");

    await step("types under one pattern run within the worker's limit", async () => {
      const family = unique("family");
      const types = [`${family}_a`, `${family}_b`];
      const ids = (await Promise.all(types.map((type) => enqueue(database, type, 4)))).flat();
      await using running = await startWorker(server.url, types, { TASK_CONCURRENCY: `${family}_*=2` });
      await until("all are done", () => allDone(ids));
      equal(running.most(), 2);
    });

    await step("a place under a limit over all workers is taken as soon as it is free", async () => {
      const type = unique("type");
      await database.call("actp_set_task_limit", { p_pattern: type, p_max_running: 1 });
      const ids = await enqueue(database, type, 6);
      // With this poll interval only hints can make it fast.
      const slow = { TASK_POLL_INTERVAL_SECONDS: "60" };
      await using one = await startWorker(server.url, [type], slow);
      await using two = await startWorker(server.url, [type], slow);
      await until("all are done", () => allDone(ids));
      deepEqual([one.most() <= 1, two.most() <= 1], [true, true]);
      await database.call("actp_set_task_limit", { p_pattern: type, p_max_running: null });
    });

    await step("a full journal stops claims, and the status says why", async () => {
      const type = unique("type");
      await using running = await startWorker(server.url, [type], { JOURNAL_MAX_OUTCOMES: "1" });
      await until("it is degraded", async () => (await running.worker.status()).status === "degraded");
      const { reasons, unreported_outcomes } = await running.worker.status();
      match(reasons.join(), /not claiming: 1 outcomes wait to be reported \(JOURNAL_MAX_OUTCOMES\)/);
      equal(unreported_outcomes, 1);
      const [id] = await enqueue(database, type);
      await systemClock.sleep(200);
      equal((await get(database, id!)).status, "pending");
      equal((await claim(database, "w", type)).length, 1);
    });

    await step(`after an outage of ${OUTAGE_SECONDS} s the worker claims within 2 s of its end`, async () => {
      const type = unique("type");
      await using running = await startWorker(server.url, [type], { TASK_POLL_INTERVAL_SECONDS: "0.5" });
      await until("it is ready", async () => (await running.worker.status()).ready);
      const pace = await timed(async () => {
        const ids = await enqueue(database, type);
        await until("a task is done", () => allDone(ids));
      });
      const [later] = await enqueue(database, type, 1, {
        run_at: new Date(Date.now() + 3000).toISOString(),
      });
      await server.stop("fast");
      await until("the outage is seen", async () => (await running.worker.status()).reasons.length > 0);
      match((await running.worker.status()).reasons.join(), /database unreachable since/);
      await systemClock.sleep(OUTAGE_SECONDS * 1000);
      await server.restart();
      const ms = await timed(() => until("the task is done", () => allDone([later!])));
      // 2 s, and what a task takes on this machine anyhow.
      ok(ms < 2000 + Math.max(1000, 10 * pace), `back after ${Math.round(ms)} ms`);
      await until("it is online", async () => (await running.worker.status()).status === "online");
      // A connection that is ended while it waits to connect again leaves its timer behind.
      await until(
        "it listens again",
        async () =>
          (await sessions.sql("select from pg_stat_activity where query ilike 'listen %'")).length > 0,
      );
      // A call that was under way may fail once more just after the return: then that is told as well.
      const answers = /^the database answers again after \d+ s$/;
      await until("its end is told", () => answers.test(log.messages("outage").at(-1)!));
      const told = log.messages("outage");
      ok(told.length === 2 || told.length === 4, told.join("; "));
    });
  },
});
