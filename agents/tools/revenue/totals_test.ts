import { deepEqual } from "node:assert/strict";
import { type RevenueFigures, sumRevenue } from "./totals.ts";

Deno.test("a month's total is what came in the owner's currency; the rest is told apart", () => {
  const reading = (stream: string, currency: string, amount: string) => ({
    stream,
    currency,
    amount,
    read_at: "2026-03-10T00:00:00Z",
  });
  const figures: RevenueFigures = {
    month: "2026-03",
    target: "9500",
    deals: [{ type: "upwork", value: "4000" }],
    readings: [reading("stripe", "usd", "1500.10"), reading("app_store", "eur", "20")],
    pipeline: "2000",
    all_deals: "10000",
    all_readings: [reading("stripe", "usd", "3000.10"), reading("app_store", "eur", "20")],
  };
  const totals = sumRevenue(figures, "USD", 50_000);
  deepEqual(totals.streams, { stripe: 1500.1, upwork: 4000 });
  deepEqual([totals.total, totals.gap, totals.percent_of_target], [5500.1, 3999.9, 57.9]);
  deepEqual([totals.cumulative, totals.cumulative_goal], [13_000.1, 50_000]);
  deepEqual(totals.other_currencies, { eur: 20 });
  const open = sumRevenue({ ...figures, target: null }, "usd");
  deepEqual([open.target, open.gap, open.percent_of_target, open.cumulative_goal], [null, null, null, null]);
});
