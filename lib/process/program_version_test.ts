import assert from "node:assert/strict";
import { join } from "node:path";
import { fakeClock } from "../testing/fake_clock.ts";
import { type TempDir, tempDir } from "../testing/temp.ts";
import { ProgramVersions } from "./program_version.ts";

/** A program that counts its starts in a file beside it. */
async function program(dir: TempDir, script: string) {
  const path = join(dir.path, "tool");
  const starts = join(dir.path, "starts");
  const write = async (script: string) => {
    await Deno.writeTextFile(path, `#!/bin/sh\necho x >> '${starts}'\n${script}\n`);
    await Deno.chmod(path, 0o755);
  };
  await write(script);
  return {
    question: { program: path, args: ["--version"], pattern: /^tool (\S+)/ },
    write,
    path,
    starts: async () => (await Deno.readTextFile(starts).catch(() => "")).length / 2,
  };
}

Deno.test("a program is asked once as long as its file stays the same", async () => {
  await using dir = await tempDir();
  const { question, starts, path } = await program(dir, "echo; echo tool 1.2");
  const versions = new ProgramVersions(fakeClock());
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await versions.ask(question), { found: true, path, version: "1.2" });
  }
  assert.equal(await starts(), 1);
});

Deno.test("a file that was replaced is asked anew", async () => {
  await using dir = await tempDir();
  const { question, write } = await program(dir, "echo tool 1");
  const versions = new ProgramVersions(fakeClock());
  await versions.ask(question);
  await write("echo tool 2.0.0");
  assert.equal((await versions.ask(question) as { version: string }).version, "2.0.0");
});

Deno.test("a program that disappears is not found, and found again when it is back", async () => {
  await using dir = await tempDir();
  const { question, path, write } = await program(dir, "echo tool 1");
  const versions = new ProgramVersions(fakeClock());
  await versions.ask(question);
  await Deno.remove(path);
  assert.deepEqual(await versions.ask(question), { found: false });
  await write("echo tool 1");
  assert.equal((await versions.ask(question)).found, true);
});

Deno.test("one that fails is told with how it ended, and asked again after five minutes", async () => {
  await using dir = await tempDir();
  const { question, starts } = await program(dir, "exit 3");
  const clock = fakeClock();
  const versions = new ProgramVersions(clock);
  const answer = await versions.ask(question);
  assert.match((answer as { problem: string }).problem, /tool --version exited with status 3/);
  await clock.advance(299_000);
  await versions.ask(question);
  assert.equal(await starts(), 1);
  await clock.advance(1000);
  await versions.ask(question);
  assert.equal(await starts(), 2);
});

Deno.test("a version on standard error counts, and none at all is a problem", async () => {
  await using dir = await tempDir();
  const { question, write } = await program(dir, "echo tool 7 >&2");
  const versions = new ProgramVersions(fakeClock());
  assert.equal((await versions.ask(question) as { version: string }).version, "7");
  await write("echo nothing to say");
  assert.match((await versions.ask(question) as { problem: string }).problem, /tells no version/);
});

Deno.test("a small script that starts another program is asked again after an hour", async () => {
  await using dir = await tempDir();
  const { question, starts } = await program(dir, "echo tool 1");
  const clock = fakeClock();
  const versions = new ProgramVersions(clock);
  await versions.ask(question);
  await clock.advance(3_599_000);
  await versions.ask(question);
  assert.equal(await starts(), 1);
  await clock.advance(1000);
  await versions.ask(question);
  assert.equal(await starts(), 2);
});
