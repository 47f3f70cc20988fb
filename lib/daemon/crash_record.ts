/** What is known of the last run that ended without a goodbye: written when the next one finds out. */
import { join } from "node:path";
import { writePrivateFile } from "./private_file.ts";

/** The record, in `last_crash.json` of the home folder. Times are ISO 8601. */
export interface CrashRecord {
  /** When it was found out: by the next start. */
  readonly foundAt: string;
  /** `rebooted`: the machine has started anew since; `died`: the process alone ended. */
  readonly cause: "died" | "rebooted";
  readonly pid: number;
  readonly startedAt: string;
  readonly version: string;
  /** Of the last log line, its keeper's included, so about when it died; absent where there is no log to be read. */
  readonly lastSeenAt?: string;
  /** The tasks whose temp folders it left. */
  readonly running: readonly RunningAtCrash[];
  /** How many processes it had left running; they were ended. */
  readonly orphansEnded: number;
  /** The end of its log, oldest line first, and what the runtime itself said at the end. */
  readonly lastLogLines: readonly string[];
  /** How often runs of this home have ended so, this one included. */
  readonly count: number;
}

/** One task that was in progress; `type` where the log tells it. */
export interface RunningAtCrash {
  readonly taskId: string;
  readonly type?: string;
}

/** What is shown where no secret is asked for. */
export type CrashSummary = Pick<CrashRecord, "foundAt" | "cause" | "pid" | "lastSeenAt" | "count">;

const FILE = "last_crash.json";
const MAX_LINES = 30;
const MAX_LINE_LENGTH = 2000;

/** Everything that the record is made of. */
export interface CrashTraces {
  readonly leftover: {
    readonly pid: number;
    readonly startedAt: string;
    readonly version: string;
    readonly bootId?: string;
  };
  readonly bootId: string | undefined;
  /** Wall-clock ms. */
  readonly now: number;
  /** Names of the temp folders of attempts: the task's id and six letters. */
  readonly tempFolders: readonly string[];
  readonly logLines: readonly string[];
  readonly orphansEnded: number;
  readonly earlier: CrashRecord | undefined;
}

/** Puts the traces together. Pure. */
export function crashRecord(traces: CrashTraces): CrashRecord {
  const { leftover, bootId, now, tempFolders, logLines, orphansEnded, earlier } = traces;
  const parsed = logLines.map(parseLine);
  const types = new Map(
    parsed.flatMap((line) => line?.taskId && line.taskType ? [[line.taskId, line.taskType]] : []),
  );
  const ids = [...new Set(tempFolders.map((name) => name.replace(/-[^-]*$/, "")))];
  const lastSeenAt = parsed.findLast((line) => line?.time)?.time;
  return {
    foundAt: new Date(now).toISOString(),
    cause: leftover.bootId && bootId && leftover.bootId !== bootId ? "rebooted" : "died",
    pid: leftover.pid,
    startedAt: leftover.startedAt,
    version: leftover.version,
    ...(lastSeenAt ? { lastSeenAt } : {}),
    running: ids.map((taskId) => ({ taskId, ...(types.has(taskId) ? { type: types.get(taskId)! } : {}) })),
    orphansEnded,
    lastLogLines: logLines.slice(-MAX_LINES).map((line) => line.slice(0, MAX_LINE_LENGTH)),
    count: (earlier?.count ?? 0) + 1,
  };
}

/** The part of the record that a probe may see. */
export function crashSummary({ foundAt, cause, pid, lastSeenAt, count }: CrashRecord): CrashSummary {
  return { foundAt, cause, pid, ...(lastSeenAt ? { lastSeenAt } : {}), count };
}

/** Keeps the record for `status`, in place of an earlier one. */
export function writeCrashRecord(home: string, record: CrashRecord): void {
  writePrivateFile(join(home, FILE), JSON.stringify(record, null, 2) + "\n");
}

/** The record of this home's last crash; undefined where there was none, or where the file was spoilt. */
export async function readCrashRecord(home: string): Promise<CrashRecord | undefined> {
  try {
    const record = JSON.parse(await Deno.readTextFile(join(home, FILE)));
    return typeof record?.foundAt === "string" && Number.isInteger(record.count) ? record : undefined;
  } catch {
    return undefined;
  }
}

function parseLine(line: string): { time?: string; taskId?: string; taskType?: string } | undefined {
  try {
    const { time, taskId, taskType } = JSON.parse(line);
    const text = (value: unknown) => typeof value === "string" ? value : undefined;
    return { time: text(time), taskId: text(taskId), taskType: text(taskType) };
  } catch {
    return undefined; // what the runtime itself printed
  }
}
