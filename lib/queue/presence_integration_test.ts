/** Real workers on a real server: who is dead is told from who is only silent. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { get, type TaskRow } from "../database/contract/case.ts";
import { sqlClient } from "../database/contract/sql_client.ts";
import type { Database } from "../database/database.ts";
import { openPostgres } from "../database/postgres.ts";
import { cliEnvironment, spawnCli } from "../testing/cli.ts";
import { type PostgresServer, startPostgres } from "../testing/postgres_server.ts";
import { processTree, signalProcess } from "../testing/process_tree.ts";
import { needs } from "../testing/requirements.ts";
import { startTcpProxy, type TcpProxy } from "../testing/tcp_proxy.ts";
import { tempDir } from "../testing/temp.ts";
import type { RingWorker } from "./presence_watch.ts";

const NAP = {
  name: "nap",
  program: "sleep",
  args: ["{seconds}"],
  input: { seconds: { type: "number", min: 0, max: 600 } },
};
/** Longer than it takes to find a worker dead. */
const SILENCE_MS = 2500;
const PATIENCE_MS = 20_000;

/** Asks until it holds; returns how long that took, in ms. */
async function until(what: string, holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!await holds().catch(() => false)) {
    if (performance.now() - began > PATIENCE_MS) assert.fail(`this did not happen: ${what}`);
    await systemClock.sleep(20);
  }
  return performance.now() - began;
}

/** One worker process with its own connection to the server. */
interface WorkerProcess extends AsyncDisposable {
  readonly id: string;
  readonly proxy: TcpProxy;
  signal(signal: Deno.Signal): void;
  /** With everything that it runs, as a machine that loses its power. */
  kill(): Promise<void>;
  /** In good order; how long that took, in ms. */
  stop(): Promise<number>;
}

async function startWorker(id: string, server: PostgresServer): Promise<WorkerProcess> {
  await using cleanup = new AsyncDisposableStack();
  const home = cleanup.use(await tempDir()).path;
  const proxy = cleanup.use(startTcpProxy(server.port));
  await Deno.writeTextFile(join(home, "config.json"), JSON.stringify({ commands: [NAP] }));
  const child = spawnCli(
    ["start", "--foreground"],
    cliEnvironment(home, {
      DATABASE_URL: `postgres://postgres@127.0.0.1:${proxy.port}/postgres`,
      WORKER_ID: id,
      WORKER_MIN_FREE_BYTES: "0",
      WORKER_DRAIN_SECONDS: "0",
    }),
  );
  const output = child.output();
  const kill = async () => {
    const tree = await processTree(child.pid);
    for (const pid of tree) signalProcess(pid, "SIGKILL");
    await output;
  };
  cleanup.defer(kill);
  const owned = cleanup.move();
  return {
    id,
    proxy,
    kill,
    signal: (signal) => signalProcess(child.pid, signal),
    async stop() {
      const began = performance.now();
      signalProcess(child.pid, "SIGTERM");
      await output;
      return performance.now() - began;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function enqueueNap(database: Database): Promise<string> {
  const [{ id }] = await database.call<{ id: string }[]>("actp_enqueue_tasks", {
    p_tasks: [{ task_type: "nap", input_data: { seconds: 600 }, max_attempts: 50 }],
  });
  return id;
}

Deno.test({
  name: "dead workers' tasks are started by others, silent workers keep theirs",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    const database = openPostgres(server.url);
    await database.migrate();
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => database.close());
    const sessions = cleanup.use(sqlClient(server.url));
    const fleet = new Map<string, WorkerProcess>();
    const start = async (...ids: string[]) => {
      const before = new Map((await ring()).map(({ id, pid }) => [id, pid]));
      for (const id of ids) fleet.set(id, cleanup.use(await startWorker(id, server)));
      await until("they have sessions of their own", async () => {
        const found = await ring();
        return ids.every((id) => found.some((one) => one.id === id && one.pid !== before.get(id)));
      });
      await allPresent();
    };
    const ring = async () => (await database.call<{ workers: RingWorker[] }>("actp_presence_ring")).workers;
    const waiting = async () =>
      await sessions.sql(`select from pg_locks l join pg_class c on c.oid = l.relation
        where not l.granted and c.relnamespace = 'actp_presence'::regnamespace`);
    /** Every worker holds its lock, another waits for it, and all have had time to see the others. */
    const allPresent = async () => {
      await until("all workers are present", async () => {
        const present = (await ring()).filter((worker) => worker.present);
        return [...fleet.keys()].every((id) => present.some((worker) => worker.id === id));
      });
      if (fleet.size > 1) {
        await until("each is waited for", async () => (await waiting()).length >= fleet.size);
      }
      await systemClock.sleep(300);
    };
    const claimed = async (id: string): Promise<TaskRow & { claimed_by: string }> => {
      await until("the task runs", async () => (await get(database, id)).claimed_by !== null);
      return await get(database, id) as TaskRow & { claimed_by: string };
    };
    const holderOf = async (id: string) => fleet.get((await claimed(id)).claimed_by)!;
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    /** Kills the task's holder and returns after how many ms another had begun it. */
    const killHolder = async (id: string): Promise<number> => {
      const { claimed_by: dead, token } = await claimed(id);
      await fleet.get(dead)!.kill();
      fleet.delete(dead);
      const ms = await until("another worker starts the task", async () => {
        const { claimed_by, token: now } = await get(database, id);
        return now !== token && claimed_by !== dead && claimed_by !== null;
      });
      const { history } = await get(database, id);
      assert.deepEqual([history.at(-1)!.outcome, history.at(-1)!.worker_id], ["lost", dead]);
      await start(dead);
      return ms;
    };
    /** The same claim holds before and long enough after. */
    const staysHeld = async (id: string, disturb: () => Promise<void>) => {
      const before = await claimed(id);
      await disturb();
      const after = await get(database, id);
      assert.deepEqual([after.token, after.claimed_by, after.history.length], [
        before.token,
        before.claimed_by,
        before.history.length,
      ]);
      await allPresent();
    };

    let task = "";
    await step("a killed worker's task is started by another in about a second", async () => {
      await start("a", "b", "c");
      task = await enqueueNap(database);
      const times = [];
      for (let round = 0; round < 3; round++) times.push(Math.round(await killHolder(task)));
      await Deno.stderr.write(
        new TextEncoder().encode(`started by another worker after ${times.join(", ")} ms\n`),
      );
      assert.ok(Math.max(...times) < 5000, `${times}`);
    });
    await step("a suspended worker keeps its task", () =>
      staysHeld(task, async () => {
        const holder = await holderOf(task);
        holder.signal("SIGSTOP");
        await systemClock.sleep(SILENCE_MS);
        holder.signal("SIGCONT");
      }));
    await step("a worker whose network falls silent keeps its task", () =>
      staysHeld(task, async () => {
        const { proxy } = await holderOf(task);
        proxy.freeze();
        await systemClock.sleep(SILENCE_MS);
        proxy.thaw();
      }));
    await step(
      "a worker whose connections are cut comes back and keeps its task",
      () =>
        staysHeld(task, async () => {
          const { id, proxy } = await holderOf(task);
          const pidOf = async () => (await ring()).find((worker) => worker.id === id)?.pid;
          const before = await pidOf();
          proxy.cut();
          await systemClock.sleep(SILENCE_MS);
          assert.notEqual(await pidOf(), before);
        }),
    );
    for (const mode of ["fast", "immediate"] as const) {
      await step(
        `a restart of the database (${mode}) costs nobody a task`,
        () =>
          staysHeld(task, async () => {
            await server.restart(mode);
            await systemClock.sleep(SILENCE_MS);
          }),
      );
    }
    await step(
      "a crash inside the server, which ends all sessions, costs nobody a task",
      () =>
        staysHeld(task, async () => {
          const [{ pid }] = await ring();
          signalProcess(pid, "SIGKILL");
          await systemClock.sleep(SILENCE_MS);
          await until("the server serves again", async () => (await ring()).length >= 0);
        }),
    );
    await step("afterwards a dead worker is found as before", async () => {
      assert.ok(await killHolder(task) < 5000);
    });
    await step(
      "a worker that comes back at once gives its task back itself, and loses no other",
      async () => {
        const holder = await holderOf(task);
        const { token: lost } = await claimed(task);
        await holder.kill();
        await start(holder.id);
        await until("the task is begun again", async () => (await claimed(task)).token !== lost);
        const { token } = await claimed(task);
        await systemClock.sleep(SILENCE_MS);
        assert.equal((await get(database, task)).token, token);
      },
    );
    await step("two of three that die at once lose all their tasks to the third", async () => {
      const tasks = [task];
      while (new Set(await Promise.all(tasks.map(async (id) => (await claimed(id)).claimed_by))).size < 3) {
        tasks.push(await enqueueNap(database));
      }
      const dead = ["b", "c"];
      await Promise.all(dead.map((id) => fleet.get(id)!.kill()));
      const ms = await until("their tasks are given back", async () => {
        const rows = await Promise.all(tasks.map((id) => get(database, id)));
        return rows.every(({ claimed_by }) => !dead.includes(String(claimed_by)));
      });
      assert.ok(ms < 5000, `${ms}`);
      for (const id of dead) fleet.delete(id);
      for (const id of tasks) await database.call("actp_cancel_task", { p_task_id: id });
    });
    await step("a worker that stops in good order is not taken for dead, and leaves at once", async () => {
      await start("b");
      task = await enqueueNap(database);
      const holder = await holderOf(task);
      assert.ok(await holder.stop() < 5000);
      fleet.delete(holder.id);
      await systemClock.sleep(SILENCE_MS);
      const { history } = await get(database, task);
      assert.deepEqual(history.map(({ outcome }) => outcome), ["released"]);
    });
  },
});
