/** Proves from traces and tables that nothing was lost, done twice or settled by a former holder. Pure. */
import type { TaskStatus } from "../../lib/task/state.ts";
import { type ChaosOutput, failureMessage } from "./executor.ts";
import type { TaskPlan } from "./plan.ts";
import type { TraceLine } from "./trace.ts";
import type { Attempt, FinalTask, Transition } from "./witness.ts";

/** Everything that is known when a run is over. */
export interface Evidence {
  /** What was enqueued. */
  readonly planned: readonly TaskPlan[];
  readonly tasks: readonly FinalTask[];
  readonly transitions: readonly Transition[];
  readonly attempts: readonly Attempt[];
  readonly trace: readonly TraceLine[];
}

/** Something that must not be; `task` where it is about one. */
export interface Finding {
  readonly task?: string;
  readonly message: string;
}

/** One task's share of the evidence. */
interface Story {
  readonly task: FinalTask;
  readonly plan: TaskPlan;
  readonly transitions: readonly Transition[];
  readonly attempts: readonly Attempt[];
  readonly trace: readonly TraceLine[];
}

const HELD: readonly string[] = ["claimed", "running"];
const LEGAL: Readonly<Record<TaskStatus, readonly string[]>> = {
  pending: ["claimed", "cancelled"],
  claimed: ["running", "pending", "succeeded", "failed", "cancelled"],
  running: ["pending", "succeeded", "failed", "cancelled"],
  succeeded: [],
  failed: [],
  timed_out: [],
  cancelled: [],
};

/** All that is wrong; nothing when the promises were kept. */
export function judge(evidence: Evidence): Finding[] {
  const byKey = Map.groupBy(evidence.tasks, (task) => task.key);
  const lost = evidence.planned.filter(({ key }) => byKey.get(key)?.length !== 1).map(({ key }) => ({
    message: `task number ${key} is in the table ${byKey.get(key)?.length ?? 0} times`,
  }));
  const planned = new Map(evidence.planned.map((plan) => [plan.key, plan]));
  const transitions = Map.groupBy(evidence.transitions, ({ task }) => task);
  const attempts = Map.groupBy(evidence.attempts, ({ task }) => task);
  const trace = Map.groupBy(evidence.trace, ({ task }) => task);
  const known = new Set(evidence.tasks.map(({ id }) => id));
  const stray = [...trace.keys()].filter((id) => !known.has(id))
    .map((task) => ({ task, message: "was run, and is not in the table" }));
  return [
    ...lost,
    ...stray,
    ...evidence.tasks.flatMap((task) => {
      const plan = planned.get(task.key);
      if (!plan) return [{ task: task.id, message: "is in the table, and was never enqueued" }];
      const story = {
        task,
        plan,
        transitions: transitions.get(task.id) ?? [],
        attempts: attempts.get(task.id) ?? [],
        trace: trace.get(task.id) ?? [],
      };
      return [transitionFaults, settlementFaults, attemptFaults, endFaults, traceFaults]
        .flatMap((check) => check(story)).map((message) => ({ task: task.id, message }));
    }),
  ];
}

/** The transitions are one chain of legal steps, each by somebody who may, from the creation to the final row. */
function transitionFaults({ task, transitions, attempts }: Story): string[] {
  const faults: string[] = [];
  let [last, ...steps] = transitions;
  if (!last || last.from !== undefined || last.to !== "pending") return ["does not begin as pending"];
  for (const step of steps) {
    const what = `${step.from} (token ${step.fromFence}) → ${step.to} (token ${step.toFence}) by ${step.by}`;
    if (step.from !== last.to || step.fromFence !== last.toFence) {
      faults.push(`${what} does not follow on ${last.to} (token ${last.toFence})`);
    }
    if (!LEGAL[step.from!].includes(step.to)) faults.push(`${what} is no legal step`);
    const claim = step.to === "claimed";
    if (step.toFence !== step.fromFence! + (claim ? 1 : 0)) {
      faults.push(`${what} does not keep to the tokens`);
    }
    if (claim && step.toHolder !== step.by) faults.push(`${what} was claimed for ${step.toHolder}`);
    if (HELD.includes(step.from!) && step.by !== step.fromHolder) {
      const rescued = step.to !== "running" &&
        attempts.some(({ fence, outcome }) => fence === step.fromFence && outcome === "lost");
      if (!rescued) faults.push(`${what} took it from its holder ${step.fromHolder} other than by a rescue`);
    }
    last = step;
  }
  if (last.to !== task.status || last.toFence !== task.fence) {
    faults.push(
      `ends as ${last.to} (token ${last.toFence}), but its row says ${task.status} (token ${task.fence})`,
    );
  }
  return faults;
}

/** One terminal status, reached once; one fate for each claim. */
function settlementFaults({ task, transitions, attempts }: Story): string[] {
  const terminal = (status: string) => LEGAL[status as TaskStatus]?.length === 0;
  const ends = transitions.filter(({ to }) => terminal(to));
  const faults = ends.length === 1 ? [] : [`reached a terminal status ${ends.length} times`];
  for (let fence = 1; fence <= task.fence; fence++) {
    const left = transitions.filter((step) =>
      step.fromFence === fence && HELD.includes(step.from ?? "") && !HELD.includes(step.to)
    );
    const fates = attempts.filter((attempt) => attempt.fence === fence).map(({ outcome }) => outcome);
    if (task.status === "succeeded" && fence === task.fence) fates.push("done");
    if (left.length !== 1 || fates.length !== 1) {
      faults.push(
        `token ${fence} was settled ${left.length} times, and has ${fates.length} fates (${fates})`,
      );
    }
  }
  return faults;
}

/** No more attempts than allowed, of which those that were given back are not counted. */
function attemptFaults({ task, attempts }: Story): string[] {
  const released = attempts.filter(({ outcome }) => outcome === "released").length;
  const counted = task.fence - released;
  return counted <= task.maxAttempts && task.attempts <= task.maxAttempts
    ? []
    : [`had ${counted} attempts that count (its row says ${task.attempts}) of ${task.maxAttempts}`];
}

/** The end is one that its plan allows. */
function endFaults({ task, plan, attempts }: Story): string[] {
  const last = attempts.findLast(({ fence }) => fence === task.fence);
  const exhausted = task.attempts >= task.maxAttempts;
  switch (task.status) {
    case "succeeded":
      return task.attempts > plan.failures
        ? []
        : [`succeeded in attempt ${task.attempts}, which was told to fail`];
    case "failed":
      if (last?.outcome === "lost" && exhausted) return [];
      return last?.outcome === "failed" && (exhausted || !plan.retry)
        ? []
        : [`failed after ${task.attempts} of ${task.maxAttempts} attempts, the last one ${last?.outcome}`];
    case "cancelled":
      return plan.cancelAfterMs === undefined ? ["is cancelled, and nobody asked for it"] : [];
    default:
      return [`is ${task.status} at the end`];
  }
}

/** Each result and each failure that the queue accepted is in the trace, told by the holder of that very token. */
function traceFaults({ task, attempts, trace }: Story): string[] {
  const told = (event: TraceLine["event"], fence: number, worker: string, nonce?: string) =>
    trace.some((line) =>
      line.event === event && line.token === `${fence}` && line.worker === worker &&
      (nonce === undefined || line.nonce === nonce)
    );
  const faults: string[] = [];
  if (task.status === "succeeded") {
    const { token, worker, nonce } = (task.output ?? {}) as Partial<ChaosOutput>;
    if (token !== `${task.fence}`) {
      faults.push(`holds the result of token ${token}, its own is ${task.fence}`);
    }
    if (!told("done", task.fence, worker ?? "", nonce)) faults.push("has a result that is not in the trace");
  }
  for (const { fence, worker, outcome, error } of attempts) {
    if (outcome === "timed_out") faults.push(`token ${fence} timed out`);
    if (outcome !== "failed") continue;
    if (error !== failureMessage(`${fence}`)) faults.push(`token ${fence} failed with: ${error}`);
    else if (!told("failed", fence, worker)) faults.push(`the failure of token ${fence} is not in the trace`);
  }
  return faults;
}

/** What a run took. */
export interface Effort {
  readonly statuses: Readonly<Record<string, number>>;
  /** How often tasks were claimed. */
  readonly claims: number;
  /** What became of the claims that did not succeed. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Reports of former holders that were refused and recorded. */
  readonly refused: number;
  /** Tasks that were begun more than once. */
  readonly repeated: number;
  /** Executions that ended successfully and whose result was not the one accepted. */
  readonly inVain: number;
}

/** Counts. */
export function effort({ tasks, attempts, trace }: Evidence): Effort {
  const starts = Map.groupBy(trace.filter(({ event }) => event === "start"), ({ task }) => task);
  const done = trace.filter(({ event }) => event === "done").length;
  const statuses = counts(tasks.map(({ status }) => status));
  return {
    statuses,
    claims: tasks.reduce((sum, { fence }) => sum + fence, 0),
    outcomes: counts(attempts.map(({ outcome }) => outcome)),
    refused: attempts.filter(({ late }) => late).length,
    repeated: [...starts.values()].filter((lines) => lines.length > 1).length,
    inVain: done - (statuses.succeeded ?? 0),
  };
}

function counts(words: readonly string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(words, (word) => word)].map(([word, all]) => [word, all.length]));
}

/** Everything known of one task, for people. */
export function story(evidence: Evidence, id: string): string[] {
  const of = <T extends { readonly task: string }>(all: readonly T[]) =>
    all.filter(({ task }) => task === id);
  const lines = (name: string, all: readonly unknown[]) =>
    all.map((one) => `  ${name} ${JSON.stringify(one)}`);
  return [
    ...lines("row", evidence.tasks.filter((task) => task.id === id)),
    ...lines("transition", of(evidence.transitions)),
    ...lines("attempt", of(evidence.attempts)),
    ...lines("trace", of(evidence.trace)),
  ];
}
