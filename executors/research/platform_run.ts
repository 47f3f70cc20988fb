/** Researching one platform, from opening its page to what was found and what went wrong. */
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import type { ExecutionContext } from "../../lib/task/task.ts";
import { type Browser, BrowserError, type BrowserPage } from "../browser/browser.ts";
import { PageScriptError } from "../browser/page_script.ts";
import { collect, ObstacleError } from "./collect.ts";
import { type Evidence, keepEvidence } from "./evidence.ts";
import type { Platform } from "./input.ts";
import type { ResearchItem } from "./item.ts";
import { explain, type Reason } from "./obstacle.ts";
import type { ResearchPage } from "./sites.ts";

/** Why a platform gave nothing, or not all. */
export interface PlatformError extends Evidence {
  readonly platform: Platform;
  readonly reason: Reason;
  readonly message: string;
}

/** What became of one platform. */
export interface PlatformOutcome {
  readonly items: ResearchItem[];
  readonly error?: PlatformError;
}

/** What is needed for one platform. */
export interface PlatformRunOptions {
  readonly browser: Browser;
  readonly site: ResearchPage;
  readonly maxItems: number;
  readonly context: Pick<ExecutionContext, "signal" | "tempDir" | "log">;
  readonly clock: Clock;
  /** Makes the folder for screenshots when one is needed. */
  readonly folder: () => Promise<string>;
  readonly onCount: (count: number) => void;
}

/**
 * Never fails for what is wrong with the platform or its page.
 * @throws BrowserError of kind `setup`, which is the same for all platforms, and the signal's reason
 */
export async function researchPlatform(options: PlatformRunOptions): Promise<PlatformOutcome> {
  const { browser, site, context: { signal, log, tempDir } } = options;
  const found = new Map<string, ResearchItem>();
  const outcome = (error?: PlatformError): PlatformOutcome => ({
    items: [...found.values()].slice(0, options.maxItems),
    ...error && { error },
  });
  const failed = (reason: Reason, evidence: Evidence, detail?: string): PlatformOutcome => {
    const message = `${explain(reason, site.platform, browser.name)}${detail ? `: ${detail}` : ""}`;
    return outcome({ platform: site.platform, reason, message, ...evidence });
  };
  const folder = join(tempDir, site.platform);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const onWait = () =>
    log.info("waiting for another program to be done with {browser}", { browser: browser.name });
  let evidence: Evidence = {};
  try {
    await browser.withPage({ url: site.url, signal, tempDir: folder, onWait }, async (page) => {
      try {
        await collect({ ...options, page, signal, found });
      } catch (error) {
        if (speaksOfPage(error)) evidence = await evidenceOf(page, options);
        throw error;
      }
    });
    return outcome();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ObstacleError) return failed(error.reason, evidence);
    if (error instanceof PageScriptError) return failed("changed_page", evidence, error.message);
    if (!(error instanceof BrowserError) || error.kind === "setup") throw error;
    return failed(error.kind === "navigation" ? "not_loaded" : "browser", evidence, error.message);
  }
}

/** A browser that is gone has no page to keep. */
function speaksOfPage(error: unknown): boolean {
  return error instanceof ObstacleError || error instanceof PageScriptError;
}

async function evidenceOf(page: BrowserPage, options: PlatformRunOptions): Promise<Evidence> {
  const { folder, site, context: { log, signal } } = options;
  return await keepEvidence(page, { folder, name: site.platform, log, signal });
}
