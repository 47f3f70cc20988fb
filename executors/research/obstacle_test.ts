import assert from "node:assert/strict";
import { explain, mayPass, obstacleOn, type Reason } from "./obstacle.ts";
import type { PageState } from "./page_state.ts";

const on = (state: Partial<PageState>) =>
  obstacleOn(
    "tiktok",
    { href: "https://www.tiktok.com/search/video?q=x", title: "", text: "", seen: [], ...state },
    (url) => url.host.endsWith("tiktok.com"),
  );

Deno.test("walls are known by where the page led to", () => {
  assert.equal(on({ href: "https://consent.youtube.com/m?continue=x" }), "consent_wall");
  assert.equal(on({ href: "https://www.tiktok.com/login?redirect_url=x" }), "login_wall");
  assert.equal(on({ href: "https://www.tiktok.com/accounts/login/" }), "login_wall");
  assert.equal(on({ href: "https://www.google.com/sorry/index?continue=x" }), "captcha");
  assert.equal(on({ href: "https://elsewhere.example/" }), "redirected");
});

Deno.test("walls are known by what can be seen", () => {
  assert.equal(on({ seen: ["captcha", "login"] }), "captcha");
  assert.equal(on({ seen: ["login"] }), "login_wall");
  assert.equal(on({ seen: ["loginDialog"] }), "login_wall");
  assert.equal(on({ seen: ["consent"] }), "consent_wall");
});

Deno.test("an empty result is told from a refusal, though both stand in the same place", () => {
  assert.equal(on({ seen: ["searchError"], text: 'No results found for "qqqq"' }), "no_results");
  assert.equal(on({ seen: ["searchError"], text: "Something went wrong" }), "refused");
  assert.equal(on({ text: "Please wait a few minutes before you try again." }), "refused");
});

Deno.test("a log-in form in a page without results does not make a wall of it", () => {
  assert.equal(on({ seen: ["loginDialog"], text: "No results found" }), "no_results");
});

Deno.test("a page that gives nothing away is no known obstacle", () => {
  assert.equal(on({ text: "Welcome" }), undefined);
  assert.equal(on({ href: "" }), undefined);
});

Deno.test("every reason is explained with what to do, and only some pass by themselves", () => {
  const reasons: Reason[] = [
    "captcha",
    "login_wall",
    "consent_wall",
    "refused",
    "redirected",
    "changed_page",
    "not_loaded",
    "browser",
  ];
  for (const reason of reasons) {
    assert.match(explain(reason, "tiktok", "chromedriver"), /tiktok|chromedriver/);
  }
  assert.match(explain("login_wall", "tiktok", "Safari"), /log in in Safari/);
  assert.match(explain("login_wall", "tiktok", "chromedriver"), /SAFARI_DRIVER=osascript/);
  assert.deepEqual(reasons.filter(mayPass), ["captcha", "refused", "redirected", "not_loaded", "browser"]);
});
