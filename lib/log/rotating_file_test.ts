import assert from "node:assert/strict";
import { join } from "node:path";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { RotatingFile } from "./rotating_file.ts";
import { isClosedName } from "./rotation.ts";

const POLICY = { maxBytes: 100, totalBytes: 400, maxAgeMs: 86_400_000, keepMs: 7 * 86_400_000 };

function setUp(folder: string, policy = POLICY) {
  const clock = fakeClock(Date.now());
  const troubles: string[] = [];
  const file = new RotatingFile({
    folder,
    policy: () => policy,
    clock,
    onTrouble: (message) => troubles.push(message),
  });
  return { clock, troubles, file };
}

const files = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
const line = (n: number) => `${JSON.stringify({ n }).padEnd(29)}\n`;

Deno.test("nothing is opened before the first line; then the file and its folder are private", async () => {
  await using dir = await tempDir();
  const folder = join(dir.path, "logs");
  const { file } = setUp(folder);
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
  file.write(line(1));
  assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
  assert.equal((await Deno.stat(join(folder, "worker.log"))).mode! & 0o777, 0o600);
  file.close();
});

Deno.test("a full file is closed and a new one begun, with no line torn or lost", async () => {
  await using dir = await tempDir();
  const { file } = setUp(dir.path);
  for (let n = 0; n < 8; n++) file.write(line(n));
  file.close();
  const names = await files(dir.path);
  assert.equal(names.filter(isClosedName).length, 2);
  const text = (await Promise.all(names.map((name) => Deno.readTextFile(join(dir.path, name))))).join("");
  assert.deepEqual(text.trimEnd().split("\n").map((one) => JSON.parse(one).n), [0, 1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("all files together never grow beyond their bound", async () => {
  await using dir = await tempDir();
  const { file } = setUp(dir.path);
  for (let n = 0; n < 200; n++) {
    file.write(line(n));
    let bytes = 0;
    for (const name of await files(dir.path)) bytes += (await Deno.stat(join(dir.path, name))).size;
    assert.ok(bytes <= POLICY.totalBytes, `${bytes} bytes after line ${n}`);
  }
  file.close();
});

Deno.test("a file is closed by its age, and the next line goes to a new one", async () => {
  await using dir = await tempDir();
  const { file, clock } = setUp(dir.path);
  file.write(line(1));
  await clock.advance(86_400_000);
  file.write(line(2));
  file.close();
  assert.equal((await files(dir.path)).filter(isClosedName).length, 1);
  assert.equal(await Deno.readTextFile(join(dir.path, "worker.log")), line(2));
});

Deno.test("what another run has written is carried on", async () => {
  await using dir = await tempDir();
  const first = setUp(dir.path).file;
  first.write(line(1));
  first.close();
  const second = setUp(dir.path).file;
  second.write(line(2));
  second.close();
  assert.equal(await Deno.readTextFile(join(dir.path, "worker.log")), line(1) + line(2));
});

Deno.test("a file that somebody has removed is begun again", async () => {
  await using dir = await tempDir();
  const { file, clock } = setUp(dir.path);
  file.write(line(1));
  await Deno.remove(join(dir.path, "worker.log"));
  await clock.advance(5000);
  file.write(line(2));
  file.close();
  assert.equal(await Deno.readTextFile(join(dir.path, "worker.log")), line(2));
});

Deno.test("a line of a megabyte and more is left out, and that is said", async () => {
  await using dir = await tempDir();
  const { file } = setUp(dir.path);
  file.write("x".repeat(2 ** 20) + "\n");
  file.close();
  assert.match(
    await Deno.readTextFile(join(dir.path, "worker.log")),
    /a log line of 1048577 bytes was left out/,
  );
});

Deno.test("a log that cannot be written is told once, ends nothing, and says afterwards what was lost", async () => {
  await using dir = await tempDir();
  const folder = join(dir.path, "logs");
  await Deno.writeTextFile(folder, "a file where the folder should be");
  const { file, troubles } = setUp(folder, { ...POLICY, maxBytes: 1000, totalBytes: 2000 });
  file.write(line(1));
  file.write(line(2));
  assert.equal(troubles.length, 1);
  assert.match(troubles[0]!, /^Cannot write the log in .*lost until that is put right/);
  await Deno.remove(folder);
  file.write(line(3));
  file.close();
  assert.match(troubles[1]!, /written again; 2 lines were lost/);
  const [lost, third] = (await Deno.readTextFile(join(folder, "worker.log"))).trimEnd().split("\n");
  assert.match(lost!, /2 log lines before this one were lost/);
  assert.deepEqual(JSON.parse(third!), { n: 3 });
});
