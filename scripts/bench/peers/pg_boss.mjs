/** pg-boss with large batches, bursts and LISTEN/NOTIFY. */
import process from "node:process";
import { handler, inBatches, library, now, pause, serve } from "./host.mjs";

const { PgBoss } = await library("pg-boss");

const NAME = "bench";
const connectionString = process.env.DATABASE_URL;

let opened;
const boss = (settings = {}) => opened ??= open(settings);

async function open(settings) {
  const boss = new PgBoss({ connectionString, useListenNotify: true, schedule: false, ...settings });
  boss.on("error", (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  return await boss.start();
}

await serve({
  setup: async () => (await boss({ supervise: false })).createQueue(NAME, { notify: true }),
  async bulk(range) {
    const client = await boss({ supervise: false });
    return inBatches(range, (keys) => client.insert(NAME, keys.map((key) => ({ data: { key } }))));
  },
  async one({ key }) {
    const client = await boss({ supervise: false });
    const at = now();
    await client.send(NAME, { key });
    return { at };
  },
  // Without a heartbeat a job is given up when its time limit of 15 minutes is over.
  async work({ mode, lease }) {
    const watch = { superviseIntervalSeconds: 1, monitorIntervalSeconds: 1 };
    const client = await boss(lease ? watch : {});
    if (lease) await client.updateQueue(NAME, { heartbeatSeconds: lease });
    const ran = handler(mode);
    await client.work(
      NAME,
      { batchSize: 1000, localConcurrency: 2, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
      async (jobs) => void await Promise.all(jobs.map((job) => ran(job.data.key))),
    );
  },
  async stale() {
    const client = await boss({ superviseIntervalSeconds: 1, monitorIntervalSeconds: 1 });
    const report = async (mayName) => {
      const name = `stale-${mayName}`;
      await client.createQueue(name, { expireInSeconds: 1, retryLimit: 2 });
      await client.send(name, {});
      const [a] = await client.fetch(name, { includeMetadata: true });
      for (let b = []; b.length === 0; b = await client.fetch(name)) await pause(250);
      const claim = mayName === "attempt" ? { id: a.id, retryCount: a.retryCount } : a.id;
      return (await client.complete(name, claim)).affected > 0 ? "accepted" : "refused";
    };
    return `${await report("attempt")} (by id: ${await report("id")})`;
  },
});
