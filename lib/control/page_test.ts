import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { PAGE_PATHS, pageRoutes } from "./page.ts";
import * as format from "./page/format.js";

const page = pageRoutes();

async function textOf(path: string): Promise<string> {
  return await (await page.request(path)).text();
}

Deno.test("the page weighs less than 100 KB on its way to a browser", async () => {
  let bytes = 0;
  for (const path of PAGE_PATHS) {
    const response = await page.request(path, { headers: { "accept-encoding": "gzip, br" } });
    assert.equal(response.headers.get("content-encoding"), "gzip");
    const packed = new Uint8Array(await response.arrayBuffer());
    assert.equal(gunzipSync(packed).toString(), await textOf(path));
    bytes += packed.length;
  }
  assert.ok(bytes < 100_000, `${bytes} bytes`);
});

Deno.test("the page loads and runs nothing but its own files, and never sets markup", async () => {
  const html = await textOf("/");
  const loaded = [...html.matchAll(/(?:src|href)="(\/[^"#]+)"/g)].map(([, path]) => path!);
  assert.deepEqual([...loaded].sort(), PAGE_PATHS.filter((path) => path !== "/").sort());
  assert.doesNotMatch(html, /<script(?! src="\/app\.js")|<style|\son\w+=|\sstyle=|https?:/);
  for (const path of PAGE_PATHS) {
    const text = await textOf(path);
    assert.doesNotMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc|setAttribute\("on/,
      path,
    );
    assert.doesNotMatch(text.replace("http://www.w3.org/2000/svg", ""), /https?:|url\(|@import/, path);
  }
});

Deno.test("the page's files have their types", async () => {
  for (const path of PAGE_PATHS) {
    const type = path.endsWith(".js") ? "javascript" : path.endsWith(".css") ? "css" : "html";
    assert.equal((await page.request(path)).headers.get("content-type"), `text/${type}; charset=utf-8`);
  }
});

Deno.test("spans of time are told in the two largest units", () => {
  const told = [0.02, 4.24, 8, 59.6, 119, 120, 3600, 3900, 86_400, 187_200].map(format.duration);
  assert.deepEqual(told, [
    "20 ms",
    "4.2 s",
    "8 s",
    "60 s",
    "119 s",
    "2 min",
    "1 h",
    "1 h 5 min",
    "1 d",
    "2 d 4 h",
  ]);
  assert.deepEqual([format.millis(null), format.millis(0), format.millis(1500)], ["–", "0 s", "1.5 s"]);
});

Deno.test("moments are told from now", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  const told = ["11:57:00", "12:00:01", "14:00:00"].map((time) =>
    format.relative(`2026-11-29T${time}Z`, now)
  );
  assert.deepEqual(told, ["3 min ago", "now", "in 2 h"]);
});

Deno.test("axes end at a round number, money and texts are short", () => {
  assert.deepEqual([0, 1, 3, 11, 20, 4200].map(format.roundUp), [2, 2, 4, 20, 20, 6000]);
  assert.deepEqual([0, 0.012, 1.5].map(format.money), ["$0.00", "$0.012", "$1.50"]);
  assert.equal(format.oneLine({ a: "x\n y" }), '{"a":"x\\n y"}');
  assert.equal(format.oneLine("a\n  b".repeat(100), 5), "a ba…");
  assert.deepEqual([format.schedule({ cron: "0 6 * * *" }), format.schedule({ everySeconds: 300 })], [
    "0 6 * * *",
    "every 5 min",
  ]);
});
