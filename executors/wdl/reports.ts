/** What a runner's own report says about a failure. Pure. */
import type { RunnerKind } from "./runners.ts";

/** Each is undefined where the report does not tell it. */
export interface ReportedFailure {
  readonly message?: string;
  /** The task whose command failed, its exit status, and the file of what it printed on stderr. */
  readonly task?: string;
  readonly status?: number;
  readonly stderrFile?: string;
}

const MAX_DEPTH = 20;

/** Reads miniwdl's error JSON or Cromwell's metadata; the other runners only print. */
export function reportedFailure(kind: RunnerKind, report: unknown): ReportedFailure {
  if (!isObject(report)) return {};
  if (kind === "miniwdl") return ofMiniwdl(report);
  return kind === "cromwell" ? ofCromwell(report) : {};
}

/** `{error: "RunFailed", workflow, cause: {error: "CommandFailed", exit_status, stderr_file}}`, nested by calls. */
function ofMiniwdl(report: Fields): ReportedFailure {
  let cause = report;
  let task: string | undefined;
  for (let depth = 0; isObject(cause) && depth < MAX_DEPTH; depth++) {
    task = text(cause.task) ?? task;
    if (!isObject(cause.cause)) break;
    cause = cause.cause;
  }
  const message = text(cause.message) ?? text(cause.error);
  return { message, task, status: whole(cause.exit_status), stderrFile: text(cause.stderr_file) };
}

/** `{status, failures: [{message, causedBy: […]}], calls: {"wf.task": [{executionStatus, returnCode, stderr}]}}`. */
function ofCromwell(report: Fields): ReportedFailure {
  let message: string | undefined;
  let failures = report.failures;
  for (let depth = 0; Array.isArray(failures) && isObject(failures[0]) && depth < MAX_DEPTH; depth++) {
    message = text(failures[0].message) ?? message;
    failures = failures[0].causedBy;
  }
  for (const [call, shards] of Object.entries(isObject(report.calls) ? report.calls : {})) {
    for (const shard of Array.isArray(shards) ? shards : []) {
      if (!isObject(shard) || !/^(Failed|RetryableFailure)$/.test(text(shard.executionStatus) ?? "")) {
        continue;
      }
      return {
        message,
        task: call.split(".").at(-1),
        status: whole(shard.returnCode),
        stderrFile: text(shard.stderr),
      };
    }
  }
  return { message };
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function whole(value: unknown): number | undefined {
  return Number.isInteger(value) ? value as number : undefined;
}
