import assert from "node:assert/strict";
import fc from "fast-check";
import { StorageFault } from "./fault.ts";
import { encodeObjectName } from "./object_name.ts";

Deno.test("every part of a name is encoded, the slashes between folders are not", () => {
  assert.equal(encodeObjectName("my bucket", "2026/a?b&c+d.mp4"), "my%20bucket/2026/a%3Fb%26c%2Bd.mp4");
});

Deno.test("names that lead out of their folder are refused", () => {
  for (const path of ["..", "../a", "a/..", "a/../b", ".", "a/./b", "/a", "a/", "a//b", "", "a\\..\\b\0"]) {
    assert.throws(() => encodeObjectName("bucket", path), StorageFault, path);
  }
  for (const bucket of ["", ".", "..", "a/b", "a%2f", "b".repeat(101)]) {
    assert.throws(() => encodeObjectName(bucket, "a"), StorageFault, bucket);
  }
});

Deno.test("whatever the name, the address leads to that object of that bucket or is refused", () => {
  const base = "https://x.test/storage/v1/object/";
  fc.assert(fc.property(fc.string(), fc.string(), (bucket, path) => {
    let encoded;
    try {
      encoded = encodeObjectName(bucket, path);
    } catch (error) {
      return error instanceof StorageFault && !error.retry;
    }
    const { pathname, search, hash } = new URL(base + encoded);
    const [first, ...rest] = pathname.slice("/storage/v1/object/".length).split("/").map(decodeURIComponent);
    return first === bucket && rest.join("/") === path && search === "" && hash === "";
  }));
});

Deno.test("a long or odd name is shown in part and quoted", () => {
  assert.throws(() => encodeObjectName("bucket", `\n${"x".repeat(2_000)}`), (error: Error) => {
    return error.message.length < 400 && !error.message.includes("\n");
  });
});
