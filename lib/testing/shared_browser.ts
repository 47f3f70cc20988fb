/** One real browser for the pages of many tests, since starting it is what takes time. */
import type { Browser, BrowserPage } from "../../executors/browser/browser.ts";
import type { PageKit } from "../../executors/browser/page_kit.ts";

type Marked = { waiting?: boolean };

/**
 * Starts the browser at `url`, and hands over one that opens every page in it, one after another. A page is as good as
 * new; what a browser keeps between pages (cookies, history) is not.
 */
export async function withSharedBrowser(
  browser: Browser,
  options: { readonly url: string; readonly tempDir: string },
  use: (shared: Browser) => Promise<void>,
): Promise<void> {
  const signal = new AbortController().signal;
  await browser.withPage({ ...options, signal }, (page) =>
    use({
      ...browser,
      withPage: async ({ url }, work) => {
        await goTo(page, url);
        return await work(page);
      },
    }));
}

/** Leads the page elsewhere and waits until its document is there, wherever a redirect leads. */
export async function goTo(page: BrowserPage, url: string): Promise<void> {
  await page.run(leave, { url });
  while (!await page.run(hasArrived, null).catch(() => false));
}

function leave({ window }: PageKit, { url }: { url: string }): void {
  (window as Marked).waiting = true;
  (window.location as { href: string }).href = url;
}

function hasArrived({ window }: PageKit): boolean {
  return (window as Marked).waiting === undefined && window.document.readyState === "complete";
}
