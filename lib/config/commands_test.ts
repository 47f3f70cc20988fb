import assert from "node:assert/strict";
import { commandsSchema, fillPlaceholders, placeholdersIn } from "./commands.ts";

const base = { name: "resize", program: "convert" };

/** The problems of one declaration, as `path: message`. */
function problems(declaration: Record<string, unknown>): string[] {
  const result = commandsSchema.safeParse([{ ...base, ...declaration }]);
  return (result.error?.issues ?? []).map(({ path, message }) => `${path.slice(1).join(".")}: ${message}`);
}

Deno.test("a declaration needs little and gets its defaults", () => {
  assert.deepEqual(commandsSchema.parse([{ ...base, input: { width: { type: "integer", min: 1 } } }]), [{
    ...base,
    args: [],
    input: { width: { type: "integer", required: true, min: 1 } },
    stdin: "none",
  }]);
});

Deno.test("arguments may name input fields, the worker's own folders and, doubled, themselves", () => {
  const input = { file: { type: "path" } };
  const args = ["-i", "{file}", "--out={outputDir}/x", "{tempDir}", "{{file}}", '{"a":{"b":1}}', "{1}", ""];
  assert.deepEqual(problems({ input, args }), []);
  assert.match(problems({ input, args: ["{fil}"] })[0], /^args\.0: names \{fil\}, which is no field/);
});

Deno.test("what cannot work is refused where it stands", () => {
  const field = (spec: Record<string, unknown>) => problems({ input: { f: { type: "string", ...spec } } })[0];
  assert.match(problems({ name: "Bad-Name" })[0], /^name: must be lower-case/);
  assert.match(problems({ program: "./convert" })[0], /^program: must be an absolute path or a bare name/);
  assert.match(problems({ cwd: "here" })[0], /^cwd: must be an absolute path/);
  assert.match(problems({ args: ["a\0"] })[0], /^args\.0: /);
  assert.match(problems({ shell: true })[0], /Unrecognized key: "shell"/);
  assert.match(problems({ input: { tempDir: { type: "string" } } })[0], /^input\.tempDir: is a name that/);
  assert.match(problems({ input: { "a-b": { type: "string" } } })[0], /^input\.a-b: /);
  assert.match(problems({ retryExitCodes: [0] })[0], /^retryExitCodes\.0: /);
  assert.match(problems({ env: ["A=B"] })[0], /^env\.0: /);
  assert.match(field({ pattern: "(" }), /^input\.f\.pattern: must be a regular expression/);
  assert.match(field({ default: 3 }), /^input\.f\.default: must be of type string/);
  assert.match(field({ type: "integer", default: 1.5 }), /must be of type integer/);
  assert.match(field({ enum: ["a", 1] }), /^input\.f\.enum: must hold values of type string/);
  assert.match(field({ min: 1 }), /^input\.f\.min: and max are only for numbers/);
  assert.match(field({ type: "number", min: 2, max: 1 }), /^input\.f\.min: must not be above max/);
  assert.match(field({ type: "boolean", pattern: "x" }), /^input\.f\.pattern: is only for text/);
});

Deno.test("two declarations of one name are refused", () => {
  assert.match(commandsSchema.safeParse([base, base]).error!.issues[0].message, /resize is declared twice/);
});

Deno.test("placeholders are filled once, and an argument that lacks a value is left out", () => {
  assert.deepEqual(placeholdersIn("{a}x{b}{{c}}"), ["a", "b"]);
  assert.equal(fillPlaceholders("{a}-{b}-{{a}}", { a: "{b}", b: 2 }), "{b}-2-{a}");
  assert.equal(fillPlaceholders("--on={flag}", { flag: false }), "--on=false");
  assert.equal(fillPlaceholders("--size={size}", { size: undefined }), undefined);
  assert.equal(fillPlaceholders("{toString}", {}), undefined);
  assert.equal(fillPlaceholders("$& {a}", { a: "$&" }), "$& $&");
});
