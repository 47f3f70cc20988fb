import { deepEqual, equal, ok } from "node:assert/strict";
import type Anthropic from "@anthropic-ai/sdk";
import { AGENT_FIELDS } from "../config/agent_fields.ts";
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

/** The models that the SDK knows by name. */
type SdkModel = Anthropic.Model extends infer Name
  ? Name extends string ? string extends Name ? never : Name : never
  : never;

/**
 * All of them, which the compiler checks: a name that the SDK drops or adds is an error here. True: the table has its price;
 * the others are not on the price list that it was compared with, and count as the dearest.
 */
const SDK_MODELS: Readonly<Record<SdkModel, boolean>> = {
  "claude-fable-5-2": false,
  "claude-mythos-5-2": false,
  "claude-haiku-5-5": true,
  "claude-sonnet-5-5": true,
  "claude-fable-5-1": true,
  "claude-opus-5-5": true,
  "claude-mythos-5-1": true,
  "claude-sonnet-5": true,
  "claude-fable-5": true,
  "claude-mythos-5": true,
  "claude-opus-5": true,
  "claude-opus-4-8": true,
  "claude-opus-4-7": true,
  "claude-mythos-preview": false,
  "claude-opus-4-6": true,
  "claude-sonnet-4-6": true,
  "claude-haiku-4-5": true,
  "claude-haiku-4-5-20251001": true,
  "claude-opus-4-5": true,
  "claude-opus-4-5-20251101": true,
  "claude-sonnet-4-5": true,
  "claude-sonnet-4-5-20250929": true,
};

Deno.test("the models that the SDK names have their price, or count as the dearest", () => {
  const dearest = priceOf("nobody-knows").price;
  for (const [model, priced] of Object.entries(SDK_MODELS)) {
    const { price, known } = priceOf(model);
    equal(known, priced, model);
    ok(price.output > price.input && price.input <= dearest.input && price.output <= dearest.output, model);
  }
});

Deno.test("the models that agents have unless told are current ones, from the small to the large", () => {
  const models = (["agentModelHaiku", "agentModelSonnet", "agentModelOpus"] as const).map((name) =>
    String(AGENT_FIELDS[name].default)
  );
  ok(models.every((model) => SDK_MODELS[model as SdkModel]), `${models}`);
  const outputs = models.map((model) => priceOf(model).price.output);
  deepEqual(outputs.toSorted((a, b) => a - b), outputs);
});
