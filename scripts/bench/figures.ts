/** The measurements. Each takes a system, makes its own queue, and yields numbers or words. */
import { type Child, type Host, startChild, until } from "./host.ts";
import { now } from "./peers/host.mjs";
import { processorMs, residentMb } from "./procfs.ts";
import { median, percentile } from "./report.ts";
import type { Place, Program, System } from "./systems.ts";

const BATCH = 1000;
const SETTLE_LIMIT_MS = 180_000;
const RECOVERY_LIMIT_MS = 90_000;
const HELD = 10;

/**
 * From the first start to the last settlement, on a queue filled before, so the claim of the first batch is left out:
 * with few tasks that flatters those with large batches. CPU in ms per 1,000 tasks.
 */
export interface Throughput {
  readonly perSecond: number;
  readonly workerCpu?: number;
  readonly databaseCpu?: number;
}

/** Rows per second that one client enqueues with its bulk call, 1,000 at a time. */
export async function enqueueRate(system: System, tasks: number): Promise<number> {
  await using place = await system.place();
  return await fill(await place.start(), tasks);
}

/** Settles no-op tasks with `workers` processes. `databasePid`: of the database server. */
export async function throughput(
  system: System,
  tasks: number,
  workers: number,
  databasePid: number,
): Promise<Throughput> {
  await using place = await system.place();
  const producer = await place.start();
  await fill(producer, tasks);
  await place.analyse();
  const hosts = system.processes === 1
    ? [producer]
    : await Promise.all(Array.from({ length: workers }, place.start));
  const workerCpu = async () => sum(await Promise.all(hosts.map((host) => processorMs(host.pid))));
  const before = { worker: await workerCpu(), database: await processorMs(databasePid) };
  await Promise.all(hosts.map((host) => host.ask("work", { mode: "count" })));
  const ran = () => hosts.reduce((count, host) => count + (lastRan(host)?.count ?? 0), 0);
  await until("all tasks to run", hosts, () => ran() >= tasks, SETTLE_LIMIT_MS);
  await until("all tasks to be settled", hosts, async () => !await place.unfinished(), SETTLE_LIMIT_MS);
  const ms = now() - Math.min(...hosts.map((host) => lastRan(host)?.firstAt ?? Infinity));
  const used = (after: number | undefined, before: number | undefined) =>
    after === undefined || before === undefined ? undefined : (after - before) * 1000 / tasks;
  return {
    perSecond: tasks * 1000 / ms,
    workerCpu: used(await workerCpu(), before.worker),
    databaseCpu: used(await processorMs(databasePid), before.database),
  };
}

/** Ms from just before the enqueuing call to the handler's start, with an idle worker. */
export async function startLatency(system: System, count: number): Promise<{ p50: number; p99: number }> {
  await using place = await system.place();
  const worker = await place.start();
  await worker.ask("work", { mode: "report" });
  const producer = await place.start();
  const started = () =>
    new Map(worker.events.flatMap((event) => event.event === "start" ? [[event.key, event.at]] : []));
  const enqueuedAt: number[] = [];
  for (let key = 0; key < count + 10; key++) {
    const { at } = await producer.ask<{ at: number }>("one", { key });
    enqueuedAt.push(at);
    await pause(20 + Math.random() * 40);
  }
  await until("all tasks to start", [worker], () => started().size >= enqueuedAt.length, 30_000);
  // The first ten warm it up.
  const delays = enqueuedAt.map((at, key) => started().get(key)! - at).slice(10);
  return { p50: median(delays), p99: percentile(delays, 99) };
}

/** Seconds from the death of a worker that holds tasks until another has started all of them. `lease` in seconds. */
export async function recovery(system: System, lease?: number): Promise<number | string> {
  await using place = await system.place();
  const doomed = await place.start();
  await doomed.ask("work", { mode: "hang", lease });
  const heir = await place.start();
  const producer = await place.start();
  await fill(producer, HELD);
  await until("the tasks to be held", [doomed], () => startedKeys(doomed).size >= HELD, 30_000);
  await heir.ask("work", { mode: "report", lease });
  await pause(3000); // the heir is at rest, and a heartbeat has gone out
  await doomed.kill();
  const died = now();
  try {
    await until("the tasks to start again", [heir], () => startedKeys(heir).size >= HELD, RECOVERY_LIMIT_MS);
  } catch (error) {
    if (heir.ended) throw error;
    return `>${RECOVERY_LIMIT_MS / 1000}`;
  }
  return (now() - died) / 1000;
}

/** Ms from spawning a worker to the start of the task that waits for it. */
export async function startUp(system: System): Promise<number> {
  await using place = await system.place();
  const producer = await place.start();
  await fill(producer, 1);
  await producer[Symbol.asyncDispose]();
  const began = now();
  const worker = await place.start();
  await worker.ask("work", { mode: "report" });
  await until("the task to start", [worker], () => startedKeys(worker).size > 0, 30_000);
  return startTimes(worker)[0] - began;
}

/** Ms from spawning the whole program to `GET /ready` 200, on a database that is there already. */
export async function readyTime(system: System): Promise<number | undefined> {
  await using place = await system.place();
  if (!place.program) return undefined;
  if (system.processes === 1) await (await place.start())[Symbol.asyncDispose]();
  const began = now();
  await using _program = await startProgram(place.program());
  return now() - began;
}

/** At rest: resident MB, share of a processor in %, and transactions per second. */
export interface Idle {
  readonly rss?: number;
  readonly cpu?: number;
  readonly queries?: number;
}

/** Looks at a worker (ours: the whole program) that has nothing to do for `seconds`. */
export async function idle(system: System, seconds: number): Promise<Idle> {
  await using place = await system.place();
  await using child = place.program ? await startProgram(place.program()) : await idleHost(place);
  await pause(5000);
  const before = { cpu: await processorMs(child.pid), transactions: await place.transactions?.() };
  await pause(seconds * 1000);
  const after = { cpu: await processorMs(child.pid), transactions: await place.transactions?.() };
  const rate = (key: "cpu" | "transactions") =>
    after[key] === undefined || before[key] === undefined ? undefined : (after[key] - before[key]) / seconds;
  const cpu = rate("cpu");
  return {
    rss: await residentMb(child.pid),
    cpu: cpu === undefined ? undefined : cpu / 10,
    queries: rate("transactions"),
  };
}

/** What the queue says to the result of a worker whose task has passed to another. */
export async function staleResult(system: System): Promise<string> {
  await using place = await system.place();
  return await (await place.start()).ask<string>("stale", {}, 60_000);
}

async function idleHost(place: Place): Promise<Child> {
  const host = await place.start();
  await host.ask("work", { mode: "report" });
  return host;
}

async function startProgram({ command, readyUrl }: Program): Promise<Child> {
  await using cleanup = new AsyncDisposableStack();
  const child = cleanup.use(startChild(command));
  await until(`${readyUrl} to say yes`, [child], async () => {
    try {
      const response = await fetch(readyUrl);
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false; // it does not listen yet
    }
  }, 60_000);
  cleanup.move();
  return child;
}

async function fill(producer: Host, count: number): Promise<number> {
  const { ms } = await producer.ask<{ ms: number }>("bulk", { count, batch: BATCH }, SETTLE_LIMIT_MS);
  return count * 1000 / ms;
}

function startTimes(host: Host): number[] {
  return host.events.flatMap((event) => event.event === "start" ? [event.at] : []);
}

function startedKeys(host: Host): Set<number> {
  return new Set(host.events.flatMap((event) => event.event === "start" ? [event.key] : []));
}

function lastRan(host: Host) {
  return host.events.findLast((event) => event.event === "ran");
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.includes(undefined) ? undefined : values.reduce<number>((total, value) => total + value!, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
