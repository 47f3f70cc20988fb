/** One process of an agent, from its start until it and all that it started are gone. */
import type { Logger } from "@logtape/logtape";
import { type AgentOrder, type AgentReport, MAX_LINE_BYTES, parseReport } from "../agent/protocol.ts";
import { type Clock, systemClock } from "../clock.ts";
import { redact, withoutSecrets } from "../log/redaction.ts";
import { describeExit, runProgram, type RunResult } from "../process.ts";
import { Orders } from "./orders.ts";
import { OutputGuard } from "./output_guard.ts";
import type { ProcessEnd } from "./restart_policy.ts";

/** What to start. */
export interface ProcessSpec {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** `ndjson`: standard input and output carry the agents' protocol; `none`: it only runs. */
  readonly health: "ndjson" | "none";
}

/** How it ended, in words for people: `exited with status 1: no such table`. */
export interface ProcessEnding extends ProcessEnd {
  readonly reason: string;
  readonly ranMs: number;
}

/** A running process. */
export interface AgentProcess {
  /** Undefined until it has been started. */
  readonly pid: number | undefined;
  /** Monotonic ms. */
  readonly startedAt: number;
  /** When it last said anything in the protocol, in monotonic ms; at first its start. */
  readonly heardAt: number;
  send(order: AgentOrder): boolean;
  /** Ends it and all that it started; `fault` tells what it did wrong. The first reason counts. */
  kill(fault?: string): void;
  /** Never rejects. */
  readonly ended: Promise<ProcessEnding>;
}

/** What a process is given besides. */
export interface ProcessOptions {
  readonly log: Logger;
  /** It has been started. */
  readonly onStart: (pid: number) => void;
  readonly onReport: (report: AgentReport) => void;
  /** Values that must not appear in what it reports, nor in the reason of its end. */
  readonly secrets: readonly string[];
  readonly clock?: Clock;
}

/** Starts the process of an agent. */
export type StartProcess = (spec: ProcessSpec, options: ProcessOptions) => AgentProcess;

/** From SIGTERM to SIGKILL: it has had its time to drain before. */
const KILL_AFTER_MS = 2_000;

/** Starts a real process. */
export const startAgentProcess: StartProcess = (spec, options) => {
  const { log, clock = systemClock, secrets } = options;
  const kill = new AbortController();
  const orders = new Orders();
  const guard = new OutputGuard();
  const startedAt = clock.monotonic();
  let heardAt = startedAt;
  let pid: number | undefined;
  let fault: string | undefined;

  const take = (line: string, handle: () => void) => {
    const verdict = guard.take(line.length, clock.monotonic());
    if (verdict === "flood") throw new Error("it floods its output");
    if (verdict === "drop" || line.trim() === "") return;
    const dropped = guard.dropped();
    if (dropped > 0) log.warn(`${dropped} lines of its output were dropped: it writes too much`);
    handle();
  };
  const clean = withoutSecrets(secrets);
  const onStdoutLine = (line: string, truncated: boolean) => {
    const report = spec.health === "ndjson" && !truncated ? parseReport(line) : undefined;
    if (report) heardAt = clock.monotonic();
    take(line, () => {
      if (report?.type === "log") tell(log, report);
      else if (!report) log.info`${line}`;
    });
    // What it says is shown to people, and kept.
    if (report && report.type !== "log") options.onReport(clean(report));
  };

  const ended = runProgram({
    program: spec.program,
    args: spec.args,
    env: spec.env,
    cwd: spec.cwd,
    stdin: spec.health === "ndjson" ? orders.stream : undefined,
    signal: kill.signal,
    killAfterMs: KILL_AFTER_MS,
    maxLineBytes: MAX_LINE_BYTES,
    tailLines: 20,
    onStart(started) {
      pid = started;
      options.onStart(started);
    },
    onStdoutLine,
    onStderrLine: (line) => take(line, () => log.info`${line}`),
    clock,
  }).then(
    (result) => ({ code: result.code, reason: fault ?? reasonOf(result, secrets) }),
    (error: Error) => {
      fault ??= error.message;
      return { code: null, reason: fault };
    },
  ).then((end) => {
    orders.close();
    return { ...end, faulty: fault !== undefined, ranMs: clock.monotonic() - startedAt };
  });

  return {
    get pid() {
      return pid;
    },
    startedAt,
    get heardAt() {
      return heardAt;
    },
    send: (order) => orders.send(order),
    kill(why) {
      if (kill.signal.aborted) return;
      fault ??= why;
      kill.abort();
    },
    ended,
  };
};

const METHODS = { debug: "debug", info: "info", warning: "warn", error: "error" } as const;

/** As a template: a message as such may hold braces, which would be taken for placeholders. */
function tell(log: Logger, { level, message, fields = {} }: AgentReport & { type: "log" }): void {
  log.with(fields)[METHODS[level]]`${message}`;
}

/** The exit, and what it said of an error or said last, since that usually tells why. */
function reasonOf(result: RunResult, secrets: readonly string[]): string {
  const said = result.stderrTail.filter((line) => line.trim() !== "");
  const words = said.findLast((line) => /error/i.test(line)) ?? said.at(-1);
  const exit = describeExit(result);
  if (!words || result.code === 0 || result.aborted) return exit;
  return `${exit}: ${redact(words.trim(), secrets).slice(0, 300)}`;
}
