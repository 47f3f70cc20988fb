import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import { equalSecret, loadOrCreateToken, readToken } from "./token.ts";

const modeOf = async (path: string) => (await Deno.stat(path)).mode! & 0o777;

Deno.test("a token is made once, private, and read again afterwards", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "token");
  assert.equal(await readToken(path), undefined);
  const token = await loadOrCreateToken(path);
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(await modeOf(path), 0o600);
  assert.equal(await loadOrCreateToken(path), token);
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["token"]);
});

Deno.test("starts at the same time agree on one token", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "token");
  const tokens = await Promise.all(Array.from({ length: 20 }, () => loadOrCreateToken(path)));
  assert.equal(new Set(tokens).size, 1);
  assert.equal([...Deno.readDirSync(dir.path)].length, 1);
});

Deno.test("a token file that others may read is made private again", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "token");
  const token = await loadOrCreateToken(path);
  await Deno.chmod(path, 0o644);
  assert.equal(await loadOrCreateToken(path), token);
  assert.equal(await modeOf(path), 0o600);
});

Deno.test("a link, a folder and a damaged file are refused with what to do", async () => {
  await using dir = await tempDir();
  const real = join(dir.path, "real");
  await loadOrCreateToken(real);
  const link = join(dir.path, "link");
  await Deno.symlink(real, link);
  await assert.rejects(
    loadOrCreateToken(link),
    /link is not a plain file; remove it and start the worker again/,
  );
  const folder = join(dir.path, "folder");
  await Deno.mkdir(folder);
  await assert.rejects(loadOrCreateToken(folder), /is not a plain file/);
  for (const text of ["", "short", `${"a".repeat(43)}\nmore`]) {
    await Deno.writeTextFile(real, text);
    await assert.rejects(loadOrCreateToken(real), (error: Error) => {
      assert.match(error.message, /holds no token; remove it/);
      return text === "" || !error.message.includes(text);
    });
  }
});

Deno.test({
  name: "somebody else's token file is refused",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using dir = await tempDir();
    const path = join(dir.path, "token");
    await loadOrCreateToken(path);
    await Deno.chown(path, 65_534, 65_534);
    await assert.rejects(loadOrCreateToken(path), /belongs to somebody else/);
  },
});

Deno.test("a folder that is missing is told, and nothing is left behind", async () => {
  await using dir = await tempDir();
  await assert.rejects(
    loadOrCreateToken(join(dir.path, "none", "token")),
    /Cannot make the token file .*none/,
  );
});

Deno.test("secrets of any length compare without throwing", () => {
  assert.equal(equalSecret("a", "a"), true);
  assert.equal(equalSecret("a", "b"), false);
  assert.equal(equalSecret("", "a".repeat(10_000)), false);
});
