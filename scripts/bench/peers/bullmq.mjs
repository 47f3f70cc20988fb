/**
 * BullMQ on its PostgreSQL backend, with the concurrency and pool that docs.bullmq.io/guide/postgresql advises.
 * Finished jobs stay, as with most of the others: removing them at once makes it a third slower.
 */
import process from "node:process";
import { handler, inBatches, library, now, pause, serve } from "./host.mjs";

const { createPostgresBackend, Queue, runMigrations, Worker } = await library("bullmq");
const { default: pg } = await library("pg");

const NAME = "bench";
const CONCURRENCY = 32;
const connection = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: CONCURRENCY + 2,
  options: "-c search_path=bullmq",
});

let opened;
const queue = () => opened ??= new Queue(NAME, { connection }, createPostgresBackend);

function makeWorker(task, settings) {
  const options = { connection, autorun: false, ...settings };
  const worker = new Worker(NAME, task, options, createPostgresBackend);
  worker.on("error", (error) => process.stderr.write(`bullmq: ${error.message}\n`));
  return worker;
}

await serve({
  async setup() {
    const client = await connection.connect();
    await runMigrations(client);
    client.release();
  },
  bulk: (range) =>
    inBatches(range, (keys) => queue().addBulk(keys.map((key) => ({ name: NAME, data: { key } })))),
  async one({ key }) {
    const at = now();
    await queue().add(NAME, { key });
    return { at };
  },
  async work({ mode, lease }) {
    const ran = handler(mode);
    const leased = lease ? { lockDuration: lease * 1000, stalledInterval: 5000 } : {};
    const worker = makeWorker(async (job) => await ran(job.data.key), {
      concurrency: CONCURRENCY,
      ...leased,
    });
    await worker.waitUntilReady();
    void worker.run();
  },
  async stale() {
    await queue().add(NAME, {});
    const a = await makeWorker(null, { lockDuration: 1000 }).getNextJob("token-a");
    const second = makeWorker(null, { stalledInterval: 500 });
    await second.startStalledCheckTimer();
    for (let b; !b; b = await second.getNextJob("token-b", { block: false })) await pause(250);
    try {
      await a.moveToCompleted("late", "token-a", false);
      return "accepted";
    } catch {
      return "refused";
    }
  },
});
