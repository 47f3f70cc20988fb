import assert from "node:assert/strict";
import { z } from "zod";
import { defineExecutor, type Executor } from "../task/task.ts";
import { boundedOutput, checkInput, cleanProgress, cleanText } from "./limits.ts";

const executor = defineExecutor({
  type: "resize",
  description: "",
  input: z.strictObject({
    size: z.object({ width: z.number().int().positive() }),
    name: z.string().default("out"),
  }),
  check: () => Promise.resolve({ available: true }),
  run: () => Promise.resolve(null),
}) as Executor;

const errorOf = (output: unknown, maxBytes = 1000) => {
  const outcome = boundedOutput(output, maxBytes);
  assert.ok(outcome.kind === "failed" && !outcome.retry);
  return outcome.error;
};

Deno.test("valid input comes back with its defaults filled in", () => {
  const input = { size: { width: 5 } };
  assert.deepEqual(checkInput(executor, input, 1000), { input: { ...input, name: "out" } });
});

Deno.test("bad input is told by field, unknown fields too", () => {
  const checked = checkInput(executor, { size: { width: -1 }, extra: 1 }, 1000);
  assert.ok("problem" in checked);
  assert.match(checked.problem, /^bad input for resize: .*size\.width: /);
  assert.match(checked.problem, /extra/);
});

Deno.test("input is measured in bytes, not characters, and the limit itself is allowed", () => {
  const input = { size: { width: 1 }, name: "äöü" };
  const bytes = new TextEncoder().encode(JSON.stringify(input)).length;
  assert.ok("input" in checkInput(executor, input, bytes));
  const checked = checkInput(executor, input, bytes - 1);
  assert.ok("problem" in checked && checked.problem.includes("TASK_MAX_INPUT_BYTES"));
});

Deno.test("missing input is bad input, not a crash", () => {
  assert.ok("problem" in checkInput(executor, undefined, 1000));
});

Deno.test("output that can be stored is done, and nothing is stored as null", () => {
  assert.deepEqual(boundedOutput({ a: [1] }, 1000), { kind: "done", output: { a: [1] } });
  assert.deepEqual(boundedOutput(undefined, 1000), { kind: "done", output: null });
});

Deno.test("output with a NUL or half a character fails, the text of an escape does not", () => {
  assert.match(errorOf({ a: "x\0y" }), /NUL/);
  assert.match(errorOf({ ["\0"]: 1 }), /NUL/);
  assert.match(errorOf("\\\0"), /NUL/);
  assert.match(errorOf("\ud83d"), /surrogate/);
  for (const fine of ["\\u0000", "\\\\u0000", "\\ud83d", "😀"]) {
    assert.equal(boundedOutput(fine, 1000).kind, "done");
  }
});

Deno.test("output that is not JSON or too large fails with the reason", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const output of [circle, 1n, () => 1, Symbol("x")]) assert.match(errorOf(output), /it is not JSON/);
  assert.match(errorOf("ä".repeat(500)), /1002 bytes, more than the 1000 allowed \(TASK_MAX_OUTPUT_BYTES\)/);
});

Deno.test("text is cut and cleaned so that every queue takes it, also where the cut goes through a character", () => {
  assert.equal(cleanText("a\0b\ud83d", 10), "a\uFFFDb\uFFFD");
  const cut = cleanText("ab😀cd", 3);
  assert.ok(cut.isWellFormed());
  assert.equal(cut, "ab\uFFFD … (3 more)");
});

Deno.test("progress is bounded and keeps only what makes sense", () => {
  const progress = { percent: 120, message: `${"x".repeat(5000)}\0`, remainingSeconds: NaN };
  const clean = cleanProgress(progress);
  assert.deepEqual(Object.keys(clean), ["percent", "message"]);
  assert.equal(clean.percent, 100);
  assert.ok(clean.message!.length < 1100 && !clean.message!.includes("\0"));
  assert.deepEqual(cleanProgress({ percent: -1 }), { percent: 0 });
});
