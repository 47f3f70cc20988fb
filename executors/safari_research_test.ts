import assert from "node:assert/strict";
import { join } from "node:path";
import { type Clock, systemClock } from "../lib/clock.ts";
import { type Progress, TaskError } from "../lib/task/task.ts";
import { testContext } from "../lib/testing/execution_context.ts";
import { type FixturePages, fixtureSites } from "../lib/testing/fixture_sites.ts";
import { type OsascriptAnswer, osascriptProgram } from "../lib/testing/osascript.ts";
import { findProgram, needs } from "../lib/testing/requirements.ts";
import { withSharedBrowser } from "../lib/testing/shared_browser.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { type Browser, BrowserError, type BrowserPage } from "./browser/browser.ts";
import type { PageKit } from "./browser/page_kit.ts";
import { MAC, safariBrowser } from "./browser/safari.ts";
import { webdriverBrowser } from "./browser/webdriver.ts";
import { PUBLIC_SITES } from "./research/sites.ts";
import { type ResearchResult, safariResearch } from "./safari_research.ts";

const HOSTILE = '"; do shell script "rm -rf ~" & \'\\\n</script>\u2028#&q=x';
const chromium = await needs("chromium", "chromedriver");
const webdriver = webdriverBrowser({
  webdriverPath: await findProgram("chromedriver"),
  webdriverBrowser: await findProgram("chromium"),
});
/** Time passes only while somebody waits, and then ten times as fast: however slow the machine, a page gets all its looks. */
function quickClock(): Clock {
  let waited = 0;
  return {
    now: systemClock.now,
    monotonic: () => waited,
    async sleep(ms, signal) {
      await systemClock.sleep(ms / 10, signal);
      waited += ms;
    },
  };
}

interface Run {
  readonly result: Promise<ResearchResult>;
  readonly progress: readonly Progress[];
  readonly asked: readonly string[];
  readonly outputDir: string;
}

/** Runs one task against fixture pages. */
async function research(
  input: Record<string, unknown>,
  pages: FixturePages,
  use: (run: Run) => Promise<void>,
  options: { browser?: Browser; signal?: AbortSignal; maxOutputBytes?: number } = {},
): Promise<void> {
  await using sites = fixtureSites(pages);
  await using attempt = await testContext({ task: { id: "task-1" }, signal: options.signal });
  const outputDir = join(await Deno.realPath(attempt.context.tempDir), "out");
  const executor = safariResearch(
    { safariDriver: "webdriver", outputDir, maxOutputBytes: options.maxOutputBytes ?? 1_000_000 },
    { sites, browser: options.browser ?? webdriver, clock: quickClock() },
  );
  const result = executor.run(executor.input.parse(input), attempt.context);
  await use({ result, progress: attempt.progress, asked: sites.asked, outputDir });
}

const fails = (running: Promise<unknown>, message: RegExp, retry: boolean) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.equal(error.retry, retry, error.message);
    return true;
  });

const search = { research_type: "search", query: HOSTILE, platforms: ["tiktok", "instagram", "youtube"] };

Deno.test({
  name: "a search reads all three platforms in real Chromium, and the query arrives as it was given",
  ...chromium,
  fn: () =>
    research(
      search,
      { tiktok: "tiktok_search", instagram: "instagram_search", youtube: "youtube_search" },
      async ({ result, asked, progress }) => {
        const { items, item_count, platforms_scraped, scraped_at, errors, ...rest } = await result;
        assert.deepEqual([platforms_scraped, errors, rest], [search.platforms, [], {}]);
        const count = (platform: string) => items.filter((item) => item.platform === platform).length;
        assert.deepEqual([count("tiktok"), count("instagram"), count("youtube")], [9, 3, 5]);
        assert.equal(item_count, 17);
        assert.equal(new Set(items.map(({ url }) => url)).size, 17);
        assert.ok(Date.now() - Date.parse(scraped_at) < 60_000);
        const queries = asked.map((path) => new URL(path, "http://x").searchParams);
        assert.deepEqual(
          queries.map((query) => query.get("q") ?? query.get("search_query")),
          Array(3).fill(HOSTILE),
        );
        assert.ok(
          progress.some(({ percent, message }) => percent! > 0 && /tiktok: \d+ posts/.test(message!)),
        );
        assert.ok(progress.every(({ percent }) => percent! >= 0 && percent! <= 100));
      },
    ),
});

Deno.test({
  name: "a stop ends the research at once",
  ...chromium,
  fn: async () => {
    const stop = new AbortController();
    const stopping: Browser = {
      ...webdriver,
      withPage: (options, work) =>
        webdriver.withPage(options, (page) => {
          stop.abort(new Error("cancelled"));
          return work(page);
        }),
    };
    await research(search, { tiktok: "changed" }, async ({ result, asked }) => {
      await assert.rejects(result, /cancelled/);
      assert.equal(asked.length, 1);
    }, { browser: stopping, signal: stop.signal });
  },
});

Deno.test({
  name: "what becomes of the pages, in one real Chromium",
  ...chromium,
  fn: async (t) => {
    await using dir = await tempDir();
    await using start = fixtureSites({}, { byName: true });
    await withSharedBrowser(
      webdriver,
      { url: `${start.origin}/empty`, tempDir: dir.path },
      async (shared) => {
        const read: typeof research = (input, pages, use, options = {}) =>
          research(input, pages, use, { browser: shared, ...options });
        await t.step({
          name: "hashtags and what is trending have their own pages",
          fn: async () => {
            const hashtag = {
              research_type: "hashtag",
              hashtag: "#espresso",
              platforms: ["tiktok", "youtube"],
            };
            await read(
              hashtag,
              { tiktok: "tiktok_tag", youtube: "youtube_hashtag" },
              async ({ result, asked }) => {
                assert.equal((await result).item_count, 3);
                assert.deepEqual(asked, ["/tiktok/tag/espresso", "/youtube/hashtag/espresso?hl=en"]);
              },
            );
            const trending = { research_type: "trending", platforms: ["tiktok", "youtube"], country: "IN" };
            await read(
              trending,
              { tiktok: "tiktok_explore", youtubeCharts: "youtube_charts" },
              async ({ result, asked }) => {
                assert.equal((await result).item_count, 4);
                assert.deepEqual(asked, [
                  "/tiktok/explore",
                  "/youtubeCharts/charts/TrendingVideos/in/weekly",
                ]);
              },
            );
          },
        });

        await t.step({
          name: "a platform that fails is told with picture and page, and the others are kept",
          fn: () =>
            read(
              { ...search, max_items: 4 },
              { tiktok: "captcha", instagram: { to: "/accounts/login/?next=x" }, youtube: "youtube_search" },
              async ({ result, outputDir }) => {
                const { items, platforms_scraped, errors } = await result;
                assert.deepEqual([platforms_scraped, items.length], [["youtube"], 4]);
                assert.deepEqual(errors.map(({ platform, reason }) => [platform, reason]), [
                  ["tiktok", "captcha"],
                  ["instagram", "login_wall"],
                ]);
                const [captcha] = errors;
                assert.match(captcha!.message, /asks for a captcha \(.*Safari/);
                assert.equal(captcha!.screenshot, join(outputDir, "task-1", "tiktok.png"));
                assert.match(await Deno.readTextFile(captcha!.html!), /captcha-verify-container/);
                for (const file of [captcha!.screenshot!, captcha!.html!]) {
                  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
                }
              },
            ),
        });

        await t.step({
          name: "a platform without results has been read, and nothing is kept of it",
          fn: () =>
            read(
              { ...search, platforms: ["tiktok"] },
              { tiktok: "no_results" },
              async ({ result, outputDir }) => {
                const { items, platforms_scraped, errors } = await result;
                assert.deepEqual([items, platforms_scraped, errors], [[], ["tiktok"], []]);
                await assert.rejects(Deno.stat(outputDir));
              },
            ),
        });

        await t.step({
          name:
            "when no platform can be read the task fails with every reason, and is retried only where that may help",
          fn: async () => {
            const walls = { tiktok: "changed", instagram: "login", youtube: "consent" };
            await read(search, walls, async ({ result, outputDir }) => {
              const reasons = /tiktok: changed_page, .*instagram: login_wall, .*youtube: consent_wall, /;
              await fails(result, reasons, false);
              const kept = [...Deno.readDirSync(join(outputDir, "task-1"))].map(({ name }) => name).sort();
              assert.deepEqual(kept, [
                "instagram.html",
                "instagram.png",
                "tiktok.html",
                "tiktok.png",
                "youtube.html",
                "youtube.png",
              ]);
            });
            const passing = { tiktok: "refused", instagram: "empty" };
            await read(
              { ...search, platforms: ["tiktok", "instagram"] },
              passing,
              ({ result }) => fails(result, /tiktok: refused, .*instagram: not_loaded, /, true),
            );
          },
        });

        await t.step({
          name: "a page that leads to somebody else's site is not read",
          fn: async () => {
            await using elsewhere = fixtureSites({ tiktok: "tiktok_search" });
            const pages = { tiktok: { to: `${elsewhere.tiktok.replace("127.0.0.1", "localhost")}/x` } };
            await read(
              { ...search, platforms: ["tiktok"] },
              pages,
              ({ result }) => fails(result, /tiktok: redirected, /, true),
            );
          },
        });

        await t.step({
          name:
            "the person's own Safari gives the same, driven by osascript, and all of the query stays data",
          fn: async () => {
            await using dir = await tempDir();
            const { answer, ended } = safariMadeOfChromium(shared, dir.path);
            await using osascript = await osascriptProgram(dir.path, answer);
            const browser = safariBrowser({
              ...MAC,
              os: "darwin",
              osascript: osascript.program,
              lockFolder: join(dir.path, "locks"),
              clock: quickClock(),
            });
            const input = { ...search, platforms: ["youtube"], max_items: 3 };
            await read(input, { youtube: "youtube_search" }, async ({ result, asked }) => {
              const { items, errors } = await result;
              assert.deepEqual(errors, []);
              assert.deepEqual(items.map(({ id }) => id), ["aBcDeFgHiJk", "LoCkUp_0001", "ShOrT_00001"]);
              assert.equal(new URL(asked[0]!, "http://x").searchParams.get("search_query"), HOSTILE);
            }, { browser });
            await ended();
            assert.deepEqual(osascript.calls.map(({ args }) => args[1]).filter((verb) => verb !== "run"), [
              "open",
              "close",
            ]);
            for (const { args, stdin } of osascript.calls) {
              assert.doesNotMatch(stdin, /rm -rf/);
              assert.doesNotMatch(args.join(" "), /rm -rf/);
            }
          },
        });

        await t.step({
          name: "items that would make the output too large are left out, and that is said",
          fn: () =>
            read(
              { ...search, platforms: ["instagram"] },
              { instagram: "instagram_search" },
              async ({ result }) => {
                const { items, item_count, items_left_out } = await result;
                assert.deepEqual([items.length, item_count, items_left_out], [2, 2, 1]);
              },
              { maxOutputBytes: 1_200 },
            ),
        });
      },
    );
  },
});

/** Does what Safari would do with the commands, in real Chromium. */
function safariMadeOfChromium(chromium: Browser, folder: string) {
  const closed = Promise.withResolvers<void>();
  let page: BrowserPage | undefined;
  let session = Promise.resolve();
  const evaluate = (_kit: PageKit, code: string) => (0, eval)(code) as string;
  return {
    ended: () => session,
    answer: async (
      { args: [, verb, first, second] }: { args: readonly string[] },
    ): Promise<OsascriptAnswer> => {
      if (verb === "run") return { stdout: `${await page!.run(evaluate, second!)}\n` };
      if (verb === "close") {
        closed.resolve();
        return {};
      }
      const opened = Promise.withResolvers<BrowserPage>();
      const signal = new AbortController().signal;
      session = chromium.withPage({ url: first!, signal, tempDir: folder }, (found) => {
        opened.resolve(found);
        return closed.promise;
      });
      page = await opened.promise;
      return { stdout: "41\n" };
    },
  };
}

/** A browser without any, for what does not depend on pages. */
const failing = (error: Error): Browser => ({
  name: "chromedriver",
  check: () => Promise.resolve({ available: true }),
  withPage: () => Promise.reject(error),
});

Deno.test("a browser that is not there any more fails the task so that another machine may have it", () =>
  research(
    search,
    {},
    ({ result }) => fails(result, /^Cannot research: no WebDriver program was found \(install/, true),
    {
      browser: failing(new BrowserError("setup", "no WebDriver program was found (install one)")),
    },
  ));

Deno.test("a browser that crashes is a reason like others", () =>
  research(
    search,
    {},
    ({ result }) => fails(result, /tiktok: browser, chromedriver failed: gone; instagram: browser/, true),
    {
      browser: failing(new BrowserError("crashed", "gone")),
    },
  ));

Deno.test("a dry run says which pages would be read, of the platforms themselves", async () => {
  const executor = safariResearch(
    { safariDriver: "webdriver", webdriverPath: "/opt/chromedriver", outputDir: "/out", maxOutputBytes: 1 },
  );
  const plan = await executor.plan!(executor.input.parse({ research_type: "search", query: "a b" }));
  assert.deepEqual(plan, [
    `reads posts from ${PUBLIC_SITES.tiktok}/search/video?q=a%20b with chromedriver`,
    `reads posts from ${PUBLIC_SITES.instagram}/explore/search/keyword/?q=a%20b with chromedriver`,
    "keeps at most 50 of them, each once",
  ]);
});

Deno.test("the executor is offered as its browser is", async () => {
  const settings = { outputDir: "/out", maxOutputBytes: 1 };
  const missing = await safariResearch({
    ...settings,
    safariDriver: "webdriver",
    webdriverPath: "/no/driver",
  }).check();
  assert.ok(!missing.available && /WEBDRIVER_PATH/.test(missing.fix));
  if (Deno.build.os !== "darwin") {
    const safari = await safariResearch({ ...settings, safariDriver: "osascript" }).check();
    assert.ok(!safari.available && /only on macOS/.test(safari.reason));
  }
});
