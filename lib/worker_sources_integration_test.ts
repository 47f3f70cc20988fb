/** A whole worker on several queues at once: the task table on a real Postgres, and MPLite over HTTP. */
import assert from "node:assert/strict";
import { z } from "zod";
import { systemClock } from "./clock.ts";
import { loadConfig } from "./config.ts";
import { enqueue, get, unique } from "./database/contract/case.ts";
import { openPostgres } from "./database/postgres.ts";
import { defineExecutor } from "./task/task.ts";
import { startMplite } from "./testing/lite_queue_server.ts";
import { startPostgres } from "./testing/postgres_server.ts";
import { needs } from "./testing/requirements.ts";
import { tempDir } from "./testing/temp.ts";
import { createWorker } from "./worker.ts";

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`this did not happen: ${what}`);
    await systemClock.sleep(20);
  }
}

Deno.test({
  name: "a worker on several queues",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    const database = openPostgres(server.url);
    await database.migrate();
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

    /** A worker whose uploads are outward acts; `posted` counts them. */
    async function startWorker(mplite: string, env: Record<string, string>) {
      const dir = await tempDir();
      const { config } = await loadConfig({
        env: {
          ACTP_HOME: dir.path,
          WORKER_ID: unique("worker"),
          DATABASE_URL: server.url,
          WORKER_MIN_FREE_BYTES: "0",
          ENABLE_MPLITE_POLLER: "true",
          LEGACY_MPLITE_INTERVAL_SECONDS: "0.1",
          MPLITE_URL: mplite,
          MPLITE_KEY: "k",
          ...env,
        },
        cwd: dir.path,
      }).catch((error) => assert.fail(error));
      const posted: string[] = [];
      const executor = defineExecutor({
        type: "safari_upload",
        description: "",
        input: z.object({ caption: z.string() }),
        check: () => Promise.resolve({ available: true }),
        run: ({ caption }, { outward }) =>
          outward.perform({ kind: "post", summary: `post ${caption}`, preview: { caption } }, () => {
            posted.push(caption);
            return Promise.resolve({ post_url: `https://t/${caption}` });
          }),
      });
      const worker = await createWorker({ config, executors: [executor] });
      const run = worker.run();
      return {
        worker,
        posted,
        async [Symbol.asyncDispose]() {
          worker.stop();
          await run;
          await worker.database.close();
          await dir[Symbol.asyncDispose]();
        },
      };
    }

    await step("an item of a trusted queue is published, beside a task of the table", async () => {
      await using mplite = startMplite({ authorization: "Bearer k" });
      const id = mplite.add({ platform: "tiktok", caption: "from-mplite" });
      await using parts = await startWorker(mplite.url, { TRUSTED_QUEUES: "mplite,workflow" });
      const [task] = await enqueue(database, "safari_upload", 1, { input_data: { caption: "from-table" } });
      await until(
        "both are done",
        async () =>
          mplite.items.get(id)!.status === "published" && (await get(database, task!)).status === "succeeded",
      );
      assert.deepEqual(parts.posted.toSorted(), ["from-mplite", "from-table"]);
      assert.equal(mplite.items.get(id)!.platform_url, "https://t/from-mplite");
      const { legacy_loops } = await parts.worker.status();
      assert.deepEqual(legacy_loops, {
        heartbeat: "running",
        research: "disabled",
        scoring: "disabled",
        publishing: "disabled",
        metrics: "disabled",
        mplite: "running",
        remotion: "disabled",
      });
    });

    await step("without trust the item is put off until a person approves, and posted once", async () => {
      await using mplite = startMplite({ authorization: "Bearer k" });
      const id = mplite.add({ platform: "tiktok", caption: "asks" });
      await using parts = await startWorker(mplite.url, { ENABLE_WORKFLOW_TASKS: "false" });
      const open = () =>
        database.call<{ id: string; task_id: string }[]>("actp_list_acts", { p_status: "open" });
      await until("it is proposed", async () => (await open()).some(({ task_id }) => task_id === id));
      await until("it is put off", () => mplite.paths().some((path) => path.endsWith("/reschedule")));
      assert.deepEqual(parts.posted, []);
      const act = (await open()).find(({ task_id }) => task_id === id)!;
      await database.call("actp_decide_act", { p_id: act.id, p_approve: true, p_by: "ann" });
      await until("it is published", () => mplite.items.get(id)!.status === "published");
      assert.deepEqual(parts.posted, ["asks"]);
    });

    await step("an outage of one queue is told, and the other goes on", async () => {
      await using mplite = startMplite({ authorization: "Bearer k" });
      mplite.fault = { path: /next/, status: 500, body: "{}" };
      await using parts = await startWorker(mplite.url, { TRUSTED_QUEUES: "workflow" });
      const told = async () => (await parts.worker.status()).reasons.join();
      await until(
        "it is told",
        async () => /mplite unreachable since .*MPLite answered 500/.test(await told()),
      );
      const [task] = await enqueue(database, "safari_upload", 1, { input_data: { caption: "on" } });
      await until("the task is done", async () => (await get(database, task!)).status === "succeeded");
      mplite.fault = undefined;
      await until("it is over", async () => (await parts.worker.status()).status === "online");
    });
    await database.close();
  },
});
