import assert from "node:assert/strict";
import { parseManifest } from "./manifest.ts";

const good = {
  type: "resize",
  description: "resizes a picture",
  command: ["python3", "resize.py"],
  input: { type: "object", properties: { width: { type: "integer" } }, required: ["width"] },
};
const parse = (more: Record<string, unknown>) =>
  parseManifest(JSON.stringify({ ...good, ...more }), "/x/resize");

Deno.test("a manifest says what to run and what input to take", () => {
  const manifest = parse({});
  assert.deepEqual([manifest.type, manifest.command, manifest.protocol, manifest.env, manifest.folder], [
    "resize",
    ["python3", "resize.py"],
    1,
    [],
    "/x/resize",
  ]);
  assert.equal(manifest.input.safeParse({ width: 3 }).success, true);
  assert.equal(manifest.input.safeParse({ width: "3" }).success, false);
});

Deno.test("every wrong field is named", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ type: "Resize!" }, /type: must be lower-case/],
    [{ protocol: 2 }, /protocol: must be 1: this worker speaks no other/],
    [{ command: [] }, /command/],
    [{ command: "python3 resize.py" }, /command: .*expected/],
    [{ command: ["a\0b"] }, /command\.0: must not contain a NUL byte/],
    [{ timeoutSeconds: 0 }, /timeoutSeconds/],
    [{ env: ["A=B"] }, /env\.0/],
    [{ comand: ["x"] }, /comand/],
    [{ outward: "Post to X" }, /outward: must be a word such as post/],
    [{ input: { type: "array" } }, /input must have "type": "object"/],
    [{ input: { ...good.input, required: ["height"] } }, /input\.required names "height"/],
  ];
  for (const [more, message] of cases) assert.throws(() => parse(more), message, JSON.stringify(more));
  assert.throws(() => parse({ type: 1, timeoutSeconds: "long" }), /type: .*; timeoutSeconds: /);
});

Deno.test("what is no JSON is told as that", () => {
  assert.throws(() => parseManifest("{", "/x"), /^Error: is not JSON: /);
  assert.throws(() => parseManifest("[]", "/x"), /expected object/);
});
