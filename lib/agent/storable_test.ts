import { deepEqual, equal, ok } from "node:assert/strict";
import { storableJson, storableText } from "./storable.ts";

Deno.test("what PostgreSQL refuses in texts is replaced", () => {
  equal(storableText("a\0b\ud800"), "a\uFFFDb\uFFFD");
  deepEqual(storableJson({ "k\0": ["\udc00"] }), { "k\uFFFD": ["\uFFFD"] });
});

Deno.test("long texts and values are cut", () => {
  ok(storableText("x".repeat(30_000)).length < 20_100);
  ok(JSON.stringify(storableJson({ a: "x".repeat(30_000) })).length < 20_200);
});

Deno.test("what JSON does not know becomes null", () => equal(storableJson(undefined), null));
