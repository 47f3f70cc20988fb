import assert from "node:assert/strict";
import fc from "fast-check";
import { BoundedLog, LineSplitter, Tail } from "./output.ts";

function split(chunks: (string | Uint8Array)[], maxBytes = 1_000): [string, boolean][] {
  const lines: [string, boolean][] = [];
  const splitter = new LineSplitter(maxBytes, (line, truncated) => lines.push([line, truncated]));
  for (const chunk of chunks) {
    splitter.push(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
  }
  splitter.end();
  return lines;
}
const texts = (chunks: (string | Uint8Array)[]) => split(chunks).map(([line]) => line);

Deno.test("lines end at LF, CR LF and a lone CR, and the last one needs none", () => {
  assert.deepEqual(texts(["a\nb\r\nc\rd\n\ne"]), ["a", "b", "c", "d", "", "e"]);
  assert.deepEqual(texts(["a\r", "\nb", "\n"]), ["a", "b"]);
  assert.deepEqual(texts([]), []);
});

Deno.test("where the bytes are cut into chunks makes no difference", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "é", "\n", "\r", "𝄞") });
  fc.assert(fc.property(text, fc.array(fc.nat(20)), (whole, cuts) => {
    const bytes = new TextEncoder().encode(whole);
    const chunks: Uint8Array[] = [];
    let at = 0;
    for (const length of cuts) chunks.push(bytes.subarray(at, at += length));
    chunks.push(bytes.subarray(at));
    assert.deepEqual(texts(chunks), texts([bytes]));
  }));
});

Deno.test("a line longer than allowed is cut, said to be, and the next one is whole again", () => {
  assert.deepEqual(split(["x".repeat(50), "x".repeat(50) + "\nshort\n"], 60), [["x".repeat(60), true], [
    "short",
    false,
  ]]);
});

Deno.test("bytes that are not UTF-8 become replacement characters", () => {
  assert.deepEqual(texts([new Uint8Array([0x61, 0xff, 0xfe, 0x62, 0x0a])]), ["a\ufffd\ufffdb"]);
});

Deno.test("a tail keeps the last lines, each cut to 2,000 characters", () => {
  const tail = new Tail(2);
  for (const line of ["one", "two", "y".repeat(3_000)]) tail.add(line);
  assert.deepEqual(tail.lines(), ["two", "y".repeat(2_000) + "…"]);
});

Deno.test("a log that cannot be written says why and does not throw", async () => {
  const path = await Deno.makeTempFile();
  try {
    await using log = new BoundedLog(await Deno.open(path, { read: true }), 1_000);
    await log.write(new Uint8Array(10));
    assert.match(log.failure ?? "", /\w/);
  } finally {
    await Deno.remove(path);
  }
});
