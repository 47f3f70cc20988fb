import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import { homeMark } from "./orphans.ts";
import { makeShortTempDir, sweepShortTempDirs, withShortPath } from "./short_path.ts";
import { TREE_VARIABLE } from "./tree.ts";

Deno.test("a socket fits into a deep folder by its short path, and the folder keeps what is in it", async () => {
  await using dir = await tempDir();
  const deep = join(dir.path, "a-folder-of-a-task".repeat(8));
  await Deno.mkdir(deep);
  let short = "";
  await withShortPath(deep, async (path) => {
    short = path;
    using _ = Deno.listen({ transport: "unix", path: join(path, "org.chromium.Chromium.socket") });
    await Deno.writeTextFile(join(path, "file"), "kept");
  });
  assert.equal(await Deno.readTextFile(join(deep, "file")), "kept");
  await assert.rejects(Deno.lstat(short), Deno.errors.NotFound);
});

Deno.test("the short path goes also where the work fails", async () => {
  await using dir = await tempDir();
  let short = "";
  const failing = withShortPath(dir.path, (path) => {
    short = path;
    return Promise.reject(new Error("no"));
  });
  await assert.rejects(failing, /no/);
  await assert.rejects(Deno.lstat(short), Deno.errors.NotFound);
});

Deno.test("what a killed daemon leaves is swept by the next one of its home, and nothing that its links lead to", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(join(dir.path, "kept"), "");
  const [mine, others] = [homeMark(dir.path), homeMark("/another")];
  const left = async (mark: string) => {
    const before = Deno.env.get(TREE_VARIABLE);
    Deno.env.set(TREE_VARIABLE, `some-tree,${mark}`);
    try {
      const path = await makeShortTempDir();
      await Deno.symlink(dir.path, join(path, "t"));
      return path;
    } finally {
      if (before === undefined) Deno.env.delete(TREE_VARIABLE);
      else Deno.env.set(TREE_VARIABLE, before);
    }
  };
  const [own, foreign] = [await left(mine), await left(others)];
  await sweepShortTempDirs(mine);
  await assert.rejects(Deno.lstat(own), Deno.errors.NotFound);
  assert.ok(await Deno.lstat(foreign));
  await sweepShortTempDirs(others);
  await assert.rejects(Deno.lstat(foreign), Deno.errors.NotFound);
  assert.ok(await Deno.stat(join(dir.path, "kept")));
});
