import assert from "node:assert/strict";
import { PLATFORMS, type ResearchTarget } from "./input.ts";
import { PUBLIC_SITES, researchPage } from "./sites.ts";

const urls = (target: ResearchTarget) =>
  PLATFORMS.map((platform) => researchPage(platform, target, PUBLIC_SITES).url);

Deno.test("each platform has its page for a search, a hashtag and what is trending", () => {
  assert.deepEqual(urls({ type: "search", query: "cold brew" }), [
    "https://www.tiktok.com/search/video?q=cold%20brew",
    "https://www.instagram.com/explore/search/keyword/?q=cold%20brew",
    "https://www.youtube.com/results?search_query=cold%20brew&hl=en",
  ]);
  assert.deepEqual(urls({ type: "hashtag", hashtag: "caf\u00e9" }), [
    "https://www.tiktok.com/tag/caf%C3%A9",
    "https://www.instagram.com/explore/tags/caf%C3%A9/",
    "https://www.youtube.com/hashtag/caf%C3%A9?hl=en",
  ]);
  assert.deepEqual(urls({ type: "trending", country: "in" }), [
    "https://www.tiktok.com/explore",
    "https://www.instagram.com/explore/",
    "https://charts.youtube.com/charts/TrendingVideos/in/weekly",
  ]);
});

Deno.test("whatever is searched for stays one parameter of the platform's own address", () => {
  const hostile = [
    "x&q=y#z",
    "../../login",
    '"; do shell script "rm -rf ~"',
    "a\nb\\\u2028</script>",
    "@evil.example/",
  ];
  for (const query of hostile) {
    for (const url of urls({ type: "search", query }).map((text) => new URL(text))) {
      assert.match(url.host, /^www\.(tiktok|instagram|youtube)\.com$/);
      assert.equal(url.searchParams.get("q") ?? url.searchParams.get("search_query"), query);
      assert.equal(url.hash, "");
    }
  }
});

Deno.test("only the platform's hosts are its own", () => {
  const { isOwn } = researchPage("youtube", { type: "search", query: "x" }, PUBLIC_SITES);
  for (const host of ["www.youtube.com", "youtube.com", "m.youtube.com"]) {
    assert.ok(isOwn(new URL(`https://${host}/`)));
  }
  for (const host of ["notyoutube.com", "youtube.com.evil.example", "google.com"]) {
    assert.ok(!isOwn(new URL(`https://${host}/`)));
  }
});
