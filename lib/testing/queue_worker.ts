/** One worker's whole queue machinery under test: real journal and folders, a queue in memory, fake time. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import type { ExecutionContext, Executor } from "../task/task.ts";
import { type CapturedLog, capturedLog } from "./captured_log.ts";
import { type FakeClock, fakeClock } from "./fake_clock.ts";
import { type TestQueue, testQueue, type TestSource } from "./task_source.ts";
import { noGate } from "./no_gate.ts";
import { tempDir } from "./temp.ts";
import { until } from "./until.ts";
import { Capabilities } from "../queue/capabilities.ts";
import { Journal } from "../queue/journal.ts";
import { DEFAULT_LEASE_TIMING } from "../queue/lease_keeper.ts";
import { Outage } from "../queue/outage.ts";
import { Slots } from "../queue/slots.ts";
import { WorkerQueue, type WorkerQueueOptions } from "../queue/worker_queue.ts";

/** A task in the hands of the executor; `finish` ends its work. */
export interface Work {
  readonly id: string;
  readonly context: ExecutionContext;
  finish(output?: unknown): void;
}

/** How an executor answers its signal. */
export type Manners = "stops" | "deaf";

interface SetUpOptions {
  readonly path: string;
  readonly source: TestSource;
  readonly manners?: Manners;
  readonly options?: Partial<WorkerQueueOptions>;
}

/** One worker at work on a journal in `path`. */
async function startWorker(clock: FakeClock, { path, source, manners = "stops", options }: SetUpOptions) {
  const work: Work[] = [];
  const executor: Executor = {
    type: "echo",
    description: "",
    input: z.any(),
    check: () => Promise.resolve({ available: true }),
    run: (_, context) =>
      new Promise((resolve, reject) => {
        work.push({ id: context.task.id, context, finish: (output = "ok") => resolve(output) });
        if (manners === "stops") {
          context.signal.addEventListener("abort", () => reject(context.signal.reason));
        }
      }),
  };
  const capabilities = new Capabilities([executor], clock);
  await capabilities.detect();
  const journal = new Journal(join(path, "j"));
  const outage = new Outage("the queue", clock);
  const queue = new WorkerQueue({
    source,
    capabilities,
    journal,
    clock,
    outage,
    leaseTiming: DEFAULT_LEASE_TIMING,
    slots: new Slots(2),
    pollMs: 2000,
    drainMs: 30_000,
    tempRoot: join(path, "tmp"),
    maxInputBytes: 1000,
    maxOutputBytes: 1000,
    gate: noGate(clock),
    ...options,
  });
  const stop = new AbortController();
  let ended = false;
  let failure: Error | undefined;
  const run = queue.run(stop.signal).catch((error: Error) => failure = error).finally(() => ended = true);
  let closed = false;
  /** Lets time pass until the run has ended. */
  const untilEnded = async () => {
    const deadline = performance.now() + 10_000;
    while (!ended && performance.now() < deadline) await clock.advance(500);
    assert.ok(ended, "the run does not end");
    await clock.advance(0);
  };
  return {
    untilEnded,
    queue,
    journal,
    outage,
    work,
    stop: () => stop.abort(),
    run,
    ended: () => ended,
    failure: () => failure,
    /** The work on a task, once the executor has it. */
    async working(id: string): Promise<Work> {
      await until(`the executor has ${id}`, () => work.some((each) => each.id === id));
      return work.findLast((each) => each.id === id)!;
    },
    /** After the run: nothing may be left. */
    async close() {
      if (closed) return;
      closed = true;
      stop.abort();
      queue.releaseNow();
      await untilEnded();
      journal.close();
    },
  };
}

export interface Parts {
  readonly clock: FakeClock;
  readonly dir: { readonly path: string };
  readonly queue: TestQueue;
  readonly source: TestSource;
  readonly worker: Awaited<ReturnType<typeof startWorker>>;
  readonly log: CapturedLog;
}

/** A test with one worker; checks that it ends and leaves nothing. */
export function workerTest(
  name: string,
  test: (parts: Parts) => Promise<void>,
  { manners, options, leaseMs, before }: {
    manners?: Manners;
    options?: Partial<WorkerQueueOptions>;
    leaseMs?: number;
    before?: (queue: TestQueue, source: TestSource, path: string) => Promise<unknown> | void;
  } = {},
) {
  Deno.test(name, async () => {
    await using log = capturedLog();
    await using dir = await tempDir();
    const clock = fakeClock();
    const queue = testQueue(clock, { leaseMs });
    const source = queue.source();
    await before?.(queue, source, dir.path);
    const worker = await startWorker(clock, { path: dir.path, source, manners, options });
    await clock.advance(0);
    try {
      await test({ clock, dir, queue, source, worker, log });
    } finally {
      await worker.close();
    }
    assert.equal(clock.pending(), 0, "timers are left");
    assert.equal(source.listeners, 0, "a subscription is left");
    const left = [...Deno.readDirSync(dir.path)].some(({ name }) => name === "tmp")
      ? [...Deno.readDirSync(join(dir.path, "tmp"))]
      : [];
    assert.deepEqual(left, [], "temp folders are left");
  });
}

/** Lets real I/O and promises go on until the queue has the task in this state. */
export const untilTask = (queue: TestQueue, id: string, status: string) =>
  until(`${id} is ${status}`, () => queue.task(id).status === status);

/** Makes every call of a source fail so, or work again. */
export function fault(source: TestSource, kind: TestSource["faults"]["claim"]): void {
  for (const call of ["claim", "heartbeat", "settle", "abandonHeld", "ping"] as const) {
    source.faults[call] = kind;
  }
}
