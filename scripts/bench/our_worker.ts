/** This project's worker as a measured system: a no-op executor, everything else as in earnest. */
import process from "node:process";
import { createWorker, defineExecutor, loadConfig, openDatabase } from "../../mod.ts";
import type { ClaimedRow } from "../../lib/database/claimed_row.ts";
import type { PostgresDatabase } from "../../lib/database/postgres.ts";
import { z } from "zod";
import { handler, inBatches, now, pause, serve } from "./peers/host.mjs";

const TYPE = "bench";
const { config } = await loadConfig({ env: Deno.env.toObject(), cwd: Deno.cwd() });
const database = await openDatabase(config);

function enqueue(keys: readonly number[]): Promise<unknown> {
  return database.call("actp_enqueue_tasks", {
    p_tasks: keys.map((key) => ({ task_type: TYPE, input_data: { key } })),
  });
}

function claimAs(worker: string): Promise<ClaimedRow[]> {
  return database.call("actp_claim_tasks", {
    p_worker_id: worker,
    p_types: [TYPE],
    p_room: 1,
    p_lease_seconds: 1,
  });
}

await serve({
  setup: () => (database as PostgresDatabase).migrate(),
  bulk: (range: { count: number; batch: number }) => inBatches(range, enqueue),
  async one({ key }: { key: number }) {
    const at = now();
    await enqueue([key]);
    return { at };
  },
  async work({ mode, lease }: { mode: string; lease?: number }) {
    const ran = handler(mode);
    const executor = defineExecutor({
      type: TYPE,
      description: "does nothing",
      input: z.object({ key: z.number() }),
      check: () => Promise.resolve({ available: true }),
      run: async ({ key }) => (await ran(key), null),
    });
    const leased = lease ? { leaseSeconds: lease, taskHeartbeatSeconds: lease / 3 } : {};
    const worker = await createWorker({ config: { ...config, ...leased }, executors: [executor], database });
    worker.run().catch((error) => {
      process.stderr.write(`${error}\n`);
      process.exit(1);
    });
  },
  async unfinished() {
    const { by_status } = await database.call<{ by_status: Record<string, number> }>("actp_task_statistics");
    return ["pending", "claimed", "running"].some((status) => by_status[status]);
  },
  async stale() {
    await enqueue([0]);
    const [[id, , , , , , token]] = await claimAs("a");
    await pause(1200);
    await claimAs("b");
    const [answer] = await database.call<string[]>("actp_settle_tasks", {
      p_worker_id: "a",
      p_settlements: [{ task_id: id, token, outcome: "done", output: "late" }],
    });
    return answer === "lost" ? "refused" : "accepted";
  },
});
