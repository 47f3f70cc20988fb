/** What is done when the last run of a home folder ended without a goodbye: ended, recorded, told. */
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { logger } from "../log.ts";
import { lastLines, readLog } from "../log/read_lines.ts";
import { redact } from "../log/redaction.ts";
import { homePaths } from "../paths.ts";
import { findProgram, runProgram } from "../process.ts";
import { endOrphans, homeMark } from "../process/orphans.ts";
import { sweepShortTempDirs } from "../process/short_path.ts";
import { type CrashRecord, crashRecord, readCrashRecord, writeCrashRecord } from "./crash_record.ts";
import { errorFile, journalArguments } from "./log_source.ts";
import type { DaemonRecord } from "./pid_file.ts";
import { bootId } from "./process_identity.ts";

const LINES = 30;
const JOURNAL_TIMEOUT_MS = 5_000;

/**
 * Ends what the dead daemon left running and keeps a record of its end. Call it while holding the home folder, and
 * before anything is logged to files or temp folders are emptied: both are the traces.
 */
export async function recover(
  leftover: DaemonRecord,
  config: Config,
  secrets: readonly string[],
  clock: Clock,
): Promise<CrashRecord> {
  const { home, downloadDir } = config;
  const logLines = await lastWords(leftover, home);
  const tempFolders = await foldersIn(join(downloadDir, homeMark(home)));
  const orphansEnded = await endOrphans(homeMark(home), clock);
  await sweepShortTempDirs(homeMark(home));
  const record = crashRecord({
    leftover,
    bootId: await bootId(),
    now: clock.now(),
    tempFolders,
    logLines: logLines.map((line) => redact(line, secrets)),
    orphansEnded,
    earlier: await readCrashRecord(home),
  });
  writeCrashRecord(home, record);
  tell(record);
  return record;
}

function tell(record: CrashRecord): void {
  const log = logger("daemon");
  const why = record.cause === "rebooted" ? ": the machine has started anew since" : "";
  log.warn(`the last run (pid ${record.pid}, started ${record.startedAt}) ended without a goodbye${why}`, {
    lastSeenAt: record.lastSeenAt,
    running: record.running,
    count: record.count,
  });
  if (record.orphansEnded > 0) log.warn(`ended ${record.orphansEnded} processes that it had left running`);
}

/** Its last log lines, and what the runtime printed at the very end. */
async function lastWords({ service, pid }: DaemonRecord, home: string): Promise<string[]> {
  if (service?.journal) {
    const program = await findProgram("journalctl");
    if (!program) return [];
    const { stdoutTail } = await runProgram({
      program,
      args: journalArguments(service, { last: LINES, pid }),
      signal: new AbortController().signal,
      timeoutMs: JOURNAL_TIMEOUT_MS,
      tailLines: LINES,
    });
    return stdoutTail;
  }
  const { logs } = homePaths(home);
  const lines = await Array.fromAsync(readLog({ folder: logs, wanted: () => true, last: LINES - 10 }));
  return [...lines, ...await lastLines(errorFile(home), 10)];
}

async function foldersIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
