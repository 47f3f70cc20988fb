import assert from "node:assert/strict";
import { join } from "node:path";
import { writeRandomFile } from "../testing/random_file.ts";
import { tempDir } from "../testing/temp.ts";
import { fileStream } from "./file_stream.ts";

/** Reads a stream as `fetch` does: one piece after another, keeping none. */
async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece.slice());
  return await new Blob(pieces as Uint8Array<ArrayBuffer>[]).bytes();
}

Deno.test("exactly the part that is asked for is read, whatever was read before", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "file");
  await writeRandomFile(path, 300_000);
  const bytes = await Deno.readFile(path);
  using file = await Deno.open(path);
  for (const [start, end] of [[0, 300_000], [100, 200_001], [65_536, 131_072], [299_999, 300_000], [5, 5]]) {
    const seen: number[] = [];
    const read = await collect(fileStream({ file, start, end }, (taken) => seen.push(taken)));
    assert.deepEqual(read, bytes.subarray(start, end));
    assert.deepEqual([seen[0], seen.at(-1)], [0, end - start]);
  }
});

Deno.test("a piece is freed when the next one is asked for", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "file");
  await writeRandomFile(path, 200_000);
  using file = await Deno.open(path);
  const reader = fileStream({ file, start: 0, end: 200_000 }, () => {}).getReader();
  const first = await reader.read();
  assert.ok(first.value!.length > 0);
  await reader.read();
  assert.equal(first.value!.length, 0);
  await reader.cancel();
});

Deno.test("a file that is shorter than it was is an error", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "file");
  await writeRandomFile(path, 1_000);
  using file = await Deno.open(path);
  await assert.rejects(collect(fileStream({ file, start: 0, end: 2_000 }, () => {})), /became shorter/);
});
