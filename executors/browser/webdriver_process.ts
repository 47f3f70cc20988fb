/** A WebDriver program that runs for as long as some work with it. */
import { type Clock, within } from "../../lib/clock.ts";
import {
  baseEnvironment,
  describeExit,
  ProgramMissingError,
  runProgram,
  type RunResult,
} from "../../lib/process.ts";
import { makeShortTempDir } from "../../lib/process/short_path.ts";
import { BrowserError } from "./browser.ts";
import type { DriverStart } from "./webdriver_program.ts";

/** What to start. */
export interface DriverProcessOptions {
  readonly driver: string;
  readonly start: DriverStart & { readonly port?: number };
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const START_TIMEOUT_MS = 20_000;
/** What a browser may take to end by itself, in ms. */
const END_GRACE_MS = 5_000;

/** chromedriver chooses a free port for one kind of address and fails where it is taken for the other. */
const PORT_TAKEN = /Address already in use/;
const START_TRIES = 3;

/**
 * As {@link runDriver}, and starts the driver again where it happened to choose a port that was taken.
 * @throws BrowserError, the signal's reason, or what the work throws
 */
export async function withDriverProcess<T>(
  options: DriverProcessOptions,
  work: (address: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  let begun = false;
  for (let tries = 1;; tries++) {
    try {
      return await runDriver(options, (address, signal) => {
        begun = true;
        return work(address, signal);
      });
    } catch (error) {
      if (begun || tries === START_TRIES || !PORT_TAKEN.test((error as Error).message)) throw error;
    }
  }
}

/**
 * Starts the driver, does the work with its address, and ends the driver with all that it started, browser included.
 * The signal that the work is given aborts when the driver ends or the task is stopped: nothing answers it any more.
 * @throws BrowserError, the signal's reason, or what the work throws
 */
async function runDriver<T>(
  options: DriverProcessOptions,
  work: (address: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { driver, start, signal, clock } = options;
  const stop = new AbortController();
  const gone = new AbortController();
  const over = AbortSignal.any([signal, gone.signal]);
  const port = Promise.withResolvers<number>();
  if (start.port !== undefined) port.resolve(start.port);
  // A task's own folder will not do: the browser's sockets are there, whose paths the system keeps to 104 bytes.
  const temporary = await makeShortTempDir();
  const ended = runProgram({
    program: driver,
    args: start.args,
    env: { ...baseEnvironment(), TMPDIR: temporary },
    signal: AbortSignal.any([signal, stop.signal]),
    killAfterMs: END_GRACE_MS,
    onStdoutLine: (line) => {
      const found = start.portIn?.(line);
      if (found !== undefined) port.resolve(found);
    },
  }).then((result) => result.aborted ? undefined : driverEnded(driver, result), startFailure);
  void ended.then((failure) => gone.abort(failure));
  try {
    return await work(`http://127.0.0.1:${await portOf(port.promise, driver, clock, over)}`, over);
  } catch (error) {
    signal.throwIfAborted();
    stop.abort();
    throw await ended ?? error; // a driver that ended by itself is the reason for what the work met
  } finally {
    stop.abort();
    await ended;
    await Deno.remove(temporary, { recursive: true });
  }
}

function startFailure(error: unknown): BrowserError {
  const { message } = error as Error;
  return new BrowserError(error instanceof ProgramMissingError ? "setup" : "crashed", message, {
    cause: error,
  });
}

async function portOf(
  port: Promise<number>,
  driver: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await within(clock, START_TIMEOUT_MS, signal, () => port);
  } catch (cause) {
    signal.throwIfAborted(); // the driver has ended: told above
    const seconds = START_TIMEOUT_MS / 1_000;
    throw new BrowserError("crashed", `${driver} did not say within ${seconds} s where it listens`, {
      cause,
    });
  }
}

function driverEnded(driver: string, result: RunResult): BrowserError {
  const last = [...result.stdoutTail, ...result.stderrTail].findLast((line) => line.trim() !== "");
  return new BrowserError(
    "crashed",
    `${driver} ${describeExit(result)}${last ? `: ${last.slice(0, 300)}` : ""}`,
  );
}
