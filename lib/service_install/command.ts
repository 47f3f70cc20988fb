/** Running the service manager's own programs. */
import { baseEnvironment, describeExit, runProgram } from "../process.ts";

/** One call of a program. */
export interface Call {
  readonly program: string;
  readonly args: readonly string[];
}

/** What a call came to. */
export interface CallResult {
  readonly ok: boolean;
  readonly code: number | null;
  readonly stdout: readonly string[];
  /** One line: why it failed, in the program's own words. */
  readonly reason: string;
}

/** Runs a call to its end. @throws ProgramMissingError where the program is not there */
export type Caller = (call: Call) => Promise<CallResult>;

/** Waiting for a unit to become ready is the longest: TimeoutStartSec and TimeoutStopSec together. */
const CALL_TIMEOUT_MS = 300_000;

/** Calls real programs. `env` tells where the person's service manager listens. */
export function callerFor(env: Readonly<Record<string, string>>): Caller {
  const passed = ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"].flatMap((name) =>
    env[name] ? [[name, env[name]]] : []
  );
  const runtimeDir = `/run/user/${Deno.uid()}`; // su and cron do not set it
  const environment = {
    ...baseEnvironment(),
    XDG_RUNTIME_DIR: runtimeDir,
    ...env.PATH ? { PATH: env.PATH } : {},
    ...Object.fromEntries(passed),
    LC_ALL: "C",
    SYSTEMD_PAGER: "",
    SYSTEMD_COLORS: "0",
  };
  return async ({ program, args }) => {
    const result = await runProgram({
      program,
      args,
      env: environment,
      signal: new AbortController().signal,
      timeoutMs: CALL_TIMEOUT_MS,
      tailLines: 500,
    });
    const said = [...result.stderrTail, ...result.stdoutTail].map((line) => line.trim()).filter(Boolean);
    return {
      ok: result.code === 0,
      code: result.code,
      stdout: result.stdoutTail,
      reason: said.slice(0, 3).join(" ") || describeExit(result),
    };
  };
}

/** A call as a person would type it. */
export function callText({ program, args }: Call): string {
  const words = [program, ...args].map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
  );
  return words.join(" ");
}
