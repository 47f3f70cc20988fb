/** What a browser is to those who read pages with it; the drivers stand beside this file. */
import type { Availability } from "../../lib/task/task.ts";
import type { PageScript } from "./page_script.ts";

/** One page that is open in a browser. Everything may throw a {@link BrowserError}. */
export interface BrowserPage {
  /** Runs a function in the page. @throws PageScriptError when it fails there */
  run<Argument, Result>(script: PageScript<Argument, Result>, argument: Argument): Promise<Result>;
  /** Writes what can be seen of the page to a file, as PNG. */
  screenshot(file: string): Promise<void>;
}

/** What page to open, and within which bounds. */
export interface PageOptions {
  /** http or https. */
  readonly url: string;
  /** Aborting closes the page and ends everything that was started for it. */
  readonly signal: AbortSignal;
  /** A private folder for the browser's own files. */
  readonly tempDir: string;
  /** Called when another program drives the browser, and this one has to wait for its turn. */
  readonly onWait?: () => void;
}

/** A way to drive a browser. */
export interface Browser {
  /** For people, e.g. `chromedriver`. */
  readonly name: string;
  /** Cheap: starts at most one program, and that only when it is new. */
  check(): Promise<Availability>;
  /**
   * Opens a page, waits until its document is there, does the work and closes the page, however the work ends.
   * @throws {@link BrowserError}, the signal's reason, or what the work throws
   */
  withPage<T>(options: PageOptions, work: (page: BrowserPage) => Promise<T>): Promise<T>;
}

/**
 * Why a browser did not do what was asked. `setup`: a person has to change something on this machine. `navigation`:
 * the page could not be loaded. `crashed`: the browser or its driver ended, or does not answer.
 */
export class BrowserError extends Error {
  override readonly name = "BrowserError";
  readonly kind: "setup" | "navigation" | "crashed";
  constructor(kind: BrowserError["kind"], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** How long a page may take until its document is there, in ms. */
export const LOAD_TIMEOUT_MS = 45_000;
/** How long a script may run in a page, in ms. */
export const SCRIPT_TIMEOUT_MS = 30_000;
