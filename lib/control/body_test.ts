import assert from "node:assert/strict";
import { fakeClock } from "../testing/fake_clock.ts";
import { ApiError } from "./api_error.ts";
import { asObject, readJson } from "./body.ts";

const post = (body: BodyInit, headers: HeadersInit = {}) =>
  new Request("http://localhost/", { method: "POST", body, headers });
const refusal = (status: number, code: string) => (error: unknown) =>
  error instanceof ApiError && error.status === status && error.code === code;
const stream = (...parts: string[]) =>
  ReadableStream.from(parts.map((part) => new TextEncoder().encode(part)));

Deno.test("a body is read as JSON, and an empty one is undefined", async () => {
  assert.deepEqual(await readJson(post(stream('{"a":', "1}"))), { a: 1 });
  assert.equal(await readJson(post("")), undefined);
  assert.equal(await readJson(new Request("http://localhost/", { method: "POST" })), undefined);
});

Deno.test("a body that is not JSON is refused with the reason", async () => {
  for (const body of ["{", "a=b", "\u0000", new Uint8Array([0x22, 0xff, 0x22])]) {
    await assert.rejects(readJson(post(body)), refusal(400, "bad_json"));
  }
});

Deno.test("a body that is nested too deep is refused before it is parsed, brackets in strings do not count", async () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  for (const body of [nested(101), "[".repeat(500_000), `{"a":${nested(100)}}`]) {
    await assert.rejects(readJson(post(body)), refusal(400, "too_deep"));
  }
  assert.ok(await readJson(post(nested(100))));
  const text = '\\"[[['.repeat(100);
  assert.deepEqual(await readJson(post(JSON.stringify({ text }))), { text });
});

Deno.test("a body that is too large is refused, announced or not", async () => {
  assert.deepEqual(await readJson(post('"12345678"'), 10), "12345678");
  await assert.rejects(readJson(post('"123456789"'), 10), refusal(413, "too_large"));
  await assert.rejects(readJson(post(stream("[1,", "2,3,4,", "5]")), 10), refusal(413, "too_large"));
  await assert.rejects(readJson(post("1", { "content-length": "11" }), 10), refusal(413, "too_large"));
});

Deno.test("a body that does not arrive is given up after ten seconds", async () => {
  const clock = fakeClock();
  let cancelled = false;
  const never = new ReadableStream({ cancel: () => void (cancelled = true) });
  const reading = assert.rejects(readJson(post(never), 10, clock), refusal(408, "too_slow"));
  await clock.advance(10_000);
  await reading;
  assert.equal(cancelled, true);
  assert.equal(clock.pending(), 0);
});

Deno.test("a body that is cut off is told as such", async () => {
  const cut = new ReadableStream({ pull: (controller) => controller.error(new TypeError("reset")) });
  await assert.rejects(readJson(post(cut)), refusal(400, "cut_off"));
});

Deno.test("only objects are objects", () => {
  assert.deepEqual(asObject(undefined), {});
  for (const value of [null, 1, "x", [], true]) {
    assert.throws(() => asObject(value), refusal(400, "bad_request"));
  }
});
