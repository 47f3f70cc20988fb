import assert from "node:assert/strict";
import { fixtureSites } from "../../lib/testing/fixture_sites.ts";
import { findProgram, needs } from "../../lib/testing/requirements.ts";
import { goTo } from "../../lib/testing/shared_browser.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import type { BrowserPage } from "../browser/browser.ts";
import { scrollToEnd } from "../browser/page_actions.ts";
import type { PageScript } from "../browser/page_script.ts";
import { webdriverBrowser } from "../browser/webdriver.ts";
import type { Platform } from "./input.ts";
import { type RawItem, type ResearchItem, researchItem } from "./item.ts";
import { mergeInto } from "./merge.ts";
import { MARKERS, obstacleOn } from "./obstacle.ts";
import { readState } from "./page_state.ts";
import { readInstagram } from "./readers/instagram.ts";
import { readTiktok } from "./readers/tiktok.ts";
import { readYoutube } from "./readers/youtube.ts";
import { readYoutubeCharts } from "./readers/youtube_charts.ts";

const now = Date.UTC(2026, 5, 15);
const READERS = { tiktok: readTiktok, instagram: readInstagram, youtube: readYoutube };

/** One browser for all pages, since starting it is what takes time. */
interface Bench {
  /** Goes to a fixture page and reads it, as the posts of one platform, by id. */
  read(
    name: string,
    platform: Platform,
    reader?: PageScript<null, RawItem[]>,
  ): Promise<Map<string, ResearchItem>>;
  readonly page: BrowserPage;
}

async function withBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  await using dir = await tempDir();
  const browser = webdriverBrowser({
    webdriverPath: await findProgram("chromedriver"),
    webdriverBrowser: await findProgram("chromium"),
  });
  // Each fixture page has a site of its own name.
  await using sites = fixtureSites({}, { byName: true });
  const signal = new AbortController().signal;
  await browser.withPage({ url: `${sites.origin}/empty`, signal, tempDir: dir.path }, (page) =>
    use({
      page,
      async read(name, platform, reader = READERS[platform]) {
        await goTo(page, `${sites.origin}/${name}`);
        return merged(await page.run(reader, null), platform);
      },
    }));
}

function merged(raw: readonly RawItem[], platform: Platform): Map<string, ResearchItem> {
  const known = new Map<string, ResearchItem>();
  mergeInto(known, raw.flatMap((found) => researchItem(platform, found, now) ?? []));
  return known;
}

Deno.test({
  name: "the readers in real Chromium",
  ...await needs("chromium", "chromedriver"),
  fn: (t) =>
    withBench(async ({ read, page }) => {
      await t.step(
        "TikTok search: embedded posts in full, then those on the page, without advertisements",
        async () => {
          const items = await read("tiktok_search", "tiktok");
          assert.deepEqual([...items.keys()], [
            "7311111111111111111",
            "7322222222222222222",
            "7333333333333333333",
          ]);
          assert.deepEqual(items.get("7311111111111111111"), {
            platform: "tiktok",
            id: "7311111111111111111",
            url: "https://www.tiktok.com/@brew.lab/video/7311111111111111111",
            author: "brew.lab",
            author_name: "The Brew Lab",
            caption: "Cold brew in 3 steps \u2615 #coldbrew #Coffee",
            hashtags: ["coldbrew", "coffee"],
            counts: { views: 1_234_567, likes: 120_412, comments: 842, shares: 3_107 },
            posted_at: "2023-12-11T04:13:20.000Z",
            posted_at_precision: "second",
            media: {
              type: "video",
              thumbnail_url: "https://p16-sign.example/cover1.jpeg",
              duration_seconds: 34,
            },
          });
          const photos = items.get("7322222222222222222")!;
          assert.equal(photos.url, "https://www.tiktok.com/@quiet_kitchen/photo/7322222222222222222");
          assert.deepEqual(photos.media, {
            type: "carousel",
            thumbnail_url: "https://p16-sign.example/photo1.jpeg",
            duration_seconds: null,
          });
          const shown = items.get("7333333333333333333")!;
          assert.deepEqual([shown.author, shown.caption], ["caf\u00e9.noir", "Nitro at home #nitro"]);
          assert.deepEqual([shown.counts.likes, shown.counts.views], [2_500_000, null]);
          assert.equal(shown.url, "https://www.tiktok.com/@caf%C3%A9.noir/video/7333333333333333333");
          assert.equal(shown.posted_at?.slice(0, 7), "2024-02");
        },
      );

      await t.step("TikTok search: more posts come by scrolling", async () => {
        await page.run(scrollToEnd, null);
        let items = merged(await page.run(readTiktok, null), "tiktok");
        while (items.size < 6) items = merged(await page.run(readTiktok, null), "tiktok");
        assert.equal(items.get("7344444444444444441")?.caption, "More 1");
      });

      await t.step("TikTok hashtag: the older embedded form, and tiles with views", async () => {
        const items = await read("tiktok_tag", "tiktok");
        const [embedded, shown] = [...items.values()];
        assert.deepEqual([items.size, embedded!.author, embedded!.author_name], [2, "dial.in", "Dial In"]);
        assert.deepEqual(embedded!.counts, { views: 99, likes: 5, comments: 0, shares: 1 });
        assert.deepEqual([shown!.media.type, shown!.counts.views], ["image", 12_300]);
        assert.deepEqual(shown!.hashtags, ["espresso", "lever"]);
      });

      await t.step("TikTok explore: nothing embedded, all from the page", async () => {
        let items = await read("tiktok_explore", "tiktok");
        while (items.size < 2) items = merged(await page.run(readTiktok, null), "tiktok");
        const [one, two] = [...items.values()];
        assert.deepEqual([one!.author, one!.caption, one!.counts.views], ["one", "First one", 1_100_000]);
        assert.deepEqual([two!.author, two!.caption, two!.counts.views], ["two", "Second one", null]);
      });

      await t.step("Instagram search: posts deep inside the page's JSON, then its tiles", async () => {
        const items = await read("instagram_search", "instagram");
        assert.deepEqual([...items.keys()], ["DFp17y5MymE", "DFq28z6NznF", "DGx39a7OaoG"]);
        const [reel, carousel, tile] = [...items.values()];
        assert.deepEqual(reel, {
          platform: "instagram",
          id: "DFp17y5MymE",
          url: "https://www.instagram.com/p/DFp17y5MymE/",
          author: "pour.over",
          author_name: "Pour & Over",
          caption: "Latte art in 20 seconds \u2615\n#latteart #Barista",
          hashtags: ["latteart", "barista"],
          counts: { views: 987_654, likes: 15_300, comments: 201, shares: 77 },
          posted_at: "2025-02-03T17:00:00.000Z",
          posted_at_precision: "second",
          media: { type: "short", thumbnail_url: "https://scontent.example/1.jpg", duration_seconds: 20.5 },
        });
        assert.deepEqual([carousel!.media.type, carousel!.caption, carousel!.counts.likes], [
          "carousel",
          null,
          null,
        ]);
        assert.equal(tile!.caption, "Photo by Beans on February 5, 2025.");
        assert.equal(tile!.media.thumbnail_url, "https://scontent.example/dom3.jpg");
      });

      await t.step("Instagram hashtag: the older graph form", async () => {
        const [video, sidecar] = [...(await read("instagram_tag", "instagram")).values()];
        assert.deepEqual([video!.id, video!.author, video!.media.type], [
          "BcRItUGHTZ7",
          "green.bowls",
          "video",
        ]);
        assert.deepEqual(video!.counts, { views: 1_024, likes: 57, comments: 4, shares: null });
        assert.equal(video!.posted_at, "2017-12-04T04:58:28.000Z");
        assert.deepEqual([sidecar!.media.type, sidecar!.counts.likes, sidecar!.caption], [
          "carousel",
          0,
          null,
        ]);
      });

      await t.step("Instagram post: what its og: fields say", async () => {
        const [post] = [...(await read("instagram_post", "instagram")).values()];
        assert.deepEqual([post!.id, post!.author, post!.media.type], ["BcRItUGHTZ7", "green.bowls", "short"]);
        assert.equal(post!.caption, 'Green bowls: the "secret" #vegan');
        assert.deepEqual([post!.counts.likes, post!.counts.comments], [1_234, 5]);
      });

      await t.step("YouTube search: all forms of videos, without advertisements and playlists", async () => {
        const items = await read("youtube_search", "youtube");
        assert.deepEqual([...items.keys()], ["aBcDeFgHiJk", "LoCkUp_0001", "ShOrT_00001", "DoMoNlY0001"]);
        const [video, lockup, short, shown] = [...items.values()];
        assert.deepEqual(video, {
          platform: "youtube",
          id: "aBcDeFgHiJk",
          url: "https://www.youtube.com/watch?v=aBcDeFgHiJk",
          author: "coffeeandco",
          author_name: "Coffee & Co",
          caption: "The Moka Pot Guide",
          hashtags: [],
          counts: { views: 1_234_567, likes: null, comments: null, shares: null },
          posted_at: new Date(now - 2 * 365.25 * 864e5).toISOString(),
          posted_at_precision: "year",
          media: {
            type: "video",
            thumbnail_url: "https://i.ytimg.com/vi/aBcDeFgHiJk/hq720.jpg",
            duration_seconds: 3_723,
          },
        });
        assert.deepEqual([lockup!.author, lockup!.author_name, lockup!.caption], [
          "tinykitchen",
          "Tiny Kitchen",
          "Moka pot mistakes",
        ]);
        assert.deepEqual(
          [lockup!.counts.views, lockup!.posted_at_precision, lockup!.media.duration_seconds],
          [
            45_000,
            "week",
            581,
          ],
        );
        assert.deepEqual([short!.media.type, short!.counts.views, short!.hashtags], ["short", 1_500_000, [
          "shorts",
        ]]);
        assert.equal(short!.url, "https://www.youtube.com/shorts/ShOrT_00001");
        assert.deepEqual([shown!.author, shown!.author_name, shown!.caption], [
          "domchannel",
          "Dom Channel",
          "Seen on the page only",
        ]);
        assert.deepEqual([shown!.counts.views, shown!.posted_at_precision, shown!.media.duration_seconds], [
          12_000,
          "day",
          245,
        ]);
      });

      await t.step(
        "YouTube search: what came by scrolling is read from the page's own elements",
        async () => {
          await page.run(scrollToEnd, null);
          let items = merged(await page.run(readYoutube, null), "youtube");
          while (items.size < 5) items = merged(await page.run(readYoutube, null), "youtube");
          const later = items.get("ScRoLlEd001")!;
          assert.deepEqual([later.caption, later.counts.views, later.posted_at_precision], [
            "Came by scrolling",
            0,
            "hour",
          ]);
        },
      );

      await t.step("YouTube hashtag: the grid's videos", async () => {
        const [short] = [...(await read("youtube_hashtag", "youtube")).values()];
        assert.deepEqual([short!.id, short!.media.type, short!.author], ["HaShTaG0001", "short", "Press"]);
        assert.deepEqual([short!.counts.views, short!.hashtags], [17, ["aeropress"]]);
      });

      await t.step("YouTube charts: rows with and without a shadow", async () => {
        const items = await read("youtube_charts", "youtube", readYoutubeCharts);
        assert.deepEqual([...items.keys()], ["ChArT_00001", "ShAdOw00001"]);
        const [first, second] = [...items.values()];
        assert.deepEqual([first!.caption, first!.author], ["Song of the week", "Some Band"]);
        assert.equal(second!.caption, "In the shadow");
      });

      for (
        const [name, obstacle] of [
          ["captcha", "captcha"],
          ["login", "login_wall"],
          ["consent", "consent_wall"],
          ["refused", "refused"],
          ["no_results", "no_results"],
          ["changed", undefined],
          ["empty", undefined],
          ["tiktok_search", undefined],
          ["instagram_search", undefined],
          ["youtube_search", undefined],
        ] as const
      ) {
        await t.step(`the page ${name} shows ${obstacle ?? "no obstacle"}`, async () => {
          await read(name, "tiktok");
          assert.equal(obstacleOn("tiktok", await page.run(readState, MARKERS), () => true), obstacle);
        });
      }

      await t.step("a reader finds nothing, and fails at nothing, on pages of other kinds", async () => {
        for (const name of ["captcha", "login", "consent", "refused", "no_results", "changed", "empty"]) {
          for (const platform of ["tiktok", "instagram", "youtube"] as const) {
            assert.equal((await read(name, platform)).size, 0, `${platform} on ${name}`);
          }
          assert.equal((await read(name, "youtube", readYoutubeCharts)).size, 0);
        }
      });
    }),
});
