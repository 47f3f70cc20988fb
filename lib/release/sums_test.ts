import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../testing/temp.ts";
import { fileSum, findSum, releaseName, sumFor } from "./sums.ts";

const MAC = { os: "darwin", arch: "aarch64" } as const;
const A = "a".repeat(64);
const B = "b".repeat(64);

Deno.test("a file's sum is its sha256", async () => {
  await using folder = await tempDir();
  const file = join(folder.path, "f");
  await Deno.writeTextFile(file, "abc");
  assert.equal(await fileSum(file), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

Deno.test("released programs are named by system and processor", () => {
  assert.equal(releaseName(MAC), "actp-worker-macos-arm64");
  assert.equal(releaseName({ os: "linux", arch: "x86_64" }), "actp-worker-linux-x64");
});

Deno.test("a sum is found by its whole name, in both of sha256sum's notations", () => {
  const sums = `${A}  actp-worker-macos-arm64\n${B} *actp-worker-linux-x64\n`;
  assert.equal(findSum(sums, "actp-worker-macos-arm64"), A);
  assert.equal(findSum(sums, "actp-worker-linux-x64"), B);
  assert.equal(findSum(sums, "actp-worker"), undefined);
});

Deno.test("the published sum is given itself or as the release's file", async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "SHA256SUMS"), `${A}  actp-worker-macos-arm64\n`);
  assert.equal(await sumFor(B.toUpperCase(), "/", MAC), B);
  assert.equal(await sumFor("SHA256SUMS", folder.path, MAC), A);
  await assert.rejects(sumFor("SHA256SUMS", folder.path, { os: "linux", arch: "x86_64" }), /same release/);
  await assert.rejects(sumFor("none", folder.path, MAC), /Cannot read the sums none/);
});
