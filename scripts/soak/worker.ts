/** The worker of a soak run, with its own load: `worker.ts TASKS_PER_SECOND SAMPLE_MS`; prints its vital signs. */
import process from "node:process";
import { systemClock } from "../../lib/clock.ts";
import { setUpLogging } from "../../lib/log.ts";
import { createWorker, type Database, loadConfig } from "../../mod.ts";
import { chaosExecutor, TASK_TYPE } from "../chaos/executor.ts";

/** One line of what it prints. Memory in MB, `at` in ms since its start. */
export interface VitalSigns {
  readonly at: number;
  readonly rss: number;
  readonly heap: number;
  readonly enqueued: number;
  readonly done: number;
}

const LOAD_MS = 500;
const MB = 1e6;

async function soak(perSecond: number, sampleMs: number): Promise<void> {
  const { config } = await loadConfig({ env: Deno.env.toObject(), cwd: Deno.cwd() });
  setUpLogging({ level: config.logLevel, format: "text", secrets: () => [], color: false });
  const parent = Deno.ppid;
  Deno.unrefTimer(setInterval(() => Deno.ppid === parent || process.exit(1), 500));
  const count = { enqueued: 0, done: 0 };
  const trace = {
    append: ({ event }: { event: string }) => Promise.resolve(void (event === "done" && count.done++)),
    [Symbol.dispose]() {},
  };
  const worker = await createWorker({ config, executors: [chaosExecutor(config.workerId, trace)] });
  const stopped = new AbortController();
  Deno.addSignalListener("SIGTERM", () => {
    stopped.abort();
    worker.stop();
  });
  const load = async () => {
    for (; !stopped.signal.aborted; await systemClock.sleep(LOAD_MS, stopped.signal)) {
      count.enqueued += await enqueue(worker.database, Math.round(perSecond * LOAD_MS / 1000));
    }
  };
  const watch = async () => {
    for (; !stopped.signal.aborted; await systemClock.sleep(sampleMs, stopped.signal)) {
      const { rss, heapUsed } = Deno.memoryUsage();
      const signs: VitalSigns = {
        at: systemClock.monotonic(),
        rss: rss / MB,
        heap: heapUsed / MB,
        ...count,
      };
      process.stdout.write(JSON.stringify(signs) + "\n");
    }
  };
  await Promise.all([worker.run(), load(), watch()]);
  await worker.database.close();
}

/** Short tasks; one in twenty fails twice before it succeeds. */
async function enqueue(database: Database, tasks: number): Promise<number> {
  const made = Array.from({ length: tasks }, (_, key) => ({
    task_type: TASK_TYPE,
    input_data: { key, workMs: Math.random() * 50, failures: Math.random() < 0.05 ? 2 : 0, retry: true },
    backoff_seconds: 1,
  }));
  await database.call("actp_enqueue_tasks", { p_tasks: made });
  return tasks;
}

if (import.meta.main) await soak(Number(Deno.args[0]), Number(Deno.args[1]));
