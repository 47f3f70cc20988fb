import assert from "node:assert/strict";
import { inputSchema } from "./input_schema.ts";

const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: "object",
  properties,
  ...more,
});
const accepts = (schema: Record<string, unknown>, input: unknown) =>
  inputSchema(schema).safeParse(input).success;
const refuses = (schema: Record<string, unknown>, message: RegExp) =>
  assert.throws(() => inputSchema(schema), message);

Deno.test("input is checked by type, bounds, required names and unknown names", () => {
  const schema = object({
    title: { type: "string", minLength: 1, maxLength: 5, pattern: "^[a-z]+$" },
    count: { type: "integer", minimum: 1, maximum: 3 },
    tags: { type: "array", items: { type: "string" }, maxItems: 2, uniqueItems: true },
    size: { enum: ["s", "l", 7] },
    note: { type: ["string", "null"] },
  }, { required: ["title"], additionalProperties: false });
  assert.ok(accepts(schema, { title: "abc", count: 2, tags: ["a", "b"], size: 7, note: null }));
  for (
    const wrong of [
      {},
      { title: "" },
      { title: "abcdef" },
      { title: "A" },
      { title: "a", count: 0 },
      { title: "a", count: 1.5 },
      { title: "a", tags: ["a", "a"] },
      { title: "a", tags: ["a", "b", "c"] },
      { title: "a", size: "m" },
      { title: "a", note: 1 },
      { title: "a", other: 1 },
      [],
      "a",
    ]
  ) assert.equal(accepts(schema, wrong), false, JSON.stringify(wrong));
});

Deno.test("defaults are filled in", () => {
  const schema = object({ count: { type: "integer", default: 4 }, size: { enum: ["s", "l"], default: "s" } });
  assert.deepEqual(inputSchema(schema).parse({}), { count: 4, size: "s" });
});

Deno.test("references inside the schema and combinations are kept", () => {
  const schema = object({
    at: { $ref: "#/$defs/place" },
    id: { anyOf: [{ type: "string" }, { type: "integer" }] },
  }, {
    $defs: { place: object({ x: { type: "number" } }, { required: ["x"] }) },
  });
  assert.ok(accepts(schema, { at: { x: 1 }, id: "a" }));
  assert.equal(accepts(schema, { at: {} }), false);
  assert.equal(accepts(schema, { id: true }), false);
});

Deno.test("what would not be kept in full is refused with its place, never passed over", () => {
  refuses({ type: "string" }, /input must have "type": "object"/);
  refuses(object({ a: { type: "text" } }), /input\.properties\.a\.type "text" is unknown/);
  refuses(object({ a: { minLength: 1 } }), /input\.properties\.a\.minLength needs "type" beside it/);
  refuses(object({ a: { type: "string", minimum: 1 } }), /properties\.a\.minimum is not supported here/);
  refuses(object({}, { propertys: {} }), /input\.propertys is not supported here/);
  refuses(object({ a: true }, { required: ["b"] }), /required names "b", which is not among its properties/);
  refuses(object({ a: { type: "array", maxItems: 3 } }), /properties\.a needs "items"/);
  refuses(object({ a: { $ref: "#/$defs/b", minLength: 1 } }), /properties\.a\.minLength/);
  refuses(object({ a: { enum: ["x"], pattern: "y" } }), /properties\.a\.pattern/);
  refuses(object({ a: { not: { type: "string" } } }), /properties\.a\.not is not supported/);
  refuses(object({}, { if: { type: "object" } }), /input\.if is not supported/);
  refuses(
    object({ a: { type: "array", items: { type: "object", required: ["q"] } } }),
    /a\.items\.required names "q"/,
  );
  refuses(object({ a: "string" }), /input\.properties\.a is no schema/);
});

Deno.test("references that lead nowhere or away, and broken patterns, are refused", () => {
  refuses(object({ a: { $ref: "#/$defs/none" } }), /Reference not found/);
  refuses(object({ a: { $ref: "https://example.com/schema" } }), /local refs/);
  refuses(object({ a: { type: "string", pattern: "(" } }), /regular expression/);
});

Deno.test("a schema that is nested without end is refused", () => {
  let schema: Record<string, unknown> = { type: "string" };
  for (let i = 0; i < 40; i++) schema = { type: "array", items: schema };
  refuses(object({ a: schema }), /nested too deeply/);
});
