/** Routines and their runs as the API tells of them. */
import { z } from "zod";

/** The states of a routine's run. */
export const RUN_STATUSES = [
  "waiting",
  "running",
  "succeeded",
  "failed",
  "timed_out",
  "cancelled",
  "lost",
  "skipped",
  "missed",
] as const;

const moment = z.string().nullable();
const RUN = {
  id: "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001",
  routine_id: "daily-report",
  due_at: "2026-11-20T06:00:00+00:00",
  by_hand: false,
  requested_by: null,
  status: "succeeded",
  worker_id: "worker-macbook-01",
  recorded_at: "2026-11-20T06:00:00+00:00",
  started_at: "2026-11-20T06:00:00+00:00",
  ended_at: "2026-11-20T06:00:04+00:00",
  error: null,
  result: null,
};

/** One run. */
export const routineRun = z.object({
  id: z.string(),
  routine_id: z.string(),
  due_at: z.string(),
  by_hand: z.boolean(),
  requested_by: z.string().nullable(),
  status: z.enum(RUN_STATUSES),
  worker_id: z.string().nullable(),
  recorded_at: z.string(),
  started_at: moment,
  ended_at: moment,
  error: z.string().nullable(),
  result: z.unknown(),
  missed_count: z.int().optional().meta({ description: "Of missed runs: how many." }),
  missed_from: z.string().optional().meta({ description: "The first of them." }),
}).meta({ id: "RoutineRun", example: RUN });

/** One routine. */
export const routine = z.object({
  id: z.string(),
  description: z.string().optional(),
  schedule: z.unknown().meta({ description: "{cron, timeZone?}, {everySeconds} or {at}" }),
  action: z.unknown().optional(),
  state: z.enum(["on", "off", "nowhere"]),
  next_run_time: moment.meta({ description: "null when it is not on, or never due again" }),
  now: z.string(),
  anchor: z.string(),
  handled_until: z.string(),
  workers: z.array(z.string()).meta({ description: "The living workers that have it." }),
  configured_on: z.boolean(),
  switched: z.boolean().nullable(),
  switched_by: z.string().nullable(),
  switched_reason: z.string().nullable(),
  failures: z.int().meta({ description: "In a row, until now." }),
  rests_until: moment,
  counts: z.object({ runs: z.int(), failed: z.int(), missed: z.int(), skipped: z.int() }),
  open_runs: z.array(routineRun),
  last_run: routineRun.nullable(),
}).meta({
  id: "Routine",
  example: {
    id: "daily-report",
    schedule: { cron: "0 6 * * *", timeZone: "Europe/Berlin" },
    state: "on",
    next_run_time: "2026-11-21T05:00:00.000Z",
    now: "2026-11-20T18:00:00+00:00",
    anchor: "2026-11-01T00:00:00+00:00",
    handled_until: "2026-11-20T06:00:00+00:00",
    workers: ["worker-macbook-01"],
    configured_on: true,
    switched: null,
    switched_by: null,
    switched_reason: null,
    failures: 0,
    rests_until: null,
    counts: { runs: 20, failed: 0, missed: 0, skipped: 0 },
    open_runs: [],
    last_run: RUN,
  },
});
