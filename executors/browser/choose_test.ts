import assert from "node:assert/strict";
import { chooseBrowser } from "./choose.ts";

Deno.test("left to itself a Mac uses the person's own Safari, and everything else WebDriver", () => {
  assert.equal(chooseBrowser({ safariDriver: "auto" }, "darwin").name, "Safari");
  assert.equal(chooseBrowser({ safariDriver: "auto" }, "linux").name, "WebDriver");
});

Deno.test("what is configured goes before that", () => {
  const webdriver = { safariDriver: "webdriver", webdriverPath: "/opt/geckodriver" } as const;
  assert.equal(chooseBrowser(webdriver, "darwin").name, "geckodriver");
  assert.equal(chooseBrowser({ safariDriver: "osascript" }, "linux").name, "Safari");
});
