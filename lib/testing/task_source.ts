/** A queue in memory that keeps its word: leases, fencing tokens, cancels, idempotent settling; and faults on demand. */
import type { Clock } from "../clock.ts";
import {
  type HeartbeatAnswer,
  type Outcome,
  type Progress,
  type SettleAnswer,
  type Settlement,
  SourceError,
  type Task,
  type TaskSource,
  type Wake,
} from "../task/task.ts";

/** What goes wrong with a call, each time until it is taken away. */
export type Fault =
  /** Fails with a transient error, undone. */
  | "refuse"
  /** Fails for good, undone: no right, no such function. */
  | "forbid"
  /** No answer until the caller's signal aborts, undone. */
  | "hang"
  /** No answer whatever the signal says, undone. */
  | "deaf"
  /** Is done, but the answer is lost. */
  | "lose answer"
  /** Is done at once, answers so many ms later. */
  | { readonly lateMs: number };

/** The calls of a source that can be made to fail. */
export type SourceCall = "claim" | "heartbeat" | "settle" | "abandonHeld" | "ping" | "listen";

/** A call that arrived, whether or not it failed. `at` is monotonic, in ms. */
export interface CallRecord {
  readonly call: SourceCall;
  readonly at: number;
  readonly room?: number;
  readonly progress?: readonly (Progress | undefined)[];
  readonly settlements?: readonly Settlement[];
}

/** One task as the queue sees it. */
export interface StoredTask {
  readonly id: string;
  status: "pending" | "held" | "done" | "failed" | "timedOut" | "cancelled";
  attempts: number;
  fence: number;
  holder?: string;
  /** On the monotonic clock. */
  leaseEndsAt: number;
  runAt: number;
  cancelRequested: boolean;
  progress?: Progress;
  /** What was taken, in order; a replay is taken once. */
  readonly taken: Settlement[];
  /** What came too late. */
  readonly refused: Settlement[];
}

/** One worker's view of the queue. */
export interface TestSource extends Required<Omit<TaskSource, "held" | "pollMs">> {
  readonly faults: Partial<Record<SourceCall, Fault>>;
  readonly calls: CallRecord[];
  /** Makes a batch that holds such a settlement be refused for good. */
  poison?: (settlement: Settlement) => boolean;
  /** How many subscriptions stand. */
  readonly listeners: number;
}

/** The queue behind all views. */
export interface TestQueue {
  /** The view of one worker, named after it. */
  source(worker?: string): TestSource;
  /** Adds a task and hints at it; returns its id. */
  enqueue(task?: Partial<Pick<Task, "id" | "type" | "input" | "maxAttempts" | "timeoutMs">>): string;
  task(id: string): StoredTask;
  /** Asks the holder to stop, with a hint unless told not to. */
  cancel(id: string, options?: { hint?: boolean }): void;
}

const RETRY_DELAY_MS = 5000;

/** An empty queue whose leases last `leaseMs` (60 s unless told). */
export function testQueue(clock: Clock, { leaseMs = 60_000 } = {}): TestQueue {
  const tasks = new Map<string, StoredTask & { readonly given: Partial<Task> }>();
  const wakes = new Set<(wake: Wake) => void>();
  const hint = (wake: Wake) => {
    for (const listener of wakes) listener(wake);
  };
  const taskOf = (id: string) => {
    const task = tasks.get(id);
    if (!task) throw new Error(`there is no task ${id}`);
    return task;
  };
  const giveUp = (task: StoredTask, maxAttempts: number, runAt: number) => {
    task.status = task.attempts >= maxAttempts ? "failed" : "pending";
    task.runAt = runAt;
    task.holder = undefined;
  };
  const rescue = (isLost: (task: StoredTask) => boolean) => {
    const lost = [...tasks.values()].filter((task) => task.status === "held" && isLost(task));
    for (const task of lost) giveUp(task, task.given.maxAttempts ?? 3, clock.monotonic());
    return lost.length;
  };
  const holds = (task: StoredTask, token: string) => task.status === "held" && String(task.fence) === token;

  function claim(worker: string, types: readonly string[], room: number): Task[] {
    rescue((task) => task.leaseEndsAt <= clock.monotonic());
    const due = [...tasks.values()].filter((task) =>
      task.status === "pending" && task.runAt <= clock.monotonic() && types.includes(task.given.type!)
    );
    return due.slice(0, room).map((stored) => {
      stored.status = "held";
      stored.holder = worker;
      stored.attempts++;
      stored.fence++;
      stored.leaseEndsAt = clock.monotonic() + leaseMs;
      return {
        id: stored.id,
        type: stored.given.type!,
        input: stored.given.input,
        attempt: stored.attempts,
        maxAttempts: stored.given.maxAttempts ?? 3,
        priority: 0,
        token: String(stored.fence),
        timeoutMs: stored.given.timeoutMs ?? 1_800_000,
        leaseMs,
        createdAt: new Date(clock.now()).toISOString(),
      };
    });
  }

  function settle(settlement: Settlement): SettleAnswer {
    const task = taskOf(settlement.task.id);
    if (!holds(task, settlement.task.token)) {
      if (task.taken.some((taken) => taken.task.token === settlement.task.token)) return "settled";
      task.refused.push(settlement);
      return "lost";
    }
    task.taken.push(settlement);
    apply(task, settlement.outcome, task.given.maxAttempts ?? 3);
    return "settled";
  }

  function apply(task: StoredTask, outcome: Outcome, maxAttempts: number): void {
    if (outcome.kind === "done") task.status = "done";
    else if (outcome.kind === "cancelled" || task.cancelRequested) task.status = "cancelled";
    else if (outcome.kind === "released") {
      task.attempts--;
      giveUp(task, Infinity, clock.monotonic());
    } else if (outcome.kind === "failed" && !outcome.retry) task.status = "failed";
    else {
      giveUp(task, maxAttempts, clock.monotonic() + RETRY_DELAY_MS);
      if (outcome.kind === "timedOut" && task.status === "failed") task.status = "timedOut";
    }
  }

  function source(worker = "worker-1"): TestSource {
    const faults: TestSource["faults"] = {};
    const calls: CallRecord[] = [];
    let listeners = 0;

    async function answer<T>(
      call: SourceCall,
      detail: Partial<CallRecord>,
      signal: AbortSignal | undefined,
      work: () => T,
    ): Promise<T> {
      calls.push({ call, at: clock.monotonic(), ...detail });
      const fault = faults[call];
      if (fault === "refuse") {
        throw new SourceError(`Cannot ${call}: connection refused`, { transient: true });
      }
      if (fault === "forbid") {
        throw new SourceError(`Cannot ${call}: permission denied`, { transient: false });
      }
      if (fault === "deaf") return await new Promise<never>(() => {});
      if (fault === "hang") {
        return await new Promise<never>((_, reject) =>
          signal?.addEventListener(
            "abort",
            () => reject(new SourceError(`Cannot ${call}: aborted`, { transient: true })),
          )
        );
      }
      const result = work();
      if (fault === "lose answer") {
        throw new SourceError(`Cannot ${call}: connection reset`, { transient: true });
      }
      if (fault) await clock.sleep(fault.lateMs, signal);
      if (signal?.aborted) throw new SourceError(`Cannot ${call}: aborted`, { transient: true });
      return result;
    }

    const view: TestSource = {
      name: "test",
      faults,
      calls,
      get listeners() {
        return listeners;
      },
      claim: (types, room, signal) => answer("claim", { room }, signal, () => claim(worker, types, room)),
      heartbeat: (beats, signal) =>
        answer(
          "heartbeat",
          { progress: beats.map((beat) => beat.progress) },
          signal,
          () =>
            beats.map(({ task: { id, token }, progress }): HeartbeatAnswer => {
              const task = taskOf(id);
              if (!holds(task, token)) return "lost";
              task.leaseEndsAt = clock.monotonic() + leaseMs;
              task.progress = progress ?? task.progress;
              return task.cancelRequested ? "cancel" : "ok";
            }),
        ),
      settle: (settlements, signal) =>
        answer("settle", { settlements }, signal, () => {
          const bad = settlements.find((settlement) => view.poison?.(settlement));
          if (bad) throw new SourceError(`Cannot report ${bad.task.id}: it is poison`, { transient: false });
          return settlements.map(settle);
        }),
      abandonHeld: (signal) =>
        answer("abandonHeld", {}, signal, () => rescue((task) => task.holder === worker)),
      ping: (signal) => answer("ping", {}, signal, () => {}),
      listen: (wake) =>
        answer("listen", {}, undefined, () => {
          wakes.add(wake);
          listeners++;
          return () => {
            wakes.delete(wake);
            listeners--;
            return Promise.resolve();
          };
        }),
    };
    return view;
  }

  return {
    source,
    enqueue(given = {}) {
      const id = given.id ?? `task-${tasks.size + 1}`;
      tasks.set(id, {
        id,
        given: { type: "echo", ...given },
        status: "pending",
        attempts: 0,
        fence: 0,
        leaseEndsAt: 0,
        runAt: clock.monotonic(),
        cancelRequested: false,
        taken: [],
        refused: [],
      });
      hint({ kind: "pending" });
      return id;
    },
    task: taskOf,
    cancel(id, { hint: told = true } = {}) {
      const task = taskOf(id);
      if (task.status === "pending") task.status = "cancelled";
      else if (task.status === "held") {
        task.cancelRequested = true;
        if (told) hint({ kind: "cancel", taskId: id });
      }
    },
  };
}
