/** Routines and notifications, in figures. */
import type { DeliveryObserver } from "../notify/outbox.ts";
import type { RoutineObserver } from "../schedule/run_keeper.ts";
import type { SchedulerStatus } from "../schedule/scheduler.ts";
import type { Instruments } from "./instruments.ts";
import { labelBound } from "./label_bound.ts";

/** The scheduler's part of the metrics. */
export interface RoutineMetrics {
  readonly observer: RoutineObserver;
  /** Takes what is true now. */
  show(status: SchedulerStatus): void;
}

/** Of so many routines each has its own series; the rest share one. */
const MAX_ROUTINES = 200;
const LATE_SECONDS = [0.1, 0.5, 1, 5, 30, 60, 300, 3600, 86_400];
const RUN_SECONDS = [0.01, 0.1, 1, 5, 30, 120, 600, 3600];

/** Makes them. */
export function routineMetrics({ counter, gauge, histogram }: Instruments): RoutineMetrics {
  const fired = counter("actp_routines_fired_total", "Runs of routines that began.", ["routine"]);
  const missed = counter("actp_routines_missed_total", "Due times that passed without a run.", ["routine"]);
  const late = histogram("actp_routine_late_seconds", "How long after their time runs began.", LATE_SECONDS);
  const runs = counter("actp_routine_runs_total", "Runs of routines that ended, by how.", [
    "routine",
    "status",
  ]);
  const seconds = histogram("actp_routine_run_seconds", "How long runs of routines took.", RUN_SECONDS, [
    "kind",
  ]);
  const alive = gauge("actp_scheduler_alive", "1 while the scheduler goes round.");
  const on = gauge("actp_routines_on", "Routines that are switched on.");
  const running = gauge("actp_routines_running", "Runs in progress.");
  const bound = labelBound(MAX_ROUTINES);
  return {
    observer: {
      fired(routine, lateMs) {
        fired.inc({ routine: bound(routine.id) });
        late.observe(lateMs / 1000);
      },
      ended(routine, status, ms) {
        runs.inc({ routine: bound(routine.id), status });
        seconds.observe({ kind: routine.action.kind }, ms / 1000);
      },
      missed: (id, count) => missed.inc({ routine: bound(id) }, count),
    },
    show(status) {
      alive.set(Number(status.alive));
      on.set(status.on);
      running.set(status.running);
    },
  };
}

/** What became of notifications, by channel. */
export function notificationMetrics({ counter }: Instruments): DeliveryObserver {
  const sends = counter(
    "actp_notifications_total",
    "Attempts to send notifications: sent, failed for good, or to be tried again.",
    ["channel", "result"],
  );
  return (channel, result, count) => sends.inc({ channel, result }, count);
}
