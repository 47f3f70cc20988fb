import assert from "node:assert/strict";
import { addSample, median, percentile, ratio, renderTable, type Samples, summary } from "./report.ts";

Deno.test("the median of an even number of values lies between the middle two", () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
});

Deno.test("a percentile is interpolated between neighbours", () => {
  assert.equal(percentile([0, 10], 99), 9.9);
  assert.equal(percentile([3, 1, 2], 100), 3);
});

Deno.test("a ratio above 1 means that ours is better, whichever direction is good", () => {
  assert.equal(ratio(20, 10, "more"), 2);
  assert.equal(ratio(20, 10, "less"), 0.5);
  assert.equal(ratio(0, 0, "more"), undefined);
  assert.equal(ratio(20, ">90", "less"), undefined);
});

Deno.test("a failed run does not hide the numbers of the others", () => {
  assert.equal(summary([10, "failed", 20]), 15);
  assert.equal(summary(["failed"]), "failed");
  assert.equal(summary(), undefined);
});

Deno.test("the table shows medians, ratios to the first system, and a dash for what was not measured", () => {
  const samples: Samples = new Map();
  addSample(samples, "tasks/s", "ours", 12_000);
  addSample(samples, "tasks/s", "ours", 14_000);
  addSample(samples, "tasks/s", "theirs", 6500);
  addSample(samples, "stale result", "ours", "refused");
  const rows = [{ label: "tasks/s", better: "more" }, { label: "stale result" }, {
    label: "not run",
  }] as const;
  assert.equal(
    renderTable(rows, ["ours", "theirs"], samples),
    [
      "                 ours      theirs",
      "tasks/s        13,000  6,500 (2×)",
      "stale result  refused           –",
    ].join("\n"),
  );
});
