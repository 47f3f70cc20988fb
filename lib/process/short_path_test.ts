import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import { withShortPath } from "./short_path.ts";

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
