import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../../lib/testing/temp.ts";
import {
  fingerprint,
  readRecord,
  removeIfEmpty,
  removeRecord,
  type RenderRecord,
  writeRecord,
} from "./record.ts";

const RECORD: RenderRecord = { kind: "rendered", fingerprint: "f", file: "Film.mp4", renderMs: 5 };

Deno.test("a record is found again by what was asked for, and only by that", async () => {
  await using folder = await tempDir();
  assert.equal(await readRecord(folder.path, "f"), undefined);
  await writeRecord(folder.path, RECORD);
  assert.deepEqual(await readRecord(folder.path, "f"), RECORD);
  assert.equal(await readRecord(folder.path, "g"), undefined);
  assert.equal(fingerprint([{ a: 1 }, "x"]), fingerprint([{ a: 1 }, "x"]));
  assert.notEqual(fingerprint([{ a: 1 }, "x"]), fingerprint([{ a: 2 }, "x"]));
});

Deno.test("a record that is damaged, of another kind or that names a path counts as none", async () => {
  await using folder = await tempDir();
  const texts = [
    "{",
    "{}",
    JSON.stringify({ ...RECORD, file: "../x" }),
    JSON.stringify({ ...RECORD, file: "a/b" }),
  ];
  for (const text of texts) {
    await Deno.writeTextFile(join(folder.path, ".remotion-render.json"), text);
    assert.equal(await readRecord(folder.path, "f"), undefined, text);
  }
});

Deno.test("a removed record is gone, twice as well, and an empty folder with it", async () => {
  await using folder = await tempDir();
  const inner = join(folder.path, "task");
  await Deno.mkdir(inner);
  await writeRecord(inner, RECORD);
  await removeIfEmpty(inner);
  assert.deepEqual(await readRecord(inner, "f"), RECORD);
  await removeRecord(inner);
  await removeRecord(inner);
  await removeIfEmpty(inner);
  await assert.rejects(Deno.stat(inner), Deno.errors.NotFound);
});
