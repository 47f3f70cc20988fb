import assert from "node:assert/strict";
import { join } from "node:path";
import { type TempDir, tempDir } from "../lib/testing/temp.ts";
import { asksForRequire, assetsOf, selfExtracting, withRequire } from "./self_extracting.ts";

/** Stands in for Deno inside the payload: says what it was started with, and ends with status 7. */
const FAKE_DENO = `#!/bin/sh
printf '%s\\n' "$ACTP_SELF_EXTRACTING" "$@"
kill -0 $$ && echo "pid $$"
exit 7
`;

interface Started {
  readonly code: number;
  readonly lines: string[];
  readonly stderr: string;
  readonly pid: number;
}

/** Makes a self-extracting file around the fake in `dir`, its file mode and all. */
async function make(dir: TempDir): Promise<string> {
  const stage = join(dir.path, "stage");
  await Deno.mkdir(stage);
  await Deno.writeTextFile(join(stage, "deno"), FAKE_DENO, { mode: 0o755 });
  await Deno.writeTextFile(join(stage, "main.js"), "");
  const archive = join(dir.path, "payload.tar.gz");
  await new Deno.Command("tar", { args: ["-czf", archive, "-C", stage, "."] }).output();
  const path = join(dir.path, "the program");
  await Deno.writeFile(path, selfExtracting(await Deno.readFile(archive), "1.2.3"), { mode: 0o755 });
  return path;
}

async function start(path: string, env: Record<string, string>, ...args: string[]): Promise<Started> {
  const child = new Deno.Command(path, {
    args,
    env: { PATH: Deno.env.get("PATH")!, ...env },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, lines: text(stdout).trimEnd().split("\n"), stderr: text(stderr), pid: child.pid };
}

async function cached(dir: TempDir): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(join(dir.path, ".cache/actp-worker")), ({ name }) => name);
  return names.sort();
}

Deno.test("a self-extracting file becomes its program: same process, arguments and exit status intact", async () => {
  await using dir = await tempDir();
  const path = await make(dir);
  const { code, lines, stderr, pid } = await start(path, { HOME: dir.path }, "a b", "", "$HOME", "--json");
  assert.equal(stderr, "");
  assert.equal(code, 7);
  assert.equal(lines[0], path);
  assert.deepEqual(lines.slice(1, 3), ["run", "-q"]);
  assert.ok(lines.includes("--no-prompt"));
  assert.deepEqual(lines.slice(-6, -1).map((line) => line.replace(/.*\//, "")), [
    "main.js",
    "a b",
    "",
    "$HOME",
    "--json",
  ]);
  assert.equal(lines.at(-1), `pid ${pid}`);
});

Deno.test("it unpacks once, into a private folder named by version and content", async () => {
  await using dir = await tempDir();
  const path = await make(dir);
  await start(path, { HOME: dir.path });
  const [name, ...others] = await cached(dir);
  assert.match(name!, /^1\.2\.3-[0-9a-f]{16}$/);
  assert.deepEqual(others, []);
  const cache = join(dir.path, ".cache/actp-worker");
  assert.equal((await Deno.stat(cache)).mode! & 0o777, 0o700);
  const unpacked = await Deno.stat(join(cache, name!, "main.js"));
  await start(path, { HOME: dir.path });
  assert.equal((await Deno.stat(join(cache, name!, "main.js"))).ino, unpacked.ino);
});

Deno.test("first starts at the same time all work and leave one unpacked program", async () => {
  await using dir = await tempDir();
  const path = await make(dir);
  const started = await Promise.all(Array.from({ length: 8 }, () => start(path, { HOME: dir.path })));
  for (const { code, stderr } of started) assert.deepEqual({ code, stderr }, { code: 7, stderr: "" });
  const [name, ...others] = await cached(dir);
  assert.deepEqual(others, []);
  const files = await Array.fromAsync(
    Deno.readDir(join(dir.path, ".cache/actp-worker", name!)),
    (f) => f.name,
  );
  assert.deepEqual(files.sort(), ["deno", "main.js"]);
});

Deno.test("a damaged or cut-off file says so and leaves nothing behind", async () => {
  await using dir = await tempDir();
  const path = await make(dir);
  const bytes = await Deno.readFile(path);
  for (
    const broken of [
      bytes.slice(0, -1),
      bytes.map((byte, at) => at === bytes.length - 9 ? byte ^ 1 : byte),
    ]
  ) {
    await Deno.writeFile(path, broken);
    const { code, stderr } = await start(path, { HOME: dir.path });
    assert.equal(code, 1);
    assert.equal(stderr, `actp-worker: ${path} is damaged (its sha256 differs); download it again\n`);
    assert.deepEqual(await cached(dir), []);
  }
});

Deno.test("an incomplete unpacked program is named, not run", async () => {
  await using dir = await tempDir();
  const path = await make(dir);
  await start(path, { HOME: dir.path });
  const [name] = await cached(dir);
  await Deno.remove(join(dir.path, ".cache/actp-worker", name!, "main.js"));
  const { code, stderr } = await start(path, { HOME: dir.path });
  assert.equal(code, 1);
  assert.match(stderr, /is incomplete or somebody else's; remove it and start again/);
});

Deno.test("without a folder to unpack into, it says which variable to set", async () => {
  await using dir = await tempDir();
  const path = await make(dir);
  const { code, stderr } = await start(path, {});
  assert.equal(code, 1);
  assert.match(stderr, /set HOME or XDG_CACHE_HOME/);
  const cache = await start(path, { XDG_CACHE_HOME: join(dir.path, ".cache") });
  assert.equal(cache.code, 7);
});

Deno.test("the files that a bundle loads are found in its text", () => {
  const bundled = `x=new URL("./a.wasm",import.meta.url);y=new URL("b.data", import.meta.url);
    z=new URL('./a.wasm',import.meta.url);u=new URL("./main.js",import.meta.url);v=new URL("c.wasm",base)`;
  assert.deepEqual(assetsOf(bundled), ["a.wasm", "b.data"]);
});

Deno.test("a bundled package in CommonJS finds node's modules", async () => {
  await using dir = await tempDir();
  // What bundlers put in place of `require`.
  const bundled =
    `var load=typeof require<"u"?require:()=>{throw Error("Dynamic require is not supported")};` +
    `export const found=typeof load("node:util").inspect;`;
  assert.equal(asksForRequire(bundled), true);
  assert.equal(asksForRequire("export const a = 1;"), false);
  const file = join(dir.path, "chunk.js");
  await Deno.writeTextFile(file, withRequire(bundled));
  assert.equal((await import(`file://${file}`)).found, "function");
});
