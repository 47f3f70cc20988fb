import assert from "node:assert/strict";
import { continues, rangeHeaders, type Received, totalOf, validatorOf } from "./range.ts";

const headers = (given: Record<string, string>) => new Map(Object.entries(given));
const date = "Sun, 01 Mar 2026 12:00:00 GMT";
const received: Received = { bytes: 100, total: 300, validator: '"v1"' };
const answer = (range: string, more: Record<string, string> = {}, status = 206) => ({
  status,
  headers: headers({ "content-range": range, ...more }),
});

Deno.test("a strong ETag identifies the content, a weak one does not", () => {
  assert.equal(validatorOf(headers({ etag: '"abc"' })), '"abc"');
  assert.equal(validatorOf(headers({ etag: 'W/"abc"' })), undefined);
});

Deno.test("without a strong ETag, a Last-Modified time identifies it once the file has rested", () => {
  const modified = "Sun, 01 Mar 2026 11:00:00 GMT";
  assert.equal(validatorOf(headers({ "last-modified": modified, date })), modified);
  assert.equal(validatorOf(headers({ etag: 'W/"abc"', "last-modified": modified, date })), modified);
  assert.equal(validatorOf(headers({ "last-modified": date, date })), undefined);
  assert.equal(validatorOf(headers({ "last-modified": modified })), undefined);
});

Deno.test("nothing identifies it where no ranges are served, or the header could break a request", () => {
  assert.equal(validatorOf(headers({ etag: '"abc"', "accept-ranges": "none" })), undefined);
  assert.equal(validatorOf(headers({ etag: '"a\rb"' })), undefined);
  assert.equal(validatorOf(headers({ "last-modified": "2026\r", date })), undefined);
  assert.equal(validatorOf(headers({})), undefined);
});

Deno.test("the rest is asked for under the condition that the file is the same", () => {
  assert.deepEqual(rangeHeaders(received), { "Range": "bytes=100-", "If-Range": '"v1"' });
});

Deno.test("only the exact rest of the same file is gone on with", () => {
  assert.ok(continues(answer("bytes 100-299/300"), received));
  assert.ok(continues(answer("bytes 100-299/300", { etag: '"v1"' }), received));
  assert.ok(continues(answer("bytes 100-299/*"), received));
  assert.ok(continues(answer("bytes 100-499/500"), { ...received, total: undefined }));
  for (
    const range of [
      "bytes 99-299/300",
      "bytes 100-298/300",
      "bytes 100-399/400",
      "bytes 100-199/300",
      "x",
      "",
    ]
  ) {
    assert.ok(!continues(answer(range), received), range);
  }
  assert.ok(!continues(answer("bytes 100-299/300", { etag: '"v2"' }), received));
  assert.ok(!continues(answer("bytes 100-299/300", {}, 200), received));
});

Deno.test("the whole size is read from either header", () => {
  assert.equal(totalOf(answer("bytes 100-299/300", { "content-length": "200" })), 300);
  assert.equal(totalOf(answer("bytes 100-299/*", { "content-length": "200" })), undefined);
  assert.equal(totalOf({ status: 200, headers: headers({ "content-length": "200" }) }), 200);
  assert.equal(totalOf({ status: 200, headers: headers({ "content-length": "2e9" }) }), undefined);
  assert.equal(totalOf({ status: 200, headers: headers({}) }), undefined);
});
