/**
 * How punctual routines are on a busy machine, and what many of them cost:
 * `deno run -A scripts/bench_schedule.ts [--routines 500] [--rounds 6] [--burners 2] [--many 10000] [--seconds 60]`.
 * Needs a PostgreSQL on this machine and starts its own; the embedded database is measured as well. Ends with 1 where a run
 * starts a second or more after its time, or the many cost 1 % of a core or more. Linux only.
 */
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { processTerminal } from "../lib/cli/terminal.ts";
import { systemClock } from "../lib/clock.ts";
import type { Database } from "../lib/database/database.ts";
import { openEmbedded } from "../lib/database/embedded.ts";
import { openPostgres } from "../lib/database/postgres.ts";
import { type Routine, ROUTINE_DEFAULTS, type Schedule } from "../lib/schedule/routine.ts";
import { Scheduler } from "../lib/schedule/scheduler.ts";
import { startPostgres } from "../lib/testing/postgres_server.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { processorMs } from "./bench/procfs.ts";

const MAX_LATE_MS = 1000;
const MAX_SHARE = 0.01;
const ROUND_MS = 10_000;
/** Between the first knowledge of the routines and their first round. */
const WARM_UP_MS = 5_000;
const DAY_MINUTES = 1440;

const { values } = parseArgs({
  options: {
    routines: { type: "string", default: "500" },
    rounds: { type: "string", default: "6" },
    burners: { type: "string", default: String(navigator.hardwareConcurrency) },
    many: { type: "string", default: "10000" },
    seconds: { type: "string", default: "60" },
  },
});
const sizes = Object.fromEntries(
  Object.entries(values).map(([name, text]) => [name, count(name, text)]),
) as Record<keyof typeof values, number>;
const terminal = processTerminal();

function routine(id: string, schedule: Schedule): Routine {
  return {
    ...ROUTINE_DEFAULTS,
    id,
    description: "",
    schedule,
    action: { kind: "task", task_type: "none", input: {} },
  };
}

/** Runs a scheduler while `work` is under way. `onRun`: told how late each run starts, in ms. */
async function scheduling<T>(
  database: Database,
  routines: readonly Routine[],
  onRun: (lateMs: number) => void,
  work: (scheduler: Scheduler) => Promise<T>,
): Promise<T> {
  const scheduler = new Scheduler({
    database,
    workerId: "bench",
    clock: systemClock,
    routines,
    actions: {
      task: (_, { dueAt }) => Promise.resolve(onRun(systemClock.now() - dueAt.getTime())),
    },
    timeZone: "UTC",
    drainMs: 5000,
  });
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  try {
    return await work(scheduler);
  } finally {
    stop.abort();
    await running;
  }
}

/** All routines due at the same instants, while processes burn every core. True: all were in time. */
async function punctuality(name: string, database: Database): Promise<boolean> {
  const anchor = new Date(systemClock.now() + WARM_UP_MS).toISOString();
  const routines = Array.from(
    { length: sizes.routines },
    (_, index) => routine(`${name}-${index}`, { everySeconds: ROUND_MS / 1000, anchor }),
  );
  const late: number[] = [];
  const burners = Array.from(
    { length: sizes.burners },
    () => new Deno.Command(Deno.execPath(), { args: ["eval", "for (;;) Math.sqrt(Math.random());"] }).spawn(),
  );
  try {
    await scheduling(
      database,
      routines,
      (lateMs) => late.push(lateMs),
      () => systemClock.sleep(WARM_UP_MS + sizes.rounds * ROUND_MS - ROUND_MS / 2),
    );
  } finally {
    for (const burner of burners) burner.kill("SIGKILL");
    await Promise.all(burners.map(({ status }) => status));
  }
  const expected = sizes.routines * sizes.rounds;
  late.sort((a, b) => a - b);
  const at = (share: number) =>
    `${late[Math.min(late.length - 1, Math.floor(late.length * share))]?.toFixed(0)}`;
  terminal.out(
    `${name}: ${late.length} of ${expected} runs of ${sizes.routines} routines due together, ${sizes.burners} cores burning: ` +
      `late by p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, max ${at(1)} ms (limit ${MAX_LATE_MS})`,
  );
  return late.length === expected && late.at(-1)! < MAX_LATE_MS;
}

/** Many routines, each daily at some minute. True: they cost little. */
async function cost(database: Database, serverPid: number): Promise<boolean> {
  const routines = Array.from({ length: sizes.many }, (_, index) => {
    const minute = (index * 7919) % DAY_MINUTES; // spread over the day, the same way each time
    return routine(`many-${index}`, {
      cron: `${minute % 60} ${Math.floor(minute / 60)} * * *`,
      timeZone: "Europe/Berlin",
    });
  });
  let runs = 0;
  return await scheduling(database, routines, () => runs++, async (scheduler) => {
    const began = performance.now();
    while (scheduler.status().next_due_at === null) await systemClock.sleep(50);
    const ready = performance.now() - began;
    await systemClock.sleep(WARM_UP_MS);
    const before = process.cpuUsage();
    const serverBefore = await processorMs(serverPid);
    await systemClock.sleep(sizes.seconds * 1000);
    const { user, system } = process.cpuUsage(before);
    const server = (await processorMs(serverPid) ?? NaN) - (serverBefore ?? NaN);
    const share = (user + system) / 1000 / (sizes.seconds * 1000);
    terminal.out(
      `${sizes.many} routines, daily: known after ${
        ready.toFixed(0)
      } ms; ${runs} runs in ${sizes.seconds} s; ` +
        `${(100 * share).toFixed(2)} % of a core (limit ${100 * MAX_SHARE} %), ` +
        `the server ${(server / sizes.seconds / 10).toFixed(2)} %; ${
          (Deno.memoryUsage().rss / 1e6).toFixed(0)
        } MB resident`,
    );
    return share < MAX_SHARE;
  });
}

function count(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Error(`--${name} must be a whole number, not "${text}"`);
  return Number(text);
}

async function onPostgres(): Promise<boolean> {
  await using server = await startPostgres();
  const database = openPostgres(server.url);
  await database.migrate();
  const cheap = await cost(database, server.pid);
  const punctual = await punctuality("postgres", database);
  await database.close();
  return cheap && punctual;
}

async function onEmbedded(): Promise<boolean> {
  await using folder = await tempDir();
  const database = await openEmbedded(join(folder.path, "db"));
  await database.migrate();
  const punctual = await punctuality("embedded", database);
  await database.close();
  return punctual;
}

const results = [await onEmbedded(), await onPostgres()];
if (results.includes(false)) Deno.exitCode = 1;
