/**
 * Proves on real processes and a real PostgreSQL that no task is lost and none settled twice, whatever breaks.
 * `deno task chaos [--tasks 5000] [--workers 4] [--kills 200] [--seed N] [--minutes 15] [--verbose]`
 * The same seed gives the same tasks and faults; when they meet is the machine's affair.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import postgres, { type Sql } from "postgres";
import { systemClock } from "../lib/clock.ts";
import { openPostgres, type PostgresDatabase } from "../lib/database/postgres.ts";
import { homePaths } from "../lib/paths.ts";
import { openJournal } from "../lib/queue/journal.ts";
import { type PostgresServer, startPostgres } from "../lib/testing/postgres_server.ts";
import { isAlive } from "../lib/testing/process_tree.ts";
import { startTcpProxy } from "../lib/testing/tcp_proxy.ts";
import { FAKETIME_EXCUSES, faketimeEnv, findFaketime, tidyFaketime } from "./chaos/faketime.ts";
import { inject, setClock, type Tally, type Victim } from "./chaos/faults.ts";
import { type ChaosOptions, planChaos, type Step } from "./chaos/plan.ts";
import { parseTrace } from "./chaos/trace.ts";
import { effort, type Evidence, type Finding, judge, story } from "./chaos/verdict.ts";
import { callWitness, readAttempts, readTasks, readTransitions } from "./chaos/witness.ts";
import { startWorkerProcess } from "./chaos/worker_process.ts";

const LEASE_SECONDS = 3;
const SETTLE_LIMIT_MS = 90_000;
const ONLINE_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 15_000;
const MAX_STORIES = 5;

const WORKER_ENV = {
  TASK_LEASE_SECONDS: `${LEASE_SECONDS}`,
  TASK_HEARTBEAT_INTERVAL_SECONDS: "1",
  TASK_POLL_INTERVAL_SECONDS: "0.5",
  MAX_CONCURRENT_TASKS: "8",
  WORKER_DRAIN_SECONDS: "2",
  WORKER_HEARTBEAT_INTERVAL_SECONDS: "5",
  WORKER_MIN_FREE_BYTES: "0",
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      tasks: { type: "string", default: "5000" },
      workers: { type: "string", default: "4" },
      kills: { type: "string", default: "200" },
      seed: { type: "string", default: `${crypto.getRandomValues(new Uint32Array(1))[0]}` },
      minutes: { type: "string", default: "15" },
      verbose: { type: "boolean", default: false },
    },
  });
  const workers = whole(values.workers, "--workers");
  const library = await findFaketime();
  const options: ChaosOptions = {
    seed: whole(values.seed, "--seed"),
    tasks: whole(values.tasks, "--tasks"),
    workers,
    kills: whole(values.kills, "--kills"),
    // Every second one, so that there are clocks beside each other that agree and that do not.
    clocks: library ? Array.from({ length: workers }, (_, i) => i).filter((i) => i % 2 === 1) : [],
    leaseMs: LEASE_SECONDS * 1000,
  };
  const stopped = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stopped.abort(new Error(`stopped by ${name}`)));
  }
  print(`chaos: seed ${options.seed}, ${options.tasks} tasks, ${workers} workers, ${options.kills} kills`);
  if (!library) print("no clock jumps: libfaketime is not installed (apt-get install faketime)");
  const folder = await Deno.makeTempDir({ prefix: "actp-chaos-" });
  const began = performance.now();
  const run = { options, plan: planChaos(options), folder, library, verbose: values.verbose };
  const limit = systemClock.sleep(whole(values.minutes, "--minutes") * 60_000, stopped.signal)
    .then(() => stopped.abort(new Error(`not done within ${values.minutes} minutes`)));
  const { tally, evidence, findings } = await chaos(run, stopped.signal);
  const late = stopped.signal.aborted;
  if (late) findings.push({ message: (stopped.signal.reason as Error).message });
  stopped.abort();
  await limit;
  report(tally, evidence, (performance.now() - began) / 1000);
  if (findings.length === 0) {
    await Deno.remove(folder, { recursive: true });
    print(`chaos: every task was settled exactly once (seed ${options.seed})`);
    return;
  }
  complain(findings, evidence);
  print(
    `chaos: FAILED, ${findings.length} findings with seed ${options.seed}; traces and logs are in ${folder}`,
  );
  Deno.exitCode = 1;
}

/** What a run is made of. */
interface Run {
  readonly options: ChaosOptions;
  readonly plan: readonly Step[];
  /** For the workers' homes, traces and logs. */
  readonly folder: string;
  /** libfaketime, where it is installed. */
  readonly library?: string;
  readonly verbose: boolean;
}

/** Runs the plan to its end and gathers what there is to know. */
async function chaos(
  run: Run,
  signal: AbortSignal,
): Promise<{ tally: Tally; evidence: Evidence; findings: Finding[] }> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await startPostgres({ fsync: true, settings: { full_page_writes: "on", shared_buffers: "64MB" } }),
  );
  const database = stack.adopt<PostgresDatabase>(openPostgres(server.url), (database) => database.close());
  const sql = stack.adopt<Sql>(postgres(server.url, { max: 1, onnotice: () => {} }), (sql) => sql.end());
  await database.migrate();
  const names = Array.from({ length: run.options.workers }, (_, i) => `w${i + 1}`);
  await callWitness(sql, names);
  const victims: Victim[] = [];
  for (const [i, name] of names.entries()) victims.push(await startVictim(stack, run, server, name, i));

  const began = performance.now();
  const note = (text: string) => {
    if (run.verbose) print(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  };
  const tally = await inject(run.plan, { victims, server, database, note }, signal);
  note("no more faults");
  await Promise.all(victims.map(({ process }) => process.online(ONLINE_LIMIT_MS)));
  const unsettled = signal.aborted ? undefined : await settle(sql, signal);
  note("settled");
  const pids = victims.flatMap(({ process }) => process.pid ?? []);
  const stops = await Promise.all(victims.map(({ process }) => process.retire(STOP_LIMIT_MS)));
  const { planned, trace } = await outside(run.plan, victims);
  const evidence = {
    planned,
    trace,
    tasks: await readTasks(sql),
    transitions: await readTransitions(sql),
    attempts: await readAttempts(sql),
  };
  const remains = await Promise.all([
    ...victims.map(({ process }) => leftBehind(process.home)),
    ...pids.map(async (pid) => await isAlive(pid) ? [`process ${pid} is left`] : []),
  ]);
  const told = [
    ...unsettled ? [unsettled] : [],
    ...stops.filter((stop) => stop !== undefined),
    ...victims.flatMap(({ process }) => process.crashes),
    ...remains.flat(),
  ];
  const findings = [...judge(evidence), ...told.map((message) => ({ message }))];
  return { tally, evidence, findings };
}

async function startVictim(
  stack: AsyncDisposableStack,
  { folder, library, options }: Run,
  server: PostgresServer,
  name: string,
  number: number,
): Promise<Victim> {
  const proxy = stack.use(startTcpProxy(server.port));
  const clockFile = options.clocks.includes(number) ? join(folder, `${name}.clock`) : undefined;
  if (clockFile) await setClock(clockFile, 0);
  const process = stack.use(
    await startWorkerProcess({
      name,
      folder: join(folder, name),
      main: fileURLToPath(new URL("chaos/worker.ts", import.meta.url)),
      ...clockFile && { tidy: tidyFaketime, excused: FAKETIME_EXCUSES },
      env: {
        ...WORKER_ENV,
        DATABASE_URL: `postgres://${name}@127.0.0.1:${proxy.port}/postgres`,
        ...clockFile && library ? faketimeEnv(library, clockFile) : {},
      },
    }),
  );
  return { process, proxy, clockFile };
}

/** Waits until no task is left to do; says how many are when that takes too long. */
async function settle(sql: Sql, signal: AbortSignal): Promise<string | undefined> {
  const deadline = performance.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const [row] = await sql`
      select count(*)::integer as open from public.actp_workflow_tasks
      where status in ('pending', 'claimed', 'running')`;
    if (row!.open === 0) return undefined;
    if (signal.aborted || performance.now() > deadline) {
      return `${row!.open} tasks are not settled ${SETTLE_LIMIT_MS / 1000} s after the last fault`;
    }
    await systemClock.sleep(200, signal);
  }
}

async function outside(plan: readonly Step[], victims: readonly Victim[]) {
  const traces = await Promise.all(victims.map(({ process }) => Deno.readTextFile(process.trace)));
  return { planned: plan.flatMap(({ tasks }) => tasks), trace: traces.flatMap(parseTrace) };
}

/** What a worker that has stopped should not have left in its home: outcomes, damaged journals, temp folders. */
async function leftBehind(home: string): Promise<string[]> {
  const paths = homePaths(home);
  const journal = openJournal(paths.journal);
  const waiting = journal.size();
  journal.close();
  const left = waiting > 0 ? [`${waiting} outcomes wait in ${paths.journal}`] : [];
  for await (const { name } of Deno.readDir(home)) {
    if (name.includes(".corrupt-")) left.push(`a journal was set aside as ${name} in ${home}`);
  }
  for await (const { name } of Deno.readDir(paths.tmp)) {
    for await (const attempt of Deno.readDir(join(paths.tmp, name))) {
      left.push(`the temp folder ${attempt.name} is left in ${home}`);
    }
  }
  return left;
}

function report(tally: Tally, evidence: Evidence, seconds: number): void {
  const { statuses, claims, outcomes, refused, repeated, inVain } = effort(evidence);
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(", ");
  const { tasks, transitions, trace } = evidence;
  print(`faults    ${list(tally)}`);
  print(`ends      ${list(statuses)}`);
  print(`attempts  ${claims} for ${tasks.length} tasks (${(claims / tasks.length).toFixed(2)} each)`);
  print(`          not successful: ${list(outcomes)}`);
  print(`          ${repeated} tasks were begun more than once, ${inVain} results were finished in vain`);
  print(`          ${refused} late reports of former holders were refused and recorded`);
  print(`evidence  ${transitions.length} transitions, ${trace.length} lines of trace`);
  print(`time      ${seconds.toFixed(0)} s`);
}

function complain(findings: readonly Finding[], evidence: Evidence): void {
  for (const { task, message } of findings.slice(0, 50)) print(`! ${task ? `task ${task} ` : ""}${message}`);
  if (findings.length > 50) print(`! … and ${findings.length - 50} more`);
  const tasks = new Set(findings.flatMap(({ task }) => task ?? []));
  for (const task of [...tasks].slice(0, MAX_STORIES)) {
    print(`story of ${task}`);
    for (const line of story(evidence, task)) print(line);
  }
}

function whole(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`${option} must be a whole number above 0, not "${text}"`);
  }
  return value;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`chaos: ${(error as Error).message}\n`));
    Deno.exitCode = 1;
  }
}
