/** Does what the plan says: enqueues, cancels, kills, suspends, and spoils networks, clocks and the database. */
import { systemClock } from "../../lib/clock.ts";
import { type Database, DatabaseError } from "../../lib/database/database.ts";
import type { PostgresServer } from "../../lib/testing/postgres_server.ts";
import type { TcpProxy } from "../../lib/testing/tcp_proxy.ts";
import { TASK_TYPE } from "./executor.ts";
import type { Fault, Step, TaskPlan } from "./plan.ts";
import type { WorkerProcess } from "./worker_process.ts";

/** A worker with what can be done to it. */
export interface Victim {
  readonly process: WorkerProcess;
  /** Between it and the database. */
  readonly proxy: TcpProxy;
  /** Tells its clock how far to be off. */
  readonly clockFile?: string;
}

/** Where it all happens. */
export interface Scene {
  readonly victims: readonly Victim[];
  readonly server: PostgresServer;
  /** The program's own way to the database, past the proxies. */
  readonly database: Database;
  /** Told what happens. */
  note(text: string): void;
}

/** How often each kind of fault was injected; of kills, how many processes were killed. */
export type Tally = Record<Fault["kind"] | "cancel", number>;

const BUSY_MS = 2500;
const HASTE_MS = 150;
const PATIENCE_MS = 60_000;
const RETRY_MS = 100;

/**
 * Injects the plan's faults, step by step; those that last go on beside the next. When it returns, also early
 * because the signal aborts, all of them are over.
 * @throws Error when the database does not take a task or a cancellation for a minute
 */
export async function inject(plan: readonly Step[], scene: Scene, signal: AbortSignal): Promise<Tally> {
  const tally: Tally = {
    kill: 0,
    suspend: 0,
    stop: 0,
    cut: 0,
    freeze: 0,
    refuse: 0,
    delay: 0,
    clock: 0,
    database: 0,
    cancel: 0,
  };
  const broken = new AbortController();
  const stop = AbortSignal.any([signal, broken.signal]);
  const background: Promise<void>[] = [];
  const beside = (work: Promise<void>) => {
    background.push(work.catch((error) => broken.abort(error)));
  };
  let restarts = Promise.resolve();
  const restartDatabase = (fault: Fault & { kind: "database" }) => {
    beside(restarts = restarts.then(() => applyToDatabase(fault, scene.server, stop)));
  };
  for (const { tasks, delayMs, fault, pauseMs } of plan) {
    if (stop.aborted) break;
    beside(enqueue(tasks, scene, tally, stop));
    await systemClock.sleep(delayMs, stop);
    scene.note(JSON.stringify(fault));
    tally[fault.kind] += fault.kind === "kill" ? fault.workers.length : 1;
    if (fault.kind === "kill") await kill(fault, scene);
    else if (fault.kind === "database") restartDatabase(fault);
    else beside(applyToWorker(fault, scene.victims[fault.worker]!, stop));
    await systemClock.sleep(pauseMs, stop);
  }
  await Promise.all(background);
  if (broken.signal.aborted) throw broken.signal.reason;
  return tally;
}

async function enqueue(tasks: readonly TaskPlan[], scene: Scene, tally: Tally, stop: AbortSignal) {
  if (tasks.length === 0) return;
  const made = await insist(() =>
    scene.database.call<{ id: string }[]>("actp_enqueue_tasks", { p_tasks: tasks.map(toRequest) })
  );
  await Promise.all(tasks.map(async ({ cancelAfterMs }, i) => {
    if (cancelAfterMs === undefined) return;
    await systemClock.sleep(cancelAfterMs, stop);
    await insist(() =>
      scene.database.call("actp_cancel_task", { p_task_id: made[i]!.id, p_reason: "chaos" })
    );
    tally.cancel++;
  }));
}

/** The key makes it safe to enqueue again after a doubtful failure. */
function toRequest({ key, workMs, failures, retry, maxAttempts, priority }: TaskPlan) {
  return {
    task_type: TASK_TYPE,
    input_data: { key, workMs, failures, retry },
    max_attempts: maxAttempts,
    backoff_seconds: key % 2,
    priority,
    idempotency_key: `chaos-${key}`,
  };
}

/** Asks the database again through outages. @throws its error when it refuses, or an outage lasts a minute */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const outage = error instanceof DatabaseError ? error.transient : false;
      if (!outage || performance.now() > deadline) throw error;
      await systemClock.sleep(RETRY_MS);
    }
  }
}

async function kill({ workers, busy, awayMs }: Fault & { kind: "kill" }, { victims }: Scene): Promise<void> {
  const chosen = workers.map((worker) => victims[worker]!.process);
  if (busy) await Promise.all(chosen.map((process) => process.busy(BUSY_MS)));
  for (const process of chosen) {
    while (process.pid === undefined) await systemClock.sleep(1);
    process.kill(awayMs);
  }
}

async function applyToDatabase(
  { mode, downMs }: Fault & { kind: "database" },
  server: PostgresServer,
  stop: AbortSignal,
): Promise<void> {
  await server.stop(mode);
  await systemClock.sleep(downMs, stop);
  await server.restart();
}

async function applyToWorker(
  fault: Exclude<Fault, { kind: "kill" | "database" }>,
  { process, proxy, clockFile }: Victim,
  stop: AbortSignal,
): Promise<void> {
  const { pid } = process;
  switch (fault.kind) {
    case "suspend":
      process.signal("SIGSTOP", pid);
      await systemClock.sleep(fault.ms, stop);
      return process.signal("SIGCONT", pid);
    case "stop":
      process.signal("SIGTERM", pid);
      if (!fault.hasty) return;
      await systemClock.sleep(HASTE_MS, stop);
      return process.signal("SIGTERM", pid);
    case "cut":
      return proxy.cut();
    case "freeze":
      proxy.freeze();
      await systemClock.sleep(fault.ms, stop);
      return proxy.thaw();
    case "refuse":
      await proxy.accept(false);
      proxy.cut();
      await systemClock.sleep(fault.ms, stop);
      return await proxy.accept(true);
    case "delay":
      proxy.delay(fault.byMs);
      await systemClock.sleep(fault.ms, stop);
      return proxy.delay(0);
    case "clock":
      if (clockFile) await setClock(clockFile, fault.bySeconds);
  }
}

/** Sets a clock that libfaketime keeps, in one step: the worker must not read half a number. */
export async function setClock(file: string, bySeconds: number): Promise<void> {
  await Deno.writeTextFile(`${file}.new`, `${bySeconds < 0 ? "" : "+"}${bySeconds}\n`);
  await Deno.rename(`${file}.new`, file);
}
