/** One written log line read back: what it says, and whether a person asked for it. Pure. */
import { compareLogLevel, type LogLevel, type LogRecord } from "@logtape/logtape";
import { formatText } from "./format.ts";

/** A line that was written as JSON. */
export interface LogLine {
  /** ms since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  readonly category: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What is asked for; everything unless told. */
export interface LineFilter {
  readonly task?: string;
  readonly agent?: string;
  /** This level and what is worse. */
  readonly level?: LogLevel;
  /** ms since the epoch. */
  readonly since?: number;
}

const LEVELS: readonly string[] = ["trace", "debug", "info", "warning", "error", "fatal"];
/** What the parts of the program call an agent's name. */
const AGENT_FIELDS = ["agent", "agentId", "agent_id"];

/** Reads a line; undefined for one that is no JSON record, e.g. what the runtime itself has printed. */
export function parseLogLine(text: string): LogLine | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { time, level, category, message, ...fields } = JSON.parse(text);
    const at = Date.parse(time);
    const sound = !Number.isNaN(at) && LEVELS.includes(level) && typeof category === "string" &&
      typeof message === "string";
    return sound ? { time: at, level, category, message, fields } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the line is asked for. One that cannot be read belongs to no task, agent, level or time. */
export function matches(line: LogLine | undefined, filter: LineFilter): boolean {
  if (!line) return Object.values(filter).every((value) => value === undefined);
  const { task, agent, level, since } = filter;
  if (since !== undefined && line.time < since) return false;
  if (level !== undefined && compareLogLevel(line.level, level) < 0) return false;
  if (task !== undefined && line.fields.taskId !== task) return false;
  return agent === undefined || isAbout(line, agent);
}

function isAbout({ category, fields }: LogLine, agent: string): boolean {
  return AGENT_FIELDS.some((name) => fields[name] === agent) ||
    category === `actp.agent.${agent}` || category.startsWith(`actp.agent.${agent}.`);
}

/** The line for a person's eyes, without its line feed. */
export function lineText({ time, level, category, message, fields }: LogLine, color: boolean): string {
  const record: LogRecord = {
    category: category.split("."),
    level,
    timestamp: time,
    message: [message],
    rawMessage: message,
    properties: { ...fields },
  };
  return formatText(record, color).trimEnd();
}
