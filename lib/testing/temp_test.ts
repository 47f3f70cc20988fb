import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "./temp.ts";

Deno.test("a temporary folder is private while it lasts and gone afterwards", async () => {
  let path;
  {
    await using dir = await tempDir();
    path = dir.path;
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o700);
    await Deno.mkdir(join(path, "a"));
    await Deno.writeTextFile(join(path, "a", "file"), "x");
  }
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
});

Deno.test("a temporary folder may be removed before its end", async () => {
  await using dir = await tempDir();
  await Deno.remove(dir.path);
});
