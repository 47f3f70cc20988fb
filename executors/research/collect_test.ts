import assert from "node:assert/strict";
import { fakeClock } from "../../lib/testing/fake_clock.ts";
import { BrowserError, type BrowserPage } from "../browser/browser.ts";
import { locate, scrollToEnd } from "../browser/page_actions.ts";
import { type PageScript, PageScriptError } from "../browser/page_script.ts";
import { collect, ObstacleError } from "./collect.ts";
import type { RawItem, ResearchItem } from "./item.ts";
import { type PageState, readState } from "./page_state.ts";
import { PUBLIC_SITES, researchPage } from "./sites.ts";

const site = researchPage("youtube", { type: "search", query: "x" }, PUBLIC_SITES);
const posts = (count: number): RawItem[] =>
  Array.from({ length: count }, (_, index) => ({ id: `video-${String(index).padStart(5, "0")}` }));

/** A page that answers as told: `read` is asked for its posts, with how often it was scrolled. */
function pageOf(
  answers: { read: (scrolls: number, looks: number) => RawItem[]; state?: () => Partial<PageState> },
): BrowserPage & { scrolls: number } {
  let looks = 0;
  const page = {
    scrolls: 0,
    run<Argument, Result>(script: PageScript<Argument, Result>): Promise<Result> {
      const answer = (): unknown => {
        if (script as unknown === scrollToEnd) return ++page.scrolls;
        if (script as unknown === locate) {
          return { href: answers.state?.().href ?? site.url, readyState: "complete" };
        }
        if (script as unknown === readState) {
          return { href: site.url, title: "", text: "", seen: [], ...answers.state?.() };
        }
        return answers.read(page.scrolls, ++looks);
      };
      return new Promise((resolve) => resolve(answer() as Result));
    },
    screenshot: () => Promise.resolve(),
  };
  return page;
}

/** Runs to the end in fake time; answers what was found. */
async function run(
  page: BrowserPage,
  options: { maxItems?: number; seconds?: number; signal?: AbortSignal } = {},
) {
  const clock = fakeClock();
  const found = new Map<string, ResearchItem>();
  const counts: number[] = [];
  const running = collect({
    page,
    site,
    clock,
    found,
    maxItems: options.maxItems ?? 50,
    signal: options.signal ?? new AbortController().signal,
    onCount: (count) => counts.push(count),
  });
  const outcome = running.then(() => undefined, (error: unknown) => error);
  await clock.advance((options.seconds ?? 300) * 1_000);
  return { found: [...found.values()], counts, error: await outcome, clock };
}

Deno.test("scrolling goes on until there is enough", async () => {
  const page = pageOf({ read: (scrolls) => posts(10 * (scrolls + 1)) });
  const { found, error, counts } = await run(page, { maxItems: 35 });
  assert.deepEqual([error, found.length, page.scrolls], [undefined, 40, 3]);
  assert.deepEqual(counts, [10, 20, 30, 40]);
});

Deno.test("scrolling ends when nothing more comes", async () => {
  const page = pageOf({ read: (scrolls) => posts(Math.min(2, scrolls + 1)) });
  const { found, error } = await run(page);
  assert.deepEqual([error, found.length, page.scrolls], [undefined, 2, 4]);
});

Deno.test("a page that gives a little for ever is left after its time", async () => {
  const page = pageOf({ read: (scrolls) => posts(1 + scrolls) });
  const { error } = await run(page, { maxItems: 5_000 });
  assert.ok(error === undefined && page.scrolls > 100 && page.scrolls < 400, String(page.scrolls));
});

Deno.test("posts on a page of somebody else are not taken for the platform's", async () => {
  const page = pageOf({ read: () => posts(3), state: () => ({ href: "https://elsewhere.example/" }) });
  const { found, error } = await run(page, { seconds: 5 });
  assert.ok(error instanceof ObstacleError && error.reason === "redirected");
  assert.deepEqual(found, []);
});

Deno.test("posts that come late are waited for", async () => {
  const { found, error } = await run(pageOf({ read: (_, looks) => looks > 20 ? posts(3) : [] }));
  assert.deepEqual([error, found.length], [undefined, 3]);
});

Deno.test("a page without results ends with nothing, and that is no failure", async () => {
  const page = pageOf({ read: () => [], state: () => ({ text: "No results found" }) });
  const { found, error } = await run(page, { seconds: 5 });
  assert.deepEqual([error, found.length, page.scrolls], [undefined, 0, 0]);
});

Deno.test("a wall that stays is the reason; one that passes is not", async () => {
  const stays = await run(pageOf({ read: () => [], state: () => ({ seen: ["captcha"] }) }), { seconds: 5 });
  assert.ok(stays.error instanceof ObstacleError && stays.error.reason === "captcha");
  let looks = 0;
  const passes = pageOf({
    read: () => looks >= 2 ? posts(1) : [],
    state: () => ({ seen: ++looks < 2 ? ["captcha"] : [] }),
  });
  assert.equal((await run(passes)).error, undefined);
});

Deno.test("a page that never shows posts has changed, or was not loaded when it stays empty", async () => {
  const changed = await run(pageOf({ read: () => [], state: () => ({ text: "Hello" }) }));
  assert.ok(changed.error instanceof ObstacleError && changed.error.reason === "changed_page");
  const empty = await run(pageOf({ read: () => [] }));
  assert.ok(empty.error instanceof ObstacleError && empty.error.reason === "not_loaded");
});

Deno.test("a reader that stumbles while the page is replaced is asked again", async () => {
  const page = pageOf({
    read: (_, looks) => {
      if (looks < 3) throw new PageScriptError("the page gave no answer to a script");
      return posts(1);
    },
  });
  assert.deepEqual((await run(page)).found.length, 1);
});

Deno.test("what was found before the browser failed is kept", async () => {
  const page = pageOf({
    read: (scrolls) => {
      if (scrolls > 0) throw new BrowserError("crashed", "gone");
      return posts(4);
    },
  });
  const { found, error } = await run(page);
  assert.ok(error instanceof BrowserError);
  assert.equal(found.length, 4);
});

Deno.test("a stop ends the waiting at once and leaves no timer", async () => {
  const stop = new AbortController();
  const page = pageOf({
    read: () => {
      stop.abort(new Error("cancelled"));
      return [];
    },
  });
  const { error, clock } = await run(page, { signal: stop.signal, seconds: 0 });
  assert.match(String(error), /cancelled/);
  assert.equal(clock.pending(), 0);
});
