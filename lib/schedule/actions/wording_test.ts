import assert from "node:assert/strict";
import { type Activity, summaryMessage, summaryTitle } from "./daily_summary.ts";
import { scanMessage, type ScanResult, scanTitle } from "./task_scan.ts";

const SCAN: ScanResult = {
  count: 1,
  capped: false,
  by_type: { render: 1 },
  rewards: [],
  tasks: [{ id: "1", task_type: "render", reward: null, currency: null, deadline: null }],
  seen: {},
};

const QUIET: Activity = {
  hours: 24,
  done: 0,
  failed: 0,
  cancelled: 0,
  retried: 0,
  busy_seconds: 0,
  earnings: [],
  disputed: [],
  ai_cost_usd: null,
  top_errors: [],
};

Deno.test("new tasks are counted in a sentence", () => {
  assert.equal(scanTitle(SCAN), "Found 1 new task matching your capabilities");
  assert.equal(scanTitle({ ...SCAN, count: 7 }), "Found 7 new tasks matching your capabilities");
  assert.equal(
    scanTitle({ ...SCAN, count: 10_000, capped: true }),
    "Found more than 10000 new tasks matching your capabilities",
  );
});

Deno.test("a scan's text has types, rewards and the first tasks", () => {
  const text = scanMessage({
    ...SCAN,
    count: 3,
    by_type: { a: 1, render: 2 },
    rewards: [{ amount: "7.50", currency: "USD" }, { amount: "2", currency: null }],
    tasks: [{
      id: "1",
      task_type: "render",
      reward: "5",
      currency: "USD",
      deadline: "2026-05-01T12:00:00+00:00",
    }],
  });
  assert.equal(
    text,
    "render: 2, a: 1\nRewards: 7.50 USD, 2\n#1 render, 5 USD, until 2026-05-01 12:00 UTC\nand 2 more",
  );
});

Deno.test("a day on which nothing happened is told as that", () => {
  assert.equal(summaryTitle(QUIET), "Daily summary: 0 tasks completed");
  assert.equal(
    summaryMessage(QUIET),
    "Done: 0, failed: 0, cancelled: 0, tried again: 0\nWorking time: 0 seconds\nEarned: nothing",
  );
});

Deno.test("a day's earnings are told by currency, with costs, disputes and errors", () => {
  const day: Activity = {
    ...QUIET,
    done: 12,
    busy_seconds: 7200,
    earnings: [{ currency: "EUR", amount: "1", tasks: 1 }, { currency: "USD", amount: "3.50", tasks: 2 }],
    disputed: [{ currency: "USD", amount: "9", tasks: 1 }],
    ai_cost_usd: "1.2345",
    top_errors: [{ task_type: "render", error: "no\ndisk", count: 4 }],
  };
  assert.equal(summaryTitle(day), "Daily summary: 12 tasks completed, 1 EUR + 3.50 USD earned");
  assert.match(
    summaryMessage(day),
    /Working time: 2 hours\nEarned: 1 EUR \+ 3\.50 USD\nUnder dispute: 9 USD\nAI cost: 1\.23 USD/,
  );
  assert.match(summaryMessage(day), / {2}4× render: no disk$/);
});
