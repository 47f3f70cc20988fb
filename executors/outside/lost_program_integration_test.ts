/** A program that is removed while its tasks wait: a real worker on a real Postgres with a real program. */
import { deepEqual, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../lib/clock.ts";
import { loadConfig } from "../../lib/config.ts";
import { enqueue, get, unique } from "../../lib/database/contract/case.ts";
import { openPostgres } from "../../lib/database/postgres.ts";
import { capturedLog } from "../../lib/testing/captured_log.ts";
import { startPostgres } from "../../lib/testing/postgres_server.ts";
import { needs } from "../../lib/testing/requirements.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { createWorker } from "../../lib/worker.ts";
import { allExecutors } from "../index.ts";

const PATIENCE_MS = 15_000;

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`this did not happen: ${what}`);
    await systemClock.sleep(20);
  }
}

async function writeProgram(folder: string): Promise<void> {
  const path = join(folder, "tool");
  await Deno.writeTextFile(path, `#!/bin/sh\nread -r task; echo '{"type":"result","output":"done"}'\n`);
  await Deno.chmod(path, 0o755);
}

Deno.test({
  name: "tasks of a lost program are released and not failed, and done when it is back",
  ...await needs("postgres"),
  async fn() {
    await using log = capturedLog();
    await using cleanup = new AsyncDisposableStack();
    const server = cleanup.use(await startPostgres());
    const database = openPostgres(server.url);
    cleanup.defer(() => database.close());
    await database.migrate();

    const home = cleanup.use(await tempDir()).path;
    const folder = join(home, "executors", "tool");
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const manifest = { type: "tool", description: "a tool", command: ["./tool"], input: { type: "object" } };
    await Deno.writeTextFile(join(folder, "executor.json"), JSON.stringify(manifest), { mode: 0o600 });
    await writeProgram(folder);

    const workerId = unique("worker");
    const env = {
      ACTP_HOME: home,
      WORKER_ID: workerId,
      DATABASE_URL: server.url,
      WORKER_MIN_FREE_BYTES: "0",
      TASK_POLL_INTERVAL_SECONDS: "0.2",
    };
    const { config } = await loadConfig({ env, cwd: home });
    const { executors, problems } = await allExecutors(config);
    deepEqual(problems, []);
    const worker = await createWorker({ config, executors });
    cleanup.defer(() => worker.database.close());
    const run = worker.run();
    cleanup.defer(async () => {
      worker.stop();
      await run;
    });

    const tasks = (ids: readonly string[]) => Promise.all(ids.map((id) => get(database, id)));
    const all = (ids: readonly string[], status: string) => async () =>
      (await tasks(ids)).every((task) => task.status === status);
    const registered = async () => {
      type Row = { capabilities: string[]; system_info: { executors: Record<string, { reason?: string }> } };
      const [row] = await database.call<Row[]>("actp_list_workers", { p_worker_id: workerId });
      return row!;
    };

    const first = await enqueue(database, "tool");
    await until("the first task is done", all(first, "succeeded"));
    ok((await registered()).capabilities.includes("tool"));

    await Deno.remove(join(folder, "tool"));
    const waiting = await enqueue(database, "tool", 5);
    await until(
      "the registration tells that it is gone",
      async () => !(await registered()).capabilities.includes("tool"),
    );
    await until("all of them wait", all(waiting, "pending"));
    match((await registered()).system_info.executors.tool!.reason!, /tool\/tool was not found/);
    await systemClock.sleep(500); // more than two polls
    ok(await all(waiting, "pending")());

    await writeProgram(folder);
    await worker.capabilities.detect(); // what happens every minute
    await until("they are done", all(waiting, "succeeded"));
    deepEqual((await tasks(waiting)).map(({ attempts }) => attempts), [1, 1, 1, 1, 1]);
    await until(
      "the registration tells that it is back",
      async () => (await registered()).capabilities.includes("tool"),
    );
    const told = log.records.filter(({ properties }) => properties.type === "tool").map(({ level }) => level);
    deepEqual(told, ["info", "warning", "info"]);
  },
});
