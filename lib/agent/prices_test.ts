import { deepEqual, equal } from "node:assert/strict";
import { costOf, priceOf } from "./prices.ts";

const USE = { input: 1_000, output: 500, cacheRead: 10_000, cacheWrite: 2_000 };

Deno.test("a call costs what its four kinds of tokens cost", () => {
  const { price } = priceOf("claude-sonnet-5-5");
  equal(costOf(price, USE), (1_000 * 2 + 500 * 10 + 10_000 * 0.1 + 2_000 * 2.5) / 1_000_000);
});

Deno.test("a model is found with a date at its end", () => {
  deepEqual(priceOf("claude-haiku-4-5-20251001"), priceOf("claude-haiku-4-5"));
});

Deno.test("a model with two price lists costs more when its prompt is long", () => {
  const { price } = priceOf("claude-haiku-5-5");
  const short = costOf(price, { input: 100_000, output: 0, cacheRead: 0, cacheWrite: 0 });
  const long = costOf(price, { input: 0, output: 0, cacheRead: 0, cacheWrite: 100_001 });
  equal(short.toFixed(4), "0.0100");
  equal(long.toFixed(4), "0.0625");
});

Deno.test("an unknown model counts as the dearest, and says so", () => {
  const { price, known } = priceOf("claude-of-the-future");
  deepEqual([known, price.input, price.output], [false, 10, 50]);
});

Deno.test("configured prices go before the table", () => {
  const own = { "my-model": { input: 1, output: 2 }, "claude-sonnet-5": { input: 7, output: 8 } };
  deepEqual(priceOf("my-model", own), { price: own["my-model"], known: true });
  equal(priceOf("claude-sonnet-5", own).price.input, 7);
  equal(priceOf("unknown", { dear: { input: 100, output: 100 } }).price.output, 100);
});
