/** What is kept of a page that could not be read: a picture and its HTML, for a person to look at. */
import { join } from "node:path";
import type { Logger } from "@logtape/logtape";
import type { BrowserPage } from "../browser/browser.ts";
import { outerHtml } from "../browser/page_actions.ts";

/** Absolute paths; what could not be kept is missing. */
export interface Evidence {
  readonly screenshot?: string;
  readonly html?: string;
}

const MAX_HTML_CHARS = 600_000;
const MAX_PICTURE_BYTES = 10_000_000;

/**
 * Keeps both in the folder, readable by their owner only: a page may show whose account it was. What fails is logged,
 * since why the page could not be read matters more.
 */
export async function keepEvidence(
  page: BrowserPage,
  options: { folder: () => Promise<string>; name: string; log: Logger; signal: AbortSignal },
): Promise<Evidence> {
  const { name, log, signal } = options;
  const kept: { screenshot?: string; html?: string } = {};
  const attempt = async (kind: keyof Evidence, extension: string, write: (file: string) => Promise<void>) => {
    try {
      const file = join(await options.folder(), `${name}.${extension}`);
      await write(file);
      kept[kind] = file;
    } catch (error) {
      signal.throwIfAborted();
      log.warn("cannot keep the {kind} of {name}: {reason}", {
        kind,
        name,
        reason: (error as Error).message,
      });
    }
  };
  await attempt("screenshot", "png", async (file) => {
    await page.screenshot(file);
    await Deno.chmod(file, 0o600);
    if ((await Deno.stat(file)).size <= MAX_PICTURE_BYTES) return;
    await Deno.remove(file);
    throw new Error("the picture is too large");
  });
  await attempt("html", "html", async (file) => {
    const html = await page.run(outerHtml, { maxChars: MAX_HTML_CHARS });
    await Deno.writeTextFile(file, html, { mode: 0o600 });
    await Deno.chmod(file, 0o600); // also of a file that an earlier attempt left
  });
  return kept;
}
