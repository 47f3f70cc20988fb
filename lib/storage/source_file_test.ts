import assert from "node:assert/strict";
import { join } from "node:path";
import { writeRandomFile } from "../testing/random_file.ts";
import { tempDir } from "../testing/temp.ts";
import { readSource } from "./source_file.ts";

const signal = new AbortController().signal;

Deno.test("a file's size and checksum are read, and it can be opened as long as it is the same", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "file");
  const sha256 = await writeRandomFile(path, 700_000);
  const source = await readSource(path, signal);
  assert.deepEqual([source.bytes, source.sha256], [700_000, sha256]);
  (await source.open()).close();
});

Deno.test("a file that was changed, replaced or removed since is not opened", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "file");
  const changes: [(path: string) => Promise<void>, RegExp][] = [
    [(path) => Deno.writeTextFile(path, "more", { append: true }), /changed while it was being stored/],
    [(path) => Deno.utime(path, new Date(), new Date(0)), /changed while/],
    [async (path) => {
      const { mtime } = await Deno.stat(path);
      await Deno.copyFile(path, `${path}2`);
      await Deno.utime(`${path}2`, mtime!, mtime!);
      await Deno.rename(`${path}2`, path);
    }, /changed while/],
    [(path) => Deno.remove(path), /cannot be read/],
  ];
  for (const [change, message] of changes) {
    await writeRandomFile(path, 1_000);
    const source = await readSource(path, signal);
    await change(path);
    await assert.rejects(source.open(), message);
  }
});

Deno.test("folders and pipes are no files to be stored", async () => {
  await using folder = await tempDir();
  await assert.rejects(readSource(folder.path, signal), /is no regular file/);
  const pipe = join(folder.path, "pipe");
  assert.ok((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
  await assert.rejects(readSource(pipe, signal), /is no regular file/);
});

Deno.test("reading ends at once when it is aborted", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "file");
  await writeRandomFile(path, 1_000_000);
  await assert.rejects(readSource(path, AbortSignal.abort(new Error("stopped"))), /stopped/);
});
