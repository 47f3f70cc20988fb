/** The routines of a worker: what it brings with it, changed and added to as config.json says. Pure. */
import type { RoutineSettings } from "../config/routines.ts";
import { Calendar } from "./calendar.ts";
import { dueTimes } from "./due.ts";
import { type Routine, ROUTINE_DEFAULTS, type RoutineAction, type Schedule } from "./routine.ts";

/** What routines are made from. */
export interface RoutineSources {
  /** Those of this worker's agents and heartbeat actions. */
  readonly builtIn: readonly Routine[];
  /** Ids of built-in routines that this worker does without (their agent is off); settings for them wait. */
  readonly absent?: readonly string[];
  readonly settings: readonly RoutineSettings[];
  /** Of cron expressions that name none. */
  readonly timeZone: string;
}

/** The routines, and why some settings are left out. */
export interface ResolvedRoutines {
  readonly routines: readonly Routine[];
  readonly problems: readonly string[];
}

/** Puts them together. */
export function resolveRoutines(
  { builtIn, absent = [], settings, timeZone }: RoutineSources,
): ResolvedRoutines {
  const problems: string[] = [];
  // Those of config.json's routines have been checked with the rest of it.
  const calendar = new Calendar(timeZone);
  const sound = builtIn.filter(({ id, schedule }) => {
    const wrong = problemOf(schedule, calendar);
    if (wrong) problems.push(`the routine ${id} cannot fire: ${wrong}`);
    return !wrong;
  });
  const routines = new Map(sound.map((routine) => [routine.id, inZone(routine, timeZone)]));
  for (const given of settings) {
    const known = routines.get(given.id);
    const schedule = scheduleOf(given, known?.schedule);
    const action = actionOf(given) ?? known?.action;
    if (schedule && action) {
      routines.set(given.id, inZone({ ...(known ?? PLAIN), ...own(given), schedule, action }, timeZone));
    } else if (!absent.includes(given.id)) problems.push(lacking(given, schedule, action));
  }
  return { routines: [...routines.values()], problems };
}

const PLAIN = { ...ROUTINE_DEFAULTS, description: "" };

/** The settings that are the same in both forms. */
function own(given: RoutineSettings) {
  const { id, description, missed, missedWindowSeconds, overlap, timeoutSeconds, maxFailures, enabled } =
    given;
  const same = { description, missed, missedWindowSeconds, overlap, timeoutSeconds, maxFailures, enabled };
  const said = Object.entries(same).filter(([, value]) => value !== undefined);
  return { id, ...Object.fromEntries(said) as Partial<Routine> };
}

/** The schedule as it is given, or the known one, maybe in another zone. */
function scheduleOf(given: RoutineSettings, known: Schedule | undefined): Schedule | undefined {
  const { cron, timeZone, everySeconds, anchor, at } = given;
  const zone = timeZone === undefined ? {} : { timeZone };
  if (cron !== undefined) return { cron, ...zone };
  if (everySeconds !== undefined) return { everySeconds, ...anchor === undefined ? {} : { anchor } };
  if (at !== undefined) return { at };
  return known && "cron" in known ? { ...known, ...zone } : known;
}

function actionOf(
  { agent, goal, task, input, heartbeat, options }: RoutineSettings,
): RoutineAction | undefined {
  if (agent !== undefined && goal !== undefined) return { kind: "goal", agent, goal };
  if (task !== undefined) return { kind: "task", task_type: task, input: input ?? {} };
  if (heartbeat !== undefined) return { kind: "heartbeat", action: heartbeat, options: options ?? {} };
}

function inZone(routine: Routine, timeZone: string): Routine {
  const { schedule } = routine;
  return "cron" in schedule ? { ...routine, schedule: { timeZone, ...schedule } } : routine;
}

/** What is wrong with a schedule, if anything. */
function problemOf(schedule: Schedule, calendar: Calendar): string | undefined {
  try {
    dueTimes(schedule, 0, calendar);
  } catch (error) {
    return (error as Error).message;
  }
}

function lacking({ id }: RoutineSettings, schedule: unknown, action: unknown): string {
  const lacks = [
    ...schedule ? [] : ["a schedule (cron, everySeconds or at)"],
    ...action ? [] : ["an action (agent and goal, task, or heartbeat)"],
  ];
  return `the routine ${id} is none of the built-in ones and lacks ${
    lacks.join(" and ")
  }: complete it in routines`;
}
