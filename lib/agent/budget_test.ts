import { equal, ok } from "node:assert/strict";
import { affordableOutput, leastCost } from "./budget.ts";
import { costOf, priceOf } from "./prices.ts";

const { price } = priceOf("claude-opus-5-5");

Deno.test("without a budget an answer may be as long as it likes", () => {
  equal(affordableOutput(price, 10_000, undefined, 16_384), 16_384);
});

Deno.test("the longest answer never costs more than what is left", () => {
  for (const left of [0.08, 0.1, 0.2, 0.3]) {
    const output = affordableOutput(price, 10_000, left, 16_384);
    const cost = costOf(price, { input: 0, cacheRead: 0, cacheWrite: 10_000, output });
    ok(cost <= left + 1e-9, `${cost} of ${left}`);
  }
});

Deno.test("a call is not worth its prompt without room for a short answer", () => {
  const least = leastCost(price, 10_000);
  equal(affordableOutput(price, 10_000, least, 16_384), 1_024);
});
