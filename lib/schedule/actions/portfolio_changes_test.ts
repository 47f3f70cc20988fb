import assert from "node:assert/strict";
import { type Portfolio, portfolioChanges, type PortfolioItem, type Told } from "./portfolio_changes.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const THRESHOLDS = { deadlineMs: 7_200_000, waitingMs: 1_800_000, deadMs: 86_400_000 };
const ID = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";

function item(
  kind: PortfolioItem["kind"],
  minutes: number,
  more: Partial<PortfolioItem> = {},
): PortfolioItem {
  const at = new Date(NOW + minutes * 60_000).toISOString();
  return {
    kind,
    key: `${kind} ${ID}`,
    at,
    task_id: ID,
    task_type: "render",
    detail: null,
    count: null,
    ...more,
  };
}

function look(
  items: PortfolioItem[],
  known: Record<string, Told> = {},
  more: Partial<Portfolio> = {},
  now = NOW,
) {
  const portfolio = { now: new Date(now).toISOString(), items, truncated: [], ...more };
  return portfolioChanges(portfolio, known, THRESHOLDS);
}

Deno.test("a deadline is told two hours before, with the task's id", () => {
  const { lines, severity } = look([item("deadline", 119.9)]);
  assert.deepEqual(lines, [`Alert: Task #${ID} (render) deadline in 2 hours`]);
  assert.equal(severity, "warning");
});

Deno.test("each concern is told once, again when it worsens, and when it is over", () => {
  const first = look([item("deadline", 110)]);
  assert.equal(first.lines.length, 1);
  const again = look([item("deadline", 60)], first.told);
  assert.deepEqual(again.lines, []);
  const worse = look([item("deadline", 25)], again.told);
  assert.deepEqual(worse.lines, [`Alert: Task #${ID} (render) deadline in 25 minutes`]);
  const over = look([item("deadline", -5)], worse.told);
  assert.deepEqual([over.lines, over.severity], [[
    `Alert: Task #${ID} (render) deadline passed 5 minutes ago`,
  ], "alert"]);
  const done = look([], over.told);
  assert.deepEqual([done.lines, done.severity, done.resolved], [
    [`Resolved: Task #${ID} (render) is done, or its deadline was moved`],
    "info",
    1,
  ]);
  assert.deepEqual(look([], done.told).lines, []);
});

Deno.test("what gets better and worse again is told by its worst", () => {
  const worst = look([item("lease", -1)]);
  const better = look([item("lease", 1)], worst.told);
  assert.deepEqual(look([item("lease", -1)], better.told).lines, []);
});

Deno.test("every kind says what is wrong in words", () => {
  const items = [
    item("lease", 0.25, { detail: "mac-1" }),
    item("stuck", -125, { detail: "mac-1" }),
    item("waiting", -45, { key: "waiting render", task_id: null, count: 12 }),
    item("dispute", 600, { detail: "the clip\nis silent" }),
    item("dead", -10, { detail: "no disk" }),
  ];
  assert.deepEqual(look(items).lines, [
    `Alert: Task #${ID} (render) mac-1 is silent, the lease ends in 15 seconds`,
    `Alert: Task #${ID} (render) over its time limit, claimed 2 hours ago`,
    "Alert: Tasks of type render 12 due and not taken, the oldest for 45 minutes",
    `Alert: Dispute about task #${ID} (render) open, votes count for 10 hours more: the clip is silent`,
    `Alert: Task #${ID} (render) failed for good: no disk`,
  ]);
});

Deno.test("the worst comes first", () => {
  const items = [item("dead", -1), item("dispute", -1), item("deadline", 20)];
  assert.deepEqual(look(items).lines.map((line) => /votes|deadline|failed/.exec(line)![0]), [
    "votes",
    "deadline",
    "failed",
  ]);
});

Deno.test("a failure that is only too old to be listed is not told as mended", () => {
  const { told } = look([item("dead", -10)]);
  assert.deepEqual(look([], told, {}, NOW + 86_400_000).lines, []);
  assert.equal(look([], told, {}, NOW + 60_000).resolved, 1);
});

Deno.test("where more is than is listed, what is missing is not told as mended, and is remembered", () => {
  const { told } = look([item("waiting", -40, { key: "waiting a", count: 1 })]);
  const cut = look([], told, { truncated: ["waiting"] });
  assert.deepEqual([cut.lines, Object.keys(cut.told)], [[], ["waiting a"]]);
});
