import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../../lib/testing/temp.ts";
import { doubt, reasonToRefuse, reasonToRefuseFolder } from "./trust.ts";

const ME = 501;

Deno.test("one's own files and root's are trusted unless others can write them", () => {
  assert.equal(doubt({ uid: ME, mode: 0o100644 }, ME, false), undefined);
  assert.equal(doubt({ uid: 0, mode: 0o100755 }, ME, false), undefined);
  assert.match(
    doubt({ uid: ME, mode: 0o100664 }, ME, false)!,
    /written by others \(mode 664\); run chmod go-w/,
  );
  assert.match(doubt({ uid: ME, mode: 0o100602 }, ME, false)!, /mode 602/);
});

Deno.test("another person's files are not, whatever their mode", () => {
  assert.match(doubt({ uid: 502, mode: 0o100600 }, ME, false)!, /another user \(uid 502\)/);
  assert.match(doubt({ uid: 502, mode: 0o40755 }, ME, true)!, /another user/);
});

Deno.test("a folder above may be open to all if nobody can replace what is another's there", () => {
  assert.equal(doubt({ uid: 0, mode: 0o41777 }, ME, true), undefined);
  assert.match(doubt({ uid: 0, mode: 0o40777 }, ME, true)!, /written by others/);
  assert.match(doubt({ uid: ME, mode: 0o41777 }, ME, false)!, /written by others/);
});

Deno.test("where the system knows no owners nothing is doubted", () => {
  assert.equal(doubt({ uid: null, mode: null }, null, false), undefined);
});

Deno.test("the folders above count, and what a link leads to", async () => {
  await using dir = await tempDir();
  const root = await Deno.realPath(dir.path);
  const [open, file, link] = [join(root, "open"), join(root, "open", "a.ts"), join(root, "link.ts")];
  await Deno.mkdir(open, { mode: 0o755 });
  await Deno.writeTextFile(file, "", { mode: 0o644 });
  await Deno.symlink(file, link);
  assert.equal(await reasonToRefuse(link), undefined);
  await Deno.chmod(open, 0o777);
  for (const path of [file, link]) {
    assert.match((await reasonToRefuse(path))!, new RegExp(`^${open} can be written`));
  }
  await Deno.chmod(open, 0o755);
  await Deno.chmod(file, 0o666);
  assert.match((await reasonToRefuse(file))!, /^can be written by others \(mode 666\)/);
  assert.match((await reasonToRefuse(link))!, /a\.ts can be written by others/);
  assert.match((await reasonToRefuseFolder(open))!, /^\/.*a\.ts can be written by others/);
});

Deno.test("everything is refused that belongs to somebody else", async () => {
  await using dir = await tempDir();
  const me = Deno.uid() ?? 0;
  // Only root can give a folder away; for others it is enough to ask in somebody else's name.
  if (me === 0) await Deno.chown(dir.path, 12_345, null);
  assert.match((await reasonToRefuse(dir.path, me === 0 ? 0 : me + 1))!, /another user/);
});

Deno.test("what is not there cannot be read", async () => {
  assert.match((await reasonToRefuse("/no/such/file"))!, /^cannot be read: /);
});
