import assert from "node:assert/strict";
import { join } from "node:path";
import { keep, resultName } from "./files.ts";

Deno.test("a result's name gets its extension unless it has it", () => {
  assert.equal(resultName(undefined, "trim", "mp4"), "trim.mp4");
  assert.equal(resultName("a.MP4", "trim", "mp4"), "a.MP4");
  assert.equal(resultName("a.b", "trim", "mp4"), "a.b.mp4");
});

Deno.test("a finished file is moved, replacing an earlier one but not what a link points to", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(dir, "out"));
    await Deno.writeTextFile(join(dir, "elsewhere"), "untouched");
    await Deno.symlink(join(dir, "elsewhere"), join(dir, "out", "name"));
    await Deno.writeTextFile(join(dir, "made"), "new");
    assert.equal(await keep(join(dir, "made"), join(dir, "out"), "name"), join(dir, "out", "name"));
    assert.equal(await Deno.readTextFile(join(dir, "out", "name")), "new");
    assert.equal(await Deno.readTextFile(join(dir, "elsewhere")), "untouched");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a finished file is copied where it cannot be moved to another file system", async () => {
  const dir = await Deno.makeTempDir();
  const refuse = () =>
    Promise.reject(Object.assign(new Error("Invalid cross-device link"), { code: "EXDEV" }));
  try {
    await Deno.mkdir(join(dir, "out"));
    await Deno.writeTextFile(join(dir, "made"), "new");
    assert.equal(
      await Deno.readTextFile(await keep(join(dir, "made"), join(dir, "out"), "name", refuse)),
      "new",
    );
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["out"]);
    assert.deepEqual([...Deno.readDirSync(join(dir, "out"))].map(({ name }) => name), ["name"]);
    await assert.rejects(keep(join(dir, "absent"), join(dir, "out"), "other", refuse), Deno.errors.NotFound);
    assert.deepEqual([...Deno.readDirSync(join(dir, "out"))].map(({ name }) => name), ["name"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
