/** Graphile Worker, set up as its page on performance does (worker.graphile.org/docs/performance). */
import process from "node:process";
import { handler, inBatches, library, now, pause, serve } from "./host.mjs";

const { Logger, makeWorkerUtils, run } = await library("graphile-worker");
const { default: pg } = await library("pg");

const connectionString = process.env.DATABASE_URL;
const quiet = { connectionString, logger: new Logger(() => () => {}) };
const FAST = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

let opened;
const utils = () => opened ??= makeWorkerUtils(quiet);

function start(task, settings) {
  return run({
    preset: { worker: { ...quiet, ...settings } },
    noHandleSignals: true,
    taskList: { bench: task },
  });
}

await serve({
  setup: async () => (await utils()).migrate(),
  async bulk(range) {
    const { addJobs } = await utils();
    return inBatches(
      range,
      (keys) => addJobs(keys.map((key) => ({ identifier: "bench", payload: { key } }))),
    );
  },
  async one({ key }) {
    const { addJob } = await utils();
    const at = now();
    await addJob("bench", { key });
    return { at };
  },
  // Its locks last four hours; there is no setting.
  async work({ mode }) {
    const ran = handler(mode);
    await start(({ key }) => ran(key), FAST);
  },
  async stale() {
    const { addJob, forceUnlockWorkers } = await utils();
    const pool = new pg.Pool({ connectionString });
    const job = async () => (await pool.query("select locked_by from graphile_worker.jobs")).rows[0];
    const [a, b] = [hold(), hold()];
    await addJob("bench", {});
    const runners = [await start(a.task, { concurrentJobs: 1 })];
    await a.started;
    await forceUnlockWorkers([(await job()).locked_by]);
    runners.push(await start(b.task, { concurrentJobs: 1 }));
    await b.started;
    a.end();
    await pause(1000);
    const taken = await job() === undefined;
    b.end();
    await Promise.all(runners.map((runner) => runner.stop()));
    await pool.end();
    return taken ? "accepted" : "refused";
  },
});

/** A task that says when it has started, and ends when told. */
function hold() {
  let begun, end;
  const started = new Promise((resolve) => begun = resolve);
  const ended = new Promise((resolve) => end = resolve);
  return { started, end, task: () => (begun(), ended) };
}
