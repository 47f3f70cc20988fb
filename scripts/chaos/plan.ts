/** What a chaos run does, drawn from its seed: the tasks, the faults, and when. Pure. */
import { seededRandom } from "../../lib/testing/random.ts";

/** One task: how long it works, how often it fails, and whether it is cancelled. Times in ms. */
export interface TaskPlan {
  readonly key: number;
  readonly workMs: number;
  /** So many attempts fail before one succeeds. */
  readonly failures: number;
  /** Whether a failure asks for another attempt. */
  readonly retry: boolean;
  readonly maxAttempts: number;
  readonly priority: number;
  /** Cancelled so long after it was enqueued. */
  readonly cancelAfterMs?: number;
}

/** One thing that goes wrong; workers by their number, times in ms. */
export type Fault =
  /**
   * SIGKILL to all of them at once; `busy` waits a moment until each has begun a task since its start. They start
   * again after `awayMs`.
   */
  | {
    readonly kind: "kill";
    readonly workers: readonly number[];
    readonly busy: boolean;
    readonly awayMs: number;
  }
  | { readonly kind: "suspend"; readonly worker: number; readonly ms: number }
  /** SIGTERM; once more shortly after it for `hasty`, which gives tasks in progress back. */
  | { readonly kind: "stop"; readonly worker: number; readonly hasty: boolean }
  | { readonly kind: "cut"; readonly worker: number }
  | { readonly kind: "freeze"; readonly worker: number; readonly ms: number }
  | { readonly kind: "refuse"; readonly worker: number; readonly ms: number }
  | { readonly kind: "delay"; readonly worker: number; readonly ms: number; readonly byMs: number }
  /** The wall clock is set forward, or back below zero. */
  | { readonly kind: "clock"; readonly worker: number; readonly bySeconds: number }
  | { readonly kind: "database"; readonly mode: "fast" | "immediate"; readonly downMs: number };

/** Tasks are enqueued; a moment later something goes wrong; then there is a pause. */
export interface Step {
  readonly tasks: readonly TaskPlan[];
  readonly delayMs: number;
  readonly fault: Fault;
  readonly pauseMs: number;
}

/** The size of a run. */
export interface ChaosOptions {
  readonly seed: number;
  readonly tasks: number;
  readonly workers: number;
  readonly kills: number;
  /** The workers whose clock can be set. */
  readonly clocks: readonly number[];
  readonly leaseMs: number;
}

type Random = () => number;

/** Same options, same plan. */
export function planChaos(options: ChaosOptions): Step[] {
  const random = seededRandom(options.seed);
  const faults = shuffled(random, drawFaults(random, options));
  // Uneven, so that there are bursts as well as idle moments.
  const weights = faults.map(() => 0.1 + random() ** 4);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let key = 0;
  let due = 0;
  return faults.map((fault, i) => {
    due += options.tasks * weights[i] / total;
    const upTo = i === faults.length - 1 ? options.tasks : Math.round(due);
    const tasks: TaskPlan[] = [];
    while (key < upTo) tasks.push(drawTask(random, key++, options.leaseMs));
    return { tasks, delayMs: between(random, 0, 120), fault, pauseMs: between(random, 0, 700) };
  });
}

function drawFaults(random: Random, { workers, kills, clocks, leaseMs }: ChaosOptions): Fault[] {
  const worker = () => Math.floor(random() * workers);
  const faults: Fault[] = [];
  for (let left = kills; left > 0;) {
    const count = Math.min(left, random() < 0.1 ? 2 + Math.floor(random() * (workers - 1)) : 1);
    const chosen = shuffled(random, Array.from({ length: workers }, (_, i) => i)).slice(0, count);
    const awayMs = random() < 0.1 ? between(random, 0, 2 * leaseMs) : 0;
    faults.push({ kind: "kill", workers: chosen, busy: random() < 0.85, awayMs });
    left -= chosen.length;
  }
  const add = (share: number, make: () => Fault) => {
    for (let n = Math.max(1, Math.round(kills * share)); n > 0; n--) faults.push(make());
  };
  // Long enough for others to take over, and short enough to come back while they are at it.
  add(0.2, () => ({ kind: "suspend", worker: worker(), ms: between(random, leaseMs / 2, 2.5 * leaseMs) }));
  add(0.08, () => ({ kind: "stop", worker: worker(), hasty: random() < 0.5 }));
  add(0.08, () => ({ kind: "cut", worker: worker() }));
  add(0.12, () => ({ kind: "freeze", worker: worker(), ms: between(random, 300, 2.5 * leaseMs) }));
  add(0.04, () => ({ kind: "refuse", worker: worker(), ms: between(random, 300, leaseMs) }));
  add(0.06, () => ({
    kind: "delay",
    worker: worker(),
    ms: between(random, 500, 3000),
    byMs: between(random, 5, 300),
  }));
  for (const mode of ["fast", "immediate"] as const) {
    add(0.03, () => ({ kind: "database", mode, downMs: random() < 0.3 ? between(random, 0, leaseMs) : 0 }));
  }
  if (clocks.length > 0) {
    add(0.08, () => ({
      kind: "clock",
      worker: clocks[Math.floor(random() * clocks.length)]!,
      bySeconds: between(random, -7200, 7200),
    }));
  }
  return faults;
}

function drawTask(random: Random, key: number, leaseMs: number): TaskPlan {
  const fails = random() < 0.08;
  const cancelled = random() < 0.04;
  return {
    key,
    // Those to be cancelled are mostly long, so that the cancellation meets them at work.
    workMs: random() < (cancelled ? 0.8 : 0.2) ? between(random, 300, 1.5 * leaseMs) : between(random, 0, 50),
    failures: fails ? (random() < 0.2 ? 100 : 1 + Math.floor(random() * 3)) : 0,
    retry: random() < 0.9,
    maxAttempts: fails || random() < 0.2 ? 1 + Math.floor(random() * 5) : 20,
    priority: Math.floor(random() * 3),
    ...cancelled && { cancelAfterMs: between(random, 0, leaseMs) },
  };
}

function between(random: Random, low: number, high: number): number {
  return Math.round(low + random() * (high - low));
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}
