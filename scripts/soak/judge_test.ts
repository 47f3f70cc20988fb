import assert from "node:assert/strict";
import { judge } from "./judge.ts";
import type { Signs } from "./signs.ts";

const COUNT = { enqueued: 100, requests: 1, streams: 0, failures: 0 };
const LIMITS = { warmUpMs: 300_000, growth: 20, backlog: 10 };

/** Half an hour, a look every 5 s. */
function signs(more: (minute: number) => Partial<Signs>): Signs[] {
  return Array.from({ length: 360 }, (_, i) => ({
    at: i * 5000,
    rss: 300,
    heap: 50,
    files: 40,
    children: 1,
    settled: 100,
    claimed: 100,
    fired: 1,
    restarts: 1,
    cpuSeconds: i,
    ...more(i / 12),
  }));
}

function problems(more: (minute: number) => Partial<Signs>, count = COUNT): readonly string[] {
  return judge(signs(more), count, LIMITS).problems;
}

Deno.test("a worker that stays as it is is flat, however it began", () => {
  assert.deepEqual(problems((minute) => minute < 5 ? { rss: 100 + minute * 40 } : {}), []);
});

Deno.test("a steady leak is found, in resident memory and in the heap", () => {
  assert.match(problems((minute) => ({ rss: 300 + minute })).join(), /resident memory grows/);
  assert.match(problems((minute) => ({ heap: 50 + minute * 0.5 })).join(), /heap memory grows/);
});

Deno.test("a dip is no leak", () => {
  assert.deepEqual(problems((minute) => minute > 7 && minute < 9 ? { rss: 250 } : {}), []);
});

Deno.test("files and children that stay open, tasks left undone and requests that fail are found", () => {
  assert.match(problems((minute) => ({ files: 40 + minute })).join(), /open files grow/);
  assert.match(problems((minute) => ({ children: 1 + minute / 3 })).join(), /children grow/);
  assert.match(problems(() => ({ settled: 50 })).join(), /50 tasks are not done/);
  assert.match(problems(() => ({}), { ...COUNT, failures: 2 }).join(), /2 rounds/);
});
