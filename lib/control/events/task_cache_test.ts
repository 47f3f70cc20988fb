import assert from "node:assert/strict";
import { MOST_KNOWN, TaskCache, type WatchedRow, WINDOW } from "./task_cache.ts";

const row = (id: number, status = "succeeded", version = "1"): WatchedRow => [
  version,
  id,
  { id: String(id), status },
];

Deno.test("only what has another version is a change, told oldest first", () => {
  const cache = new TaskCache();
  assert.deepEqual(cache.take([row(2), row(1)], []).map(({ id }) => id), ["1", "2"]);
  assert.deepEqual(cache.take([row(2)], []), []);
  assert.deepEqual(cache.take([row(2, "failed", "2")], []).map(({ status }) => status), ["failed"]);
  assert.deepEqual(cache.versions(), { 1: "1", 2: "2" });
});

Deno.test("settled tasks beyond the newest are forgotten, and open ones are known up to a bound", () => {
  const cache = new TaskCache();
  const rows = Array.from({ length: 1000 }, (_, i) => row(1000 - i, i % 2 ? "pending" : "succeeded"));
  for (let at = 0; at < rows.length; at += 100) cache.take(rows.slice(at, at + 100), []);
  const known = Object.keys(cache.versions());
  assert.equal(known.length, MOST_KNOWN);
  assert.ok(known.includes("1000") && known.includes(String(1000 - WINDOW + 1)) && !known.includes("800"));
  assert.deepEqual(cache.newest(2).map(({ id }) => id), ["1000", "999"]);
});

Deno.test("a deleted task is forgotten, and one that is asked for is looked at once", () => {
  const cache = new TaskCache();
  cache.take([row(1)], []);
  cache.ask("7");
  assert.deepEqual(cache.versions(), { 1: "1", 7: "" });
  cache.ask("8"); // while the database is being asked
  assert.deepEqual(cache.take([row(7, "pending")], ["1"]).map(({ id }) => id), ["7"]);
  assert.deepEqual(cache.versions(), { 7: "1", 8: "" });
  cache.take([], []);
  assert.deepEqual(cache.versions(), { 7: "1" });
});

Deno.test("progress is put into what is known of a running task, and into no settled one", () => {
  const cache = new TaskCache();
  cache.take([row(1, "claimed"), row(2, "failed")], []);
  assert.deepEqual(cache.progress("1", { percent: 5 }), {
    id: "1",
    status: "running",
    progress: { percent: 5 },
  });
  assert.equal(cache.progress("2", { percent: 5 }), undefined);
  assert.equal(cache.progress("3", { percent: 5 }), undefined);
});
