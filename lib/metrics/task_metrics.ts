/** What the queues do, in figures. Types are those that this worker takes: as many as it has executors. */
import type { QueueObserver } from "../queue/observer.ts";
import type { WorkerFigures } from "../status.ts";
import type { Outcome } from "../task/task.ts";
import type { Instruments } from "./instruments.ts";

/** The queues' part of the metrics. */
export interface TaskMetrics {
  readonly observer: QueueObserver;
  /** Takes what is true now. */
  show(figures: WorkerFigures): void;
}

const WAIT_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 15, 60, 300, 1800, 7200];
const RUN_SECONDS = [0.01, 0.1, 0.5, 1, 2.5, 5, 15, 60, 180, 600, 1800, 3600];

const OUTCOMES: Record<Outcome["kind"], string> = {
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  timedOut: "timed_out",
  released: "released",
};

/** Makes them. */
export function taskMetrics({ counter, gauge, histogram }: Instruments): TaskMetrics {
  const claims = counter("actp_claims_total", "Claims sent to a queue, by result.", ["source", "result"]);
  const claimed = counter("actp_tasks_claimed_total", "Tasks claimed.", ["source", "type"]);
  const retries = counter("actp_task_retries_total", "Tasks claimed for another attempt than the first.", [
    "source",
    "type",
  ]);
  const settled = counter("actp_tasks_settled_total", "Outcomes that the queue has taken.", [
    "source",
    "type",
    "outcome",
  ]);
  const refused = counter(
    "actp_tasks_refused_total",
    "Outcomes that the queue refused, since another claim held the task.",
    ["source", "type"],
  );
  const settleErrors = counter(
    "actp_settle_errors_total",
    "Reports of outcomes without an answer; they are repeated.",
    ["source"],
  );
  const wait = histogram(
    "actp_task_queue_wait_seconds",
    "From a task's creation to its first claim; a task for a later time waits for that, too.",
    WAIT_SECONDS,
    ["type"],
  );
  const run = histogram("actp_task_run_seconds", "How long attempts took.", RUN_SECONDS, ["type"]);
  const renewals = counter("actp_lease_renewals_total", "Leases asked for, by the queue's answer.", [
    "source",
    "answer",
  ]);
  const lost = counter(
    "actp_leases_lost_total",
    "Tasks in progress that were stopped: their lease was lost.",
    [
      "source",
    ],
  );
  const running = gauge("actp_tasks_running", "Tasks in progress.");
  const slots = gauge("actp_task_slots", "How many tasks may be in progress at once.");
  const journal = gauge("actp_journal_outcomes", "Outcomes on disk that wait to be reported.");
  const ready = gauge("actp_ready", "1 while the worker takes work.");
  const draining = gauge("actp_draining", "1 while the worker stops.");
  const outage = gauge("actp_outage", "1 while this dependency cannot be reached.", ["dependency"]);
  // A counter that is read off another: prom-client's counters cannot be set.
  const outageSeconds = counter("actp_outage_seconds_total", "How long this dependency was out of reach.", [
    "dependency",
  ]);
  const told = new Map<string, number>();
  return {
    observer: {
      claimed(source, tasks, { answeredAt }) {
        claims.inc({ source, result: "ok" });
        for (const { type, attempt, createdAt } of tasks) {
          claimed.inc({ source, type });
          if (attempt > 1) retries.inc({ source, type });
          else wait.observe({ type }, secondsBetween(Date.parse(createdAt), answeredAt));
        }
      },
      claimFailed: (source) => claims.inc({ source, result: "error" }),
      ended: ({ task: { type }, elapsedMs }) => run.observe({ type }, elapsedMs / 1000),
      settled: (source, settlements, answers) =>
        settlements.forEach(({ task: { type }, outcome }, i) => {
          if (answers[i] === "lost") refused.inc({ source, type });
          else settled.inc({ source, type, outcome: OUTCOMES[outcome.kind] });
        }),
      settleFailed: (source) => settleErrors.inc({ source }),
      renewed: (source, answers) => answers.forEach((answer) => renewals.inc({ source, answer })),
      renewalFailed: (source, leases) => renewals.inc({ source, answer: "error" }, leases),
      leaseLost: (source) => lost.inc({ source }),
    },
    show(figures) {
      running.set(figures.running);
      slots.set(figures.slots);
      journal.set(figures.journal);
      ready.set(Number(figures.ready));
      draining.set(Number(figures.draining));
      for (const { name, state, totalMs } of figures.outages) {
        const dependency = name.replace(/^the /, "");
        outage.set({ dependency }, state ? 1 : 0);
        outageSeconds.inc({ dependency }, Math.max(0, totalMs - (told.get(name) ?? 0)) / 1000);
        told.set(name, totalMs);
      }
    },
  };
}

/** Clocks of two machines may differ: nothing is older than now. */
function secondsBetween(from: number, to: number): number {
  return Number.isFinite(from) ? Math.max(0, to - from) / 1000 : 0;
}
