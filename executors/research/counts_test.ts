import assert from "node:assert/strict";
import { parseCount, parseDuration } from "./counts.ts";

Deno.test("counts are read in the forms that the platforms write", () => {
  const forms: [unknown, number][] = [
    [1234, 1234],
    ["0", 0],
    ["12,345", 12_345],
    ["1.234.567", 1_234_567],
    ["12 345", 12_345],
    ["1\u202f234", 1_234],
    ["1.2M", 1_200_000],
    ["1,2M", 1_200_000],
    ["45K views", 45_000],
    ["2.5B", 2_500_000_000],
    ["1.5 million views", 1_500_000],
    ["1,234,567 views", 1_234_567],
    ["1 view", 1],
    ["No views", 0],
    [" 99 ", 99],
  ];
  for (const [text, count] of forms) assert.equal(parseCount(text), count, String(text));
});

Deno.test("what is no count for certain is unknown, not wrong", () => {
  const doubtful = [
    null,
    undefined,
    "",
    "many",
    "-5",
    -5,
    NaN,
    Infinity,
    "1.2",
    "1,23",
    "12,34,567",
    "1.2X",
    "K",
    {},
    "5 Mio.",
  ];
  for (const value of doubtful) assert.equal(parseCount(value), null, String(value));
});

Deno.test("lengths are seconds or minutes and hours with colons", () => {
  assert.deepEqual(
    [34, 20.48, "0:59", "12:34", "1:02:03"].map(parseDuration),
    [34, 20.5, 59, 754, 3_723],
  );
  assert.deepEqual(["LIVE", "SHORTS", "12", "", 0, -1, null].map(parseDuration), Array(7).fill(null));
});
