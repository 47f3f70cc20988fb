import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultHome, ensurePrivateDir, expandHome, homePaths, isInside, resolveInside } from "./paths.ts";

async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("everything in the home folder has its place", () => {
  const paths = homePaths("/h");
  assert.equal(paths.config, "/h/config.json");
  assert.equal(paths.pid, "/h/worker.pid");
  assert.equal(paths.journal, "/h/journal.sqlite");
  assert.equal(paths.db, "/h/db");
});

Deno.test("the home folder is ACTP_HOME, else a folder in HOME, else an error", () => {
  assert.equal(defaultHome({ ACTP_HOME: "/srv/w", HOME: "/home/a" }), "/srv/w");
  assert.equal(defaultHome({ ACTP_HOME: "~/w", HOME: "/home/a" }), "/home/a/w");
  assert.equal(defaultHome({ ACTP_HOME: "", HOME: "/home/a" }), "/home/a/.actp-worker");
  assert.throws(() => defaultHome({}), /set ACTP_HOME/);
});

Deno.test("only a leading tilde of one's own is expanded", () => {
  assert.equal(expandHome("~", "/home/a"), "/home/a");
  assert.equal(expandHome("~bob/x", "/home/a"), "~bob/x");
  assert.equal(expandHome("/a/~/b", "/home/a"), "/a/~/b");
});

Deno.test("a private folder is created with its parents, and a lax mode is repaired", () =>
  inTempDir(async (dir) => {
    const path = join(dir, "a", "b");
    await ensurePrivateDir(path);
    await Deno.chmod(path, 0o755);
    await ensurePrivateDir(path);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o700);
  }));

Deno.test("a file where the private folder should be is refused by name", () =>
  inTempDir(async (dir) => {
    await Deno.writeTextFile(join(dir, "file"), "");
    await assert.rejects(ensurePrivateDir(join(dir, "file")), /Cannot make .*file a private folder/);
  }));

Deno.test("isInside knows a folder from its neighbour with a longer name", () => {
  assert.ok(isInside("/a/b", "/a/b"));
  assert.ok(isInside("/a/b", "/a/b/..c"));
  assert.ok(!isInside("/a/b", "/a/bc"));
  assert.ok(!isInside("/a/b", "/a"));
});

Deno.test("a relative path inside its folder is resolved, existing or not", () =>
  inTempDir(async (dir) => {
    await Deno.mkdir(join(dir, "sub"));
    await Deno.symlink(join(dir, "sub"), join(dir, "link"));
    assert.equal(await resolveInside(dir, "sub/new/file.mp4"), join(dir, "sub/new/file.mp4"));
    assert.equal(await resolveInside(dir, "link/x"), join(dir, "sub/x"));
    assert.equal(await resolveInside(dir, "sub/../..x"), join(dir, "..x"));
  }));

Deno.test("a path that leaves its folder is refused with the reason", () =>
  inTempDir(async (dir) => {
    const root = join(dir, "root");
    await Deno.mkdir(root);
    await Deno.mkdir(join(dir, "root2"));
    await Deno.symlink(dir, join(root, "out"));
    await Deno.symlink(join(dir, "missing"), join(root, "dangling"));
    await Deno.symlink("loop", join(root, "loop"));
    await Deno.writeTextFile(join(root, "file"), "");
    await assert.rejects(resolveInside(root, ""), /is empty/);
    await assert.rejects(resolveInside(root, "/etc/passwd"), /is absolute/);
    await assert.rejects(resolveInside(root, "a\0b"), /NUL byte/);
    await assert.rejects(resolveInside(root, "../root2/x"), /leaves its folder/);
    await assert.rejects(resolveInside(root, "sub/../../x"), /leaves its folder/);
    await assert.rejects(resolveInside(root, "out/x"), /symbolic link/);
    await assert.rejects(resolveInside(root, "dangling"), /cannot be followed/);
    await assert.rejects(resolveInside(root, "dangling/x"), /cannot be followed/);
    await assert.rejects(resolveInside(root, "loop/x"), /cannot be followed/);
    await assert.rejects(resolveInside(root, "file/x"), /cannot be followed/);
    await assert.rejects(resolveInside(join(dir, "none"), "x"), /create it first/);
  }));
