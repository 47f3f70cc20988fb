/** How much of a call a budget allows. Pure. */
import { costOf, type ModelPrice } from "./prices.ts";

/** A call is not worth its prompt when it may answer with fewer tokens than this. */
const LEAST_OUTPUT_TOKENS = 1_024;

/** What a call costs at least, in US dollars: its whole prompt, written to the cache, and a short answer. */
export function leastCost(price: ModelPrice, promptTokens: number): number {
  return callCost(price, promptTokens, LEAST_OUTPUT_TOKENS);
}

/** How long the answer may be so that even the longest costs no more than is left; at most `most` tokens. */
export function affordableOutput(
  price: ModelPrice,
  promptTokens: number,
  leftUsd: number | undefined,
  most: number,
): number {
  if (leftUsd === undefined) return most;
  const prompt = callCost(price, promptTokens, 0);
  const perToken = callCost(price, promptTokens, 1) - prompt;
  const affordable = perToken > 0 ? Math.floor((leftUsd - prompt) / perToken) : most;
  return Math.min(most, Math.max(LEAST_OUTPUT_TOKENS, affordable));
}

function callCost(price: ModelPrice, promptTokens: number, output: number): number {
  return costOf(price, { input: 0, cacheRead: 0, cacheWrite: promptTokens, output });
}
