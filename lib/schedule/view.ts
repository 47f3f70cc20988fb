/** Routines as people see them: when they are due next, how they fared. Pure; looking changes nothing. */
import { Calendar } from "./calendar.ts";
import { dueTimes } from "./due.ts";
import type { Routine } from "./routine.ts";

/** A run, as the database tells of it. Times are ISO 8601. */
export interface RoutineRun {
  readonly id: string;
  readonly routine_id: string;
  readonly due_at: string;
  readonly by_hand: boolean;
  readonly requested_by: string | null;
  readonly status: string;
  readonly worker_id: string | null;
  readonly recorded_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly error: string | null;
  readonly result: unknown;
  /** Of missed runs: how many, and the first of them. */
  readonly missed_count?: number;
  readonly missed_from?: string;
}

/** A routine, as `actp_list_routines` tells of it. */
export interface RoutineRow extends Omit<Routine, "enabled"> {
  /** What time it is for the database. */
  readonly now: string;
  readonly anchor: string;
  readonly handled_until: string;
  /** The living workers that have it. */
  readonly workers: readonly string[];
  /** One of them has it switched on in its configuration. */
  readonly configured_on: boolean;
  readonly switched: boolean | null;
  readonly switched_by: string | null;
  readonly switched_reason: string | null;
  readonly failures: number;
  readonly rests_until: string | null;
  readonly counts: {
    readonly runs: number;
    readonly failed: number;
    readonly missed: number;
    readonly skipped: number;
  };
  readonly open_runs: readonly RoutineRun[];
  readonly last_run: RoutineRun | null;
}

/** `on`; `off`: switched off or configured so; `nowhere`: no living worker has it. */
export type RoutineStateWord = "on" | "off" | "nowhere";

/** A routine with what follows from its row. */
export interface RoutineView extends RoutineRow {
  readonly state: RoutineStateWord;
  /** ISO 8601; null when it is not on, or never due again. */
  readonly next_run_time: string | null;
}

/** Adds to each row when it fires next. */
export function viewRoutines(rows: readonly RoutineRow[]): RoutineView[] {
  const calendar = new Calendar("UTC");
  return rows.map((row) => {
    const state = row.workers.length === 0 ? "nowhere" : row.switched ?? row.configured_on ? "on" : "off";
    const after = Math.max(Date.parse(row.handled_until), Date.parse(row.now));
    const next = state === "on"
      ? dueTimes(row.schedule, Date.parse(row.anchor), calendar).next(after)
      : undefined;
    return { ...row, state, next_run_time: next === undefined ? null : new Date(next).toISOString() };
  });
}

/** A schedule in a few words, e.g. `0 6 * * * Europe/Berlin`. */
export function scheduleText({ schedule }: Pick<Routine, "schedule">): string {
  if ("cron" in schedule) return schedule.timeZone ? `${schedule.cron} ${schedule.timeZone}` : schedule.cron;
  if ("at" in schedule) return `at ${schedule.at}`;
  return `every ${schedule.everySeconds} s`;
}
