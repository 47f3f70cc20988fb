/** The command line for tests: in this process with a recording terminal, or as a real process. */
import type { CliContext } from "../cli/context.ts";
import { runCommandLine } from "../cli/program.ts";
import type { Terminal } from "../cli/terminal.ts";
import { selfCommand } from "../daemon/self.ts";

/** What a command printed and how it ended. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A terminal that keeps what is printed. */
export function recordingTerminal(): Terminal & { readonly stdout: string[]; readonly stderr: string[] } {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return {
    stdout,
    stderr,
    out: (line) => void stdout.push(line),
    err: (line) => void stderr.push(line),
    status: () => {},
    endStatus: () => {},
    color: false,
    isTerminal: false,
  };
}

/** Runs a command in this process; `executors` none unless told. */
export async function inProcess(
  args: string[],
  env: Record<string, string>,
  executors: CliContext["executors"] = () => Promise.resolve({ executors: [], problems: [] }),
): Promise<CliResult> {
  const terminal = recordingTerminal();
  const context = { terminal, env, cwd: env.ACTP_HOME, executors, builtInTypes: ["ffmpeg_process"] };
  const code = await runCommandLine(args, context, () => {
    throw new Error("a command under test must not end the process");
  });
  return { code, stdout: terminal.stdout.join("\n"), stderr: terminal.stderr.join("\n") };
}

/** The environment of a real process under test: nothing of the person's own configuration. */
export function cliEnvironment(home: string, extra: Record<string, string> = {}): Record<string, string> {
  const passed = ["PATH", "HOME", "DENO_DIR", "TMPDIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(passed),
    ACTP_HOME: home,
    WORKER_HEALTH_PORT: "0",
    WORKER_PROBE_PORT: "0",
    ...extra,
  };
}

/** Starts the program as a real process; the caller ends it. */
export function spawnCli(args: string[], env: Record<string, string>): Deno.ChildProcess {
  const self = selfCommand(args);
  return new Deno.Command(self.program, {
    args: [...self.args],
    env,
    clearEnv: true,
    cwd: env.ACTP_HOME,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a command as a real process to its end. */
export async function asProcess(args: string[], env: Record<string, string>): Promise<CliResult> {
  const { code, stdout, stderr } = await spawnCli(args, env).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout).trim(), stderr: decoder.decode(stderr).trim() };
}
