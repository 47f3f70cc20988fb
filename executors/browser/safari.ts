/** The person's own Safari on a Mac, driven by osascript with `do JavaScript`. */
import { join } from "node:path";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { describeExit, findProgram, ProgramMissingError, runProgram } from "../../lib/process.ts";
import { withMachineLock } from "../../lib/process/machine_lock.ts";
import type { Availability } from "../../lib/task/task.ts";
import {
  type Browser,
  BrowserError,
  type BrowserPage,
  LOAD_TIMEOUT_MS,
  type PageOptions,
  SCRIPT_TIMEOUT_MS,
} from "./browser.ts";
import { locate } from "./page_actions.ts";
import {
  MAX_RESULT_CHARS,
  type PageScript,
  PageScriptError,
  readResult,
  scriptExpression,
} from "./page_script.ts";
import { SAFARI_SCRIPT } from "./safari_applescript.ts";
import { safariFailure } from "./safari_failure.ts";

/** What the driver stands on; all of it comes with macOS. */
export interface SafariSurroundings {
  readonly os: string;
  readonly osascript: string;
  readonly screencapture: string;
  /** Safari's folder, which also tells its version. */
  readonly application: string;
  /** Where machine-wide locks lie, if not in the usual place. */
  readonly lockFolder?: string;
  readonly clock: Clock;
}

/** A Mac as it is. */
export const MAC: SafariSurroundings = {
  os: Deno.build.os,
  osascript: "/usr/bin/osascript",
  screencapture: "/usr/sbin/screencapture",
  application: "/Applications/Safari.app",
  clock: systemClock,
};

/** The lock that everything holds that drives Safari: it is one program with one person before it. */
export const SAFARI_LOCK = "safari";

const OSASCRIPT_TIMEOUT_MS = 45_000;
const CLOSE_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 250;
/** While a page is being replaced by another one, scripts have nothing to run in. */
const SCRIPT_TRIES = 8;

/** Makes the driver; nothing is run yet. One page at a time is open on the machine. */
export function safariBrowser(surroundings: SafariSurroundings = MAC): Browser {
  return {
    name: "Safari",
    check: () => checkSafari(surroundings),
    withPage: (options, work) =>
      withMachineLock(
        SAFARI_LOCK,
        options.signal,
        () => withSafariPage(surroundings, options, work),
        { folder: surroundings.lockFolder, onWait: options.onWait, clock: surroundings.clock },
      ),
  };
}

async function checkSafari({ os, osascript, application }: SafariSurroundings): Promise<Availability> {
  const fix = "set SAFARI_DRIVER=webdriver to use another browser";
  if (os !== "darwin") return { available: false, reason: "Safari exists only on macOS", fix };
  if (!(await Deno.stat(application).catch(() => undefined))?.isDirectory) {
    return { available: false, reason: `${application} was not found`, fix };
  }
  if (await findProgram(osascript) === undefined) {
    return { available: false, reason: `${osascript} was not found`, fix };
  }
  const version = await readVersion(join(application, "Contents", "version.plist"));
  return version === undefined ? { available: true } : { available: true, version: `Safari ${version}` };
}

async function readVersion(plist: string): Promise<string | undefined> {
  const text = await Deno.readTextFile(plist).catch(() => ""); // a version is nice to have
  return /<key>CFBundleShortVersionString<\/key>\s*<string>([\d.]{1,20})<\/string>/.exec(text)?.[1];
}

async function withSafariPage<T>(
  surroundings: SafariSurroundings,
  options: PageOptions,
  work: (page: BrowserPage) => Promise<T>,
): Promise<T> {
  const { signal } = options;
  const window = await ask(surroundings, ["open", new URL(options.url).href], signal);
  if (!/^\d{1,15}$/.test(window)) throw new BrowserError("crashed", "Safari opened no window");
  try {
    const page = safariPage(surroundings, window, signal);
    await untilLoaded(page, surroundings.clock, signal);
    return await work(page);
  } finally {
    await closeWindow(surroundings, window);
  }
}

function safariPage(surroundings: SafariSurroundings, window: string, signal: AbortSignal): BrowserPage {
  return {
    async run<Argument, Result>(script: PageScript<Argument, Result>, argument: Argument) {
      const expression = scriptExpression(script, argument);
      for (let tries = 1;; tries++) {
        const answer = await ask(surroundings, ["run", window, expression], signal);
        const nothing = answer === "" || answer === "missing value";
        if (!nothing || tries === SCRIPT_TRIES) return readResult(answer) as Result;
        await surroundings.clock.sleep(LOOK_EVERY_MS, signal);
      }
    },
    async screenshot(file) {
      // Safari's window ids are those of the window server.
      const args = ["-x", "-o", "-l", window, file];
      const result = await runProgram({
        program: surroundings.screencapture,
        args,
        signal,
        timeoutMs: SCRIPT_TIMEOUT_MS,
      });
      signal.throwIfAborted();
      if (result.code !== 0 || !(await Deno.stat(file).catch(() => undefined))?.isFile) {
        throw new BrowserError(
          "setup",
          `screencapture ${describeExit(result)} (allow the worker Screen Recording in System Settings)`,
        );
      }
    },
  };
}

/** A new window shows an empty page first. */
async function untilLoaded(page: BrowserPage, clock: Clock, signal: AbortSignal): Promise<void> {
  const deadline = clock.monotonic() + LOAD_TIMEOUT_MS;
  for (;;) {
    const { href, readyState } = await locationOf(page);
    if (/^https?:/.test(href) && readyState !== "loading") return;
    if (/^safari-resource:/.test(href)) {
      throw new BrowserError("navigation", "Safari could not load the page (check the machine's connection)");
    }
    if (clock.monotonic() > deadline) {
      throw new BrowserError("navigation", `the page was not loaded within ${LOAD_TIMEOUT_MS / 1_000} s`);
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
    signal.throwIfAborted();
  }
}

async function locationOf(page: BrowserPage): Promise<{ href: string; readyState: string }> {
  try {
    return await page.run(locate, null);
  } catch (error) {
    if (error instanceof PageScriptError) return { href: "", readyState: "loading" };
    throw error;
  }
}

/** One call of osascript; what it prints is one line. */
async function ask(surroundings: SafariSurroundings, args: string[], signal: AbortSignal): Promise<string> {
  let answer = "";
  const result = await runProgram({
    program: surroundings.osascript,
    args: ["-", ...args],
    stdin: SAFARI_SCRIPT,
    signal,
    timeoutMs: OSASCRIPT_TIMEOUT_MS,
    maxLineBytes: MAX_RESULT_CHARS,
    onStdoutLine: (line) => {
      answer = line;
    },
  }).catch((error) => {
    throw error instanceof ProgramMissingError
      ? new BrowserError("setup", error.message, { cause: error })
      : error;
  });
  signal.throwIfAborted();
  if (result.timedOut) throw new BrowserError("crashed", "Safari did not answer in time");
  if (result.code !== 0) throw safariFailure(result.stderrTail);
  return answer.trim();
}

/** Also when the task was stopped: the person should not find windows that nobody wants. */
async function closeWindow(surroundings: SafariSurroundings, window: string): Promise<void> {
  // How it ends is not looked at: a window that cannot be closed is gone with Safari, or is the person's to close.
  await runProgram({
    program: surroundings.osascript,
    args: ["-", "close", window],
    stdin: SAFARI_SCRIPT,
    signal: new AbortController().signal,
    timeoutMs: CLOSE_TIMEOUT_MS,
  });
}
