/** A measured system as a child process that speaks lines of JSON (see peers/host.mjs). */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What to run; `env` is the whole environment. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Kills it. */
  readonly signal?: AbortSignal;
}

/** What a host tells unasked. Times in ms since the epoch. */
export type HostEvent =
  | { readonly event: "loaded" }
  | { readonly event: "ran"; readonly count: number; readonly firstAt: number }
  | { readonly event: "start"; readonly key: number; readonly at: number };

/** A running child process; disposal ends it. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  readonly ended: boolean;
  /** What it printed last on standard error. */
  readonly complaints: string;
  /** As a crash would: no goodbye. */
  kill(): Promise<void>;
}

/** A child that takes commands. */
export interface Host extends Child {
  /** All events so far, oldest first. */
  readonly events: readonly HostEvent[];
  /** @throws Error when the command fails, the process ends or `timeoutMs` (two minutes unless told) are over */
  ask<T = void>(command: string, args?: Record<string, unknown>, timeoutMs?: number): Promise<T>;
}

const STOP_GRACE_MS = 5000;
const DEFAULT_LIMIT_MS = 120_000;
const MAX_COMPLAINTS = 4000;

/** Starts a program that is ended with SIGTERM. */
export function startChild(command: Command): Child {
  return manage(launch(command, "ignore"), command, (child) => child.kill("SIGTERM"));
}

/** Starts a host; resolves when its libraries are loaded. @throws Error with what it printed */
export async function startHost(command: Command): Promise<Host> {
  const child = launch(command, "pipe");
  const managed = manage(child, command, (child) => child.stdin!.end());
  const events: HostEvent[] = [];
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  createInterface({ input: child.stdout! }).on("line", (line) => {
    if (!line.startsWith("{")) return; // what a library prints
    const message = JSON.parse(line);
    if ("event" in message) return void events.push(message);
    if ("error" in message) waiting.get(message.id)?.reject(new Error(message.error));
    else waiting.get(message.id)?.resolve(message.value);
    waiting.delete(message.id);
  });
  child.stdin!.on("error", () => {}); // it has ended, which its exit tells
  child.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error(`the host ended: ${managed.complaints}`));
  });
  let asked = 0;
  const host: Host = {
    pid: managed.pid,
    get ended() {
      return managed.ended;
    },
    get complaints() {
      return managed.complaints;
    },
    kill: managed.kill,
    [Symbol.asyncDispose]: () => managed[Symbol.asyncDispose](),
    events,
    async ask<T>(name: string, args = {}, timeoutMs = DEFAULT_LIMIT_MS) {
      if (managed.ended) throw new Error(`the host has ended: ${managed.complaints}`);
      const id = ++asked;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(id, answer);
      const late = () => answer.reject(new Error(`no answer to ${name} within ${timeoutMs / 1000} s`));
      const timer = setTimeout(late, timeoutMs);
      child.stdin!.write(JSON.stringify({ id, do: name, ...args }) + "\n");
      try {
        return await answer.promise as T;
      } finally {
        clearTimeout(timer);
      }
    },
  };
  await until("the host to load", [managed], () => events.length > 0, DEFAULT_LIMIT_MS);
  return host;
}

/**
 * Asks every 5 ms until `condition` holds.
 * @throws Error naming what it waited for, or which of the `children` has ended
 */
export async function until(
  what: string,
  children: readonly Child[],
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!await condition()) {
    const ended = children.find((child) => child.ended);
    if (ended) throw new Error(`waited for ${what}, but a process ended: ${ended.complaints}`);
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function launch({ program, args, env, cwd }: Command, stdin: "pipe" | "ignore"): ChildProcess {
  return spawn(program, [...args], { env: { ...env }, cwd, stdio: [stdin, "pipe", "pipe"] });
}

function manage(child: ChildProcess, { signal }: Command, askToEnd: (child: ChildProcess) => void): Child {
  let complaints = "";
  let ended = false;
  const abort = () => void child.kill("SIGKILL");
  signal?.addEventListener("abort", abort);
  child.stderr!.on("data", (chunk) => complaints = (complaints + chunk).slice(-MAX_COMPLAINTS));
  child.stdout!.resume();
  const exited = once(child, "exit").catch((error) => complaints += error).then(() => {
    ended = true;
    signal?.removeEventListener("abort", abort);
  });
  return {
    pid: child.pid ?? -1,
    get ended() {
      return ended;
    },
    get complaints() {
      return complaints.trim();
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    async [Symbol.asyncDispose]() {
      if (ended) return;
      askToEnd(child);
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
