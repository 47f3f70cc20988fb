/** Routines as config.json has them: of one's own, and changes to those that the worker brings with it. */
import { z } from "zod";
import { cronPattern } from "../cron_pattern.ts";
import { isTimeZone } from "../hours.ts";

const MAX_ROUTINES = 10_000;
const MONTH_SECONDS = 31 * 86_400;

const cron = z.string("must be a cron expression").max(200, "is too long").superRefine((text, context) => {
  try {
    cronPattern(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: `must be a cron expression: ${(error as Error).message}` });
  }
});

const instant = z.iso.datetime({ offset: true, error: "must be a time like 2026-05-01T09:00:00+02:00" });

/** An IANA name. */
export const zoneName = z.string("must be a time zone").refine(
  isTimeZone,
  "must be a time zone like Europe/Berlin",
);

/** Of each group at most one: when it is due, and what it does. */
const KINDS = [["cron", "everySeconds", "at"], ["agent", "task", "heartbeat"]] as const;
/** Fields that only make sense beside another. */
const BESIDE = { anchor: "everySeconds", goal: "agent", input: "task", options: "heartbeat" } as const;

const routine = z.strictObject({
  id: z.string().regex(
    /^[a-z0-9][a-z0-9._-]{0,99}$/,
    "must be lower-case letters, digits, dots, dashes and underscores",
  ),
  description: z.string().max(500).optional(),
  /** Five fields, or six with seconds first; also `@daily`. */
  cron: cron.optional(),
  /** Of the cron expression; the schedule's own zone unless told. */
  timeZone: zoneName.optional(),
  everySeconds: z.int().min(1).max(366 * 86_400).optional(),
  anchor: instant.optional(),
  at: instant.optional(),
  agent: z.string().min(1).max(100).optional(),
  goal: z.string().min(1).max(20_000).optional(),
  /** A task type. */
  task: z.string().min(1).max(200).optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  /** A heartbeat action. */
  heartbeat: z.string().min(1).max(100).optional(),
  options: z.record(z.string(), z.unknown()).optional(),
  missed: z.enum(["skip", "once"], "must be skip or once").optional(),
  missedWindowSeconds: z.int().min(0).max(MONTH_SECONDS).optional(),
  overlap: z.enum(["skip", "queue", "cancel"], "must be skip, queue or cancel").optional(),
  timeoutSeconds: z.int().min(1).max(7 * 86_400).optional(),
  maxFailures: z.int().min(1).max(1000).optional(),
  enabled: z.boolean().optional(),
}).superRefine((given, context) => {
  const problem = (field: string, message: string) =>
    context.addIssue({ code: "custom", path: [field], message });
  for (const kinds of KINDS) {
    const [, second] = kinds.filter((kind) => given[kind] !== undefined);
    if (second) problem(second, `cannot stand beside another of ${kinds.join(", ")}`);
  }
  for (const [field, other] of Object.entries(BESIDE) as [keyof typeof BESIDE, keyof typeof given][]) {
    if (given[field] !== undefined && given[other] === undefined) problem(field, `needs ${other} beside it`);
  }
  if (given.agent !== undefined && given.goal === undefined) problem("goal", "is missing beside agent");
  if (given.timeZone && (given.everySeconds ?? given.at) !== undefined) {
    problem("timeZone", "is only for cron expressions");
  }
});

/** The list; each id once. */
export const routinesSchema = z.array(routine, "must be a list of routines").max(MAX_ROUTINES, "is too long")
  .superRefine((routines, context) => {
    const seen = new Set<string>();
    for (const [index, { id }] of routines.entries()) {
      if (seen.has(id)) {
        context.addIssue({ code: "custom", path: [index, "id"], message: `${id} is there twice` });
      }
      seen.add(id);
    }
  });

/** One of them, as a person wrote it. */
export type RoutineSettings = z.output<typeof routine>;
