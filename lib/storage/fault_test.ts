import assert from "node:assert/strict";
import { explainNetworkError, explainRefusal, type Refusal } from "./fault.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const explain = (status: number, body: unknown = "", retryAfter: string | null = null) => {
  const refusal: Refusal = {
    status,
    text: typeof body === "string" ? body : JSON.stringify(body),
    retryAfter,
  };
  return explainRefusal(refusal, { bucket: "videos", contentType: "video/mp4" }, now);
};

Deno.test("the real status is the one inside the body of a 400", () => {
  const fault = explain(400, {
    statusCode: "413",
    error: "Payload too large",
    message: "The object exceeded",
  });
  assert.deepEqual([fault.status, fault.retry], [413, false]);
  assert.match(fault.message, /answered 413: The object exceeded; the file is larger than allowed/);
});

Deno.test("a refused key says which setting to check, whatever words the server finds", () => {
  const answers: [number, unknown][] = [
    [401, { message: "Invalid API key" }],
    [403, "new row violates row-level security policy"],
    [400, { statusCode: "403", error: "Unauthorized", message: "Invalid Compact JWS" }],
    [400, { statusCode: "400", code: "InvalidJWT", message: "expired" }],
    [400, { statusCode: "400", error: "Error", message: "jwt malformed" }],
  ];
  for (const [status, body] of answers) {
    const fault = explain(status, body);
    assert.match(fault.message, /\(check SUPABASE_SECRET_KEY\)$/);
    assert.equal(fault.retry, false);
  }
});

Deno.test("a missing bucket is told in all the ways that Storage says it", () => {
  for (
    const [status, body] of [
      [400, { statusCode: "404", error: "Bucket not found", message: "Bucket not found" }],
      [404, "Bucket not found"],
      [404, "The related resource does not exist"],
    ] as const
  ) {
    const fault = explain(status, body);
    assert.match(
      fault.message,
      /has no bucket "videos" \(create it in the Supabase dashboard under Storage\)/,
    );
    assert.equal(fault.retry, false);
  }
});

Deno.test("a refused type names the type and the bucket, also with the status of older servers", () => {
  for (const status of [415, 422]) {
    const fault = explain(400, { statusCode: `${status}`, message: "mime type video/mp4 is not supported" });
    assert.match(fault.message, /"videos" does not take video\/mp4/);
    assert.equal(fault.retry, false);
  }
});

Deno.test("outages and crowds are retried, when the server wants it", () => {
  for (const status of [408, 409, 423, 425, 429, 500, 502, 503, 544]) {
    assert.ok(explain(status).retry, `${status}`);
  }
  assert.equal(explain(503, "", "20").waitMs, 20_000);
  assert.equal(explain(400, { statusCode: "429", error: "too_many_connections" }, "1").waitMs, 1_000);
  assert.equal(explain(500).waitMs, undefined);
});

Deno.test("other refusals are final", () => {
  assert.equal(
    explain(400, { statusCode: "400", error: "InvalidKey", message: "Invalid key: x" }).retry,
    false,
  );
  assert.equal(explain(405).retry, false);
});

Deno.test("what something before Storage says makes one look at the address", () => {
  assert.match(explain(302).message, /is SUPABASE_URL right\?/);
  assert.equal(explain(302).retry, false);
  assert.match(
    explain(404, { message: "no Route matched with those values" }).message,
    /is SUPABASE_URL right\?/,
  );
  assert.equal(explain(404).retry, true);
});

Deno.test("messages are one bounded line, without pages", () => {
  assert.equal(
    explain(502, "<html><body>Bad gateway</body></html>").message,
    "Supabase Storage answered 502",
  );
  const { message } = explain(500, `a\r\n\u001b[31mb${"c".repeat(1_000)}`);
  assert.match(message, /^Supabase Storage answered 500: a \[31mbc+…$/);
  assert.ok(message.length < 260);
});

Deno.test("trouble of the network is told by its cause, without the address", () => {
  const cases = [
    [
      "error sending request for url (http://host/x?token=1): client error (Connect): dns error: no such host",
      /: dns error: no such host$/,
    ],
    [
      "error sending request from 1.2.3.4:5 for https://host/p?q=1 (1.2.3.4:6): client error (SendRequest): connection reset",
      /: connection reset$/,
    ],
    ["error decoding response body for url (https://host/p?q=1)", /: error decoding response body$/],
  ] as const;
  for (const [message, told] of cases) {
    for (
      const error of [new TypeError(message), new TypeError("fetch failed", { cause: new Error(message) })]
    ) {
      const fault = explainNetworkError(error);
      assert.match(fault.message, told);
      assert.doesNotMatch(fault.message, /host\/|token|q=1/);
      assert.equal(fault.retry, true);
    }
  }
});
