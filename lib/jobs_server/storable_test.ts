import assert from "node:assert/strict";
import { ApiError } from "../control/api_error.ts";
import { MAX_DEPTH, refuseUnstorable, storable } from "./storable.ts";

const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));

Deno.test("what PostgreSQL cannot keep in a report is replaced, everything else stays", () => {
  const report = { text: "a\0b\ud800", list: [1, null, true, "\udc00"], "key\0": { n: 1.5 } };
  assert.deepEqual(storable(report), {
    text: "a\ufffdb\ufffd",
    list: [1, null, true, "\ufffd"],
    "key\ufffd": { n: 1.5 },
  });
  assert.equal(storable("😀 \\u0000"), "😀 \\u0000");
  assert.equal(storable(undefined), undefined);
});

Deno.test("what PostgreSQL cannot keep in a request is refused by the field's name", () => {
  refuseUnstorable({ wdl: "version 1.0", inputs: { a: ["😀"] } });
  for (
    const [value, field] of [
      [{ wdl: "a\0" }, "wdl"],
      [{ inputs: { files: ["ok", "\ud800"] } }, "inputs.files[1]"],
      [{ inputs: { "\0": 1 } }, "inputs.\0"],
    ] as const
  ) {
    assert.throws(() => refuseUnstorable(value), (error) => {
      assert.ok(error instanceof ApiError && error.status === 400);
      assert.deepEqual((error.details as { field: string }[])[0]!.field, field);
      return true;
    });
  }
});

Deno.test("nesting has a bound, whatever is done with the value", () => {
  storable(nested(MAX_DEPTH));
  for (const act of [storable, refuseUnstorable]) {
    assert.throws(() => act({ inputs: nested(100_000) }), { status: 400, message: /deeper than 100/ });
  }
});

Deno.test("a key named __proto__ is a key like others", () => {
  const value = JSON.parse(`{"__proto__": {"a": 1}}`);
  assert.deepEqual(Object.keys(storable(value)), ["__proto__"]);
});
