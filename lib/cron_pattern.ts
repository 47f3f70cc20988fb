/** Cron expressions, read by croner; they know of no time zone here, only of dates and times of day. */
import { Cron } from "croner";

/** A cron expression that can come true. */
export interface CronPattern {
  /** Whether it is due in every hour of its days: then it counts time as it passes, not what clocks on walls show. */
  readonly everyHour: boolean;
  /** The first local time after `wall` (see schedule/local_time.ts) that it means, in whole seconds. */
  nextWall(wall: number): number | undefined;
}

const MACROS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const EVERY_HOUR = ["*", "*/1", "0-23"];
/** A leap day, whatever the day of its week: nothing that comes true at all takes longer. */
const FIRST_LOOK = Date.UTC(2026, 0, 1);

/**
 * Reads an expression of 5 fields (minute, hour, day, month, weekday) or 6 (seconds first), or a macro.
 * Where both a day and a weekday are given, either will do, as with every cron.
 * @throws an Error that says what is wrong with it
 */
export function cronPattern(expression: string): CronPattern {
  const text = expression.trim().toLowerCase();
  const fields = (text.startsWith("@") ? macro(text) : text).split(/\s+/);
  if (fields.length < 5 || fields.length > 6) {
    throw new Error(`"${expression}" has ${fields.length} fields; it needs 5, or 6 with seconds first`);
  }
  if (fields.some((field) => field.includes("?"))) {
    throw new Error(`"${expression}" must not contain "?"; write "*"`);
  }
  const cron = read(expression, fields.join(" "));
  const nextWall = (wall: number) => cron.nextRun(new Date(wall))?.getTime();
  if (nextWall(FIRST_LOOK) === undefined) throw new Error(`"${expression}" never comes true`);
  return { everyHour: EVERY_HOUR.includes(fields.at(-4)!), nextWall };
}

function macro(name: string): string {
  const expression = Object.hasOwn(MACROS, name) ? MACROS[name] : undefined;
  if (expression) return expression;
  throw new Error(`"${name}" is none of ${Object.keys(MACROS).join(", ")}`);
}

function read(expression: string, text: string): Cron {
  try {
    return new Cron(text, { utcOffset: 0 });
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`"${expression}" is no cron expression: ${message.replace(/^CronPattern: /, "")}`, {
      cause: error,
    });
  }
}
