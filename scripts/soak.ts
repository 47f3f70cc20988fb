/**
 * Runs one worker under a steady load and watches that it does not grow: memory, open files, tasks left undone.
 * `deno task soak [--minutes 10] [--rate 100] [--database embedded|postgres] [--limit 60] [--every 5]`: the rate in
 * tasks a second, the limit in MB an hour, a sample every so many seconds. The first half warms up.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { openPostgres } from "../lib/database/postgres.ts";
import { selfCommand } from "../lib/daemon/self.ts";
import { TextLineStream } from "../lib/testing/lines.ts";
import { startPostgres } from "../lib/testing/postgres_server.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { growsBeyond, trend } from "./soak/trend.ts";
import type { VitalSigns } from "./soak/worker.ts";

const WARM_UP = 1 / 2;
/** Connections to the database come and go. */
const MORE_FILES = 8;
/** In seconds of load: more than are in progress or wait for a retry. */
const BACKLOG_SECONDS = 10;
const STOP_LIMIT_MS = 15_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      minutes: { type: "string", default: "10" },
      rate: { type: "string", default: "100" },
      database: { type: "string", default: "embedded" },
      limit: { type: "string", default: "60" },
      every: { type: "string", default: "5" },
    },
  });
  if (!["embedded", "postgres"].includes(values.database)) {
    throw new Error(`--database must be embedded or postgres, not "${values.database}"`);
  }
  const rate = positive(values.rate, "--rate");
  const limit = positive(values.limit, "--limit");
  const minutes = positive(values.minutes, "--minutes");
  const everyMs = positive(values.every, "--every") * 1000;
  print(`soak: ${minutes} min, ${rate} tasks/s, ${values.database} database`);
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir()).path;
  const env: Record<string, string> = values.database === "postgres"
    ? { DATABASE_URL: await startDatabase(stack) }
    : {};
  const signs = await watch(folder, env, { rate, everyMs, minutes });
  const problems = judge(signs, rate, limit);
  for (const problem of problems) print(`! ${problem}`);
  print(problems.length === 0 ? "soak: nothing grows" : "soak: FAILED");
  if (problems.length > 0) Deno.exitCode = 1;
}

async function startDatabase(stack: AsyncDisposableStack): Promise<string> {
  const server = stack.use(await startPostgres());
  const database = openPostgres(server.url);
  await database.migrate().finally(() => database.close());
  return server.url;
}

/** What is known at one moment. */
interface Observation extends VitalSigns {
  /** Open file descriptors, where the system tells them. */
  readonly files?: number;
}

/** Runs the worker; resolves to what it told when it has stopped. @throws Error when it ends by itself or not in time */
async function watch(
  folder: string,
  env: Record<string, string>,
  { rate, everyMs, minutes }: { rate: number; everyMs: number; minutes: number },
): Promise<Observation[]> {
  const { program, args } = selfCommand([`${rate}`, `${everyMs}`], {
    main: fileURLToPath(new URL("soak/worker.ts", import.meta.url)),
  });
  const child = new Deno.Command(program, {
    args,
    env: {
      ACTP_HOME: join(folder, "home"),
      MAX_CONCURRENT_TASKS: "20",
      WORKER_MIN_FREE_BYTES: "0",
      WORKER_LOG_LEVEL: "error",
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let over = false;
  let kill: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    over = true;
    child.kill("SIGTERM");
    kill = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
  };
  const timer = setTimeout(stop, minutes * 60_000);
  const signs: Observation[] = [];
  for await (
    const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
  ) {
    const now: Observation = { ...JSON.parse(line) as VitalSigns, files: openFiles(child.pid) };
    signs.push(now);
    const { at, rss, heap, files, enqueued, done } = now;
    print(
      `${(at / 1000).toFixed(0).padStart(6)} s  ${rss.toFixed(1)} MB resident, ${heap.toFixed(1)} MB heap, ` +
        `${files ?? "?"} files, ${done} of ${enqueued} tasks done`,
    );
  }
  const { code, signal } = await child.status;
  clearTimeout(timer);
  clearTimeout(kill);
  if (!over) throw new Error(`the worker ended by itself (${signal ?? `exit ${code}`}); see above`);
  if (code !== 0) throw new Error(`the worker did not stop in good order (${signal ?? `exit ${code}`})`);
  return signs;
}

/** From outside: the worker has the program's own permissions, which do not reach there. */
function openFiles(pid: number): number | undefined {
  return Deno.build.os === "linux" ? [...Deno.readDirSync(`/proc/${pid}/fd`)].length : undefined;
}

/** Prints the trends and returns what is wrong with them. */
function judge(signs: readonly Observation[], rate: number, limit: number): string[] {
  const warm = signs.slice(Math.floor(signs.length * WARM_UP));
  const samples = (of: "rss" | "heap") => warm.map((sign) => ({ at: sign.at, value: sign[of] }));
  const resident = trend(samples("rss"));
  const heap = trend(samples("heap"));
  const show = ({ perHour, error }: typeof heap) => `${perHour.toFixed(1)} ± ${error.toFixed(1)} MB an hour`;
  print(`resident ${show(resident)}; heap ${show(heap)}`);
  const third = Math.ceil(warm.length / 3);
  const mostFiles = (part: readonly Observation[]) => Math.max(...part.map(({ files }) => files ?? 0));
  const [before, after] = [mostFiles(warm.slice(0, third)), mostFiles(warm.slice(-third))];
  const last = signs.at(-1)!;
  const backlog = last.enqueued - last.done;
  return [
    ...growsBeyond(resident, limit) ? [`memory grows by more than ${limit} MB an hour`] : [],
    ...after > before + MORE_FILES ? [`open files grow: ${before} at first, ${after} at the end`] : [],
    ...backlog > BACKLOG_SECONDS * rate ? [`${backlog} tasks are not done: it does not keep up`] : [],
  ];
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
    Deno.exitCode = 1;
  }
}
