/**
 * Runs whole workers under a steady load and watches that they do not grow: memory, open files, child processes, tasks
 * left undone. Tasks of several kinds, routines, agents, requests to the control API and event streams.
 * `deno task soak [--minutes 30] [--warm-up 5] [--rate 10] [--database embedded|postgres|both] [--limit 20]
 * [--every 5]`: short tasks a second, the limit in MB an hour, a look every so many seconds.
 */
import { parseArgs } from "node:util";
import { systemClock } from "../lib/clock.ts";
import { openPostgres } from "../lib/database/postgres.ts";
import { startPostgres } from "../lib/testing/postgres_server.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { startSoakDaemon } from "./soak/daemon.ts";
import { judge, type Limits } from "./soak/judge.ts";
import { load } from "./soak/load.ts";
import { look, type Signs } from "./soak/signs.ts";

interface Plan extends Limits {
  readonly minutes: number;
  readonly rate: number;
  readonly everyMs: number;
}

/** In seconds of load: more than are in progress or wait for a retry. */
const BACKLOG_SECONDS = 20;
const TOLD_EVERY_MS = 60_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      minutes: { type: "string", default: "30" },
      "warm-up": { type: "string", default: "5" },
      rate: { type: "string", default: "10" },
      database: { type: "string", default: "both" },
      limit: { type: "string", default: "20" },
      every: { type: "string", default: "5" },
    },
  });
  const rate = positive(values.rate, "--rate");
  const plan: Plan = {
    rate,
    minutes: positive(values.minutes, "--minutes"),
    everyMs: positive(values.every, "--every") * 1000,
    warmUpMs: positive(values["warm-up"], "--warm-up") * 60_000,
    growth: positive(values.limit, "--limit"),
    backlog: BACKLOG_SECONDS * rate,
  };
  if (plan.warmUpMs >= plan.minutes * 60_000) throw new Error("--warm-up must be less than --minutes");
  const databases = values.database === "both" ? ["embedded", "postgres"] : [values.database];
  print(`soak: ${plan.minutes} min, ${rate} short tasks/s and others, database: ${databases.join(" and ")}`);
  const results = await Promise.all(databases.map((database) => soak(database, plan)));
  const good = results.every(Boolean);
  print(good ? "soak: nothing grows" : "soak: FAILED");
  if (!good) Deno.exitCode = 1;
}

/** One worker from start to stop. @returns whether all was well @throws Error when it does not live that long */
async function soak(database: string, plan: Plan): Promise<boolean> {
  const tell = (line: string) => print(`${database.padEnd(8)} ${line}`);
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir()).path;
  const env = await environment(database, stack);
  const daemon = await startSoakDaemon(folder, env);
  if (!daemon.film) tell("without ffmpeg tasks: there is no ffmpeg here");
  const over = new AbortController();
  const signs: Signs[] = [];
  const count = await load(daemon, plan.rate, over.signal);
  const began = systemClock.monotonic();
  try {
    for (let told = -Infinity; daemon.server.running;) {
      const at = systemClock.monotonic() - began;
      if (at >= plan.minutes * 60_000) break;
      signs.push(await look(daemon, at));
      if (at - told >= TOLD_EVERY_MS) {
        tell(line(signs.at(-1)!));
        told = at;
      }
      await systemClock.sleep(plan.everyMs, over.signal);
    }
    if (!daemon.server.running) {
      throw new Error(`the worker with the ${database} database ended: ${await daemon.server.log()}`);
    }
  } finally {
    over.abort();
    const began = systemClock.monotonic();
    await daemon.server.stop("SIGTERM");
    tell(`stopped within ${((systemClock.monotonic() - began) / 1000).toFixed(1)} s`);
  }
  const { lines, problems } = judge(signs, count, plan);
  for (const text of lines) tell(text);
  for (const problem of problems) tell(`! ${problem}`);
  return problems.length === 0;
}

async function environment(database: string, stack: AsyncDisposableStack): Promise<Record<string, string>> {
  if (database === "embedded") return {};
  if (database !== "postgres") {
    throw new Error(`--database must be embedded, postgres or both, not "${database}"`);
  }
  const server = stack.use(await startPostgres());
  const connection = openPostgres(server.url);
  await connection.migrate().finally(() => connection.close());
  return { DATABASE_URL: server.url };
}

function line({ at, rss, heap, files, tableFiles, children, settled, fired }: Signs): string {
  return `${(at / 1000).toFixed(0).padStart(5)} s  ${rss.toFixed(1)} MB resident, ${
    heap.toFixed(1)
  } MB heap, ` +
    `${files ?? "?"} files${tableFiles ? ` and ${tableFiles} of tables` : ""}, ${
      children ?? "?"
    } children, ${settled} tasks settled, ${fired} routines fired`;
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1e6)) throw new Error(`${option} must be a number above 0, not "${text}"`);
  return value;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`soak: ${(error as Error).message}\n`));
    Deno.exit(1);
  }
}
