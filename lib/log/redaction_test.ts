import assert from "node:assert/strict";
import fc from "fast-check";
import { isSensitiveName, redact, REDACTED, redactor, withoutSecrets } from "./redaction.ts";

const SECRET = 'p@ss "wörd"/+\n42';

Deno.test("a known secret is removed in every usual spelling", () => {
  const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const spellings = [
    SECRET,
    JSON.stringify({ it: SECRET }),
    encodeURIComponent(SECRET),
    encodeURIComponent(SECRET).toLowerCase(),
    new URLSearchParams({ q: SECRET }).toString(),
    base64(SECRET),
    base64(SECRET).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
    ...["", "u", "us", "use:"].map((before) => base64(`${before}${SECRET}:after`)),
  ];
  for (const text of spellings) {
    const clean = redact(`before ${text} after`, [SECRET]);
    assert.ok(clean.includes(REDACTED), text);
    for (const piece of ["ss%20", "wörd", "w%C3", "w%c3", base64(SECRET).slice(4, 14)]) {
      assert.ok(!clean.includes(piece), `${piece} in ${clean}`);
    }
  }
});

Deno.test("whatever surrounds it, a known secret never comes out again", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 6, maxLength: 40 }),
      fc.string(),
      fc.string(),
      (secret, before, after) => {
        fc.pre(!REDACTED.includes(secret) && !(before + after).includes(secret));
        const clean = redact(`${before}\u0000${secret}\u0000${after}`, [secret]);
        assert.ok(!clean.split(REDACTED).join("\u0001").includes(secret));
      },
    ),
    { seed: 7 },
  );
});

Deno.test("a longer secret is taken before the shorter one it begins with, and tiny ones are ignored", () => {
  assert.equal(redact("x abcdef-123 y", ["abcdef", "abcdef-123"]), `x ${REDACTED} y`);
  assert.equal(redact("abc", ["abc", ""]), "abc");
});

Deno.test("what looks like a secret is removed without being known", () => {
  const cases: [string, string][] = [
    ["sb_secret_N7UND0UgjKTVK", REDACTED],
    ["authorization: Bearer abc.def-123", `authorization: Bearer ${REDACTED}`],
    ["Basic dXNlcjpwYXNzd29yZA==", `Basic ${REDACTED}`],
    ["postgres://me:p@ss@db.host:5432/x", `postgres://${REDACTED}@db.host:5432/x`],
    ["https://h/x?a=1&access_token=zzz&b=2", `https://h/x?a=1&access_token=${REDACTED}&b=2`],
    ["sk-ant-api03-abcdef", REDACTED],
    ["eyJhbGciOiJIUzI1.eyJzdWIiOiIx.sig", REDACTED],
    ["https://api.telegram.org/bot123456789:AAabcdefghijklmnopqrstuvwxyz012345/send", `bot${REDACTED}/send`],
    ["https://hooks.slack.com/services/T0/B0/xyz", `https://hooks.slack.com/services/${REDACTED}`],
  ];
  for (const [text, expected] of cases) assert.ok(redact(text, []).endsWith(expected), redact(text, []));
  for (const text of ["Basic information", "see https://host/path@2", "mask-width-12345", "12:30:00"]) {
    assert.equal(redact(text, []), text);
  }
});

Deno.test("fields are judged by their names", () => {
  for (
    const name of ["password", "apiToken", "X-Api-Key", "SUPABASE_SECRET_KEY", "key", "set-cookie", "apikey"]
  ) {
    assert.ok(isSensitiveName(name), name);
  }
  for (const name of ["maxTokens", "monkey", "keyboard", "path", "author"]) {
    assert.ok(!isSensitiveName(name), name);
  }
});

Deno.test("values of every shape come back clean, bounded and fit for JSON", () => {
  const cyclic: Record<string, unknown> = { name: "hunter22!" };
  cyclic.self = cyclic;
  const error = new Error("no hunter22!", { cause: new TypeError("deep hunter22!") });
  const clean = redactor(["hunter22!", "123456789"]).value({
    cyclic,
    error,
    list: Array.from({ length: 200 }, () => "x"),
    map: new Map([["hunter22!", 1]]),
    password: "abc",
    hasPassword: true,
    pin: 123456789,
    big: 5n,
    nan: NaN,
    bytes: new Uint8Array(7),
    when: new Date(0),
    url: new URL("https://u:p@h/"),
    deep: { a: { b: { c: { d: { e: { f: 1 } } } } } },
    none: undefined,
  }) as Record<string, unknown>;
  const json = JSON.stringify(clean);
  assert.ok(!json.includes("hunter22!") && !json.includes("123456789"));
  assert.equal((clean.cyclic as Record<string, unknown>).self, "[circular]");
  assert.equal((clean.list as unknown[]).at(-1), "[100 more]");
  assert.match((clean.error as { stack: string }).stack, /no \[redacted\]/);
  assert.equal((clean.error as { cause: { name: string } }).cause.name, "TypeError");
  const { password, hasPassword, pin, big, nan, bytes, when, url } = clean;
  assert.deepEqual({ password, hasPassword, pin, big, nan, bytes, when, url }, {
    password: REDACTED,
    hasPassword: true,
    pin: REDACTED,
    big: "5",
    nan: "NaN",
    bytes: "[7 bytes]",
    when: "1970-01-01T00:00:00.000Z",
    url: `https://${REDACTED}@h/`,
  });
  assert.match(json, /\[deeper\]/);
});

Deno.test("hostile text costs linear time and long text is cut", () => {
  const started = performance.now();
  for (const piece of ["a", "eyJ-", "://", "?token", "Basic ", "a:", "1", "Bearer \t"]) {
    assert.ok(redact(piece.repeat(300_000), []).length < 20_000);
  }
  assert.ok(performance.now() - started < 2_000);
});

Deno.test("known secrets go out of the texts of JSON, and nothing else is touched", () => {
  const clean = withoutSecrets(["hunter2-secret"]);
  const long = "x".repeat(50_000);
  assert.deepEqual(
    clean({ a: ["b hunter2-secret c", 7, null, true], "hunter2-secret": long, token: "sk-other-0123456789" }),
    { a: ["b [redacted] c", 7, null, true], "[redacted]": long, token: "sk-other-0123456789" },
  );
  const same = { a: 1 };
  assert.equal(withoutSecrets([])(same), same);
});
