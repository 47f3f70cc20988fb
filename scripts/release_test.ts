import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "../lib/process.ts";
import { fileSum, releaseName } from "../lib/release/sums.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { homebrewFormula, installScript, RELEASE_TARGETS, requireAddress } from "./release/files.ts";
import { writeReleaseFiles } from "./release.ts";

const FACTS = { version: "1.2.3", url: "https://dl.example/v1.2.3", homepage: "https://example.org/worker" };
const NAME = releaseName(Deno.build);

/** Runs a program to its end. */
async function run(program: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, env, stdin: "null" }).output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** Runs the install script against a real server with these files. */
async function installFrom(files: Record<string, string>, home: string) {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const text = files[new URL(request.url).pathname.slice(1)];
    return new Response(text ?? "not found", { status: text === undefined ? 404 : 200 });
  });
  const script = join(home, "install.sh");
  await Deno.writeTextFile(script, installScript({ ...FACTS, url: `http://127.0.0.1:${server.addr.port}` }));
  const temp = join(home, "temp");
  await Deno.mkdir(temp);
  const result = await run("sh", [script], { HOME: home, TMPDIR: temp, http_proxy: "", HTTP_PROXY: "" });
  return { ...result, left: await Array.fromAsync(Deno.readDir(temp), ({ name }) => name) };
}

async function sumsOf(text: string, folder: string): Promise<string> {
  await Deno.writeTextFile(join(folder, "x"), text);
  return `${await fileSum(join(folder, "x"))}  ${NAME}\n`;
}

const PROGRAM = "#!/bin/sh\necho installed\n";

Deno.test("the install script puts the checked program into the person's own folder", async () => {
  await using home = await tempDir();
  const sums = await sumsOf(PROGRAM, home.path);
  const { code, said, left } = await installFrom({ SHA256SUMS: sums, [NAME]: PROGRAM }, home.path);
  assert.equal(code, 0, said);
  assert.match(said, /add it to your PATH/);
  assert.deepEqual(left, []);
  const program = join(home.path, ".local/bin/actp-worker");
  assert.equal((await run(program, [])).said, "installed\n");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(join(home.path, ".local/bin")), ({ name }) => name), [
    "actp-worker",
  ]);
});

Deno.test("a program with another sum is not installed, and nothing of it is left", async () => {
  await using home = await tempDir();
  const sums = await sumsOf(PROGRAM, home.path);
  const { code, said, left } = await installFrom({ SHA256SUMS: sums, [NAME]: PROGRAM + "#" }, home.path);
  assert.equal(code, 1);
  assert.match(said, /is damaged or not the published one/);
  assert.deepEqual(left, []);
  await assert.rejects(Deno.stat(join(home.path, ".local")), Deno.errors.NotFound);
});

Deno.test("a release without this machine's program, and a server that fails, are told", async () => {
  await using home = await tempDir();
  assert.match(
    (await installFrom({ SHA256SUMS: `${"a".repeat(64)}  other\n` }, home.path)).said,
    /has no actp-worker-/,
  );
  await using other = await tempDir();
  const { code, said } = await installFrom({}, other.path);
  assert.equal(code, 1);
  assert.match(said, /cannot download http.*SHA256SUMS/);
});

Deno.test("shellcheck finds nothing in the scripts, where it is there", async () => {
  const shellcheck = await findProgram("shellcheck");
  if (!shellcheck) return;
  await using folder = await tempDir();
  const script = join(folder.path, "install.sh");
  await Deno.writeTextFile(script, installScript(FACTS));
  const other = fileURLToPath(new URL("install-systemd-service.sh", import.meta.url));
  assert.deepEqual(await run(shellcheck, [script, other]), { code: 0, said: "" });
});

Deno.test("the formula names every program with its own sum, and ruby reads it where that is there", async () => {
  const sums = Object.fromEntries(RELEASE_TARGETS.map((target, at) => [target, String(at).repeat(64)]));
  const formula = homebrewFormula(FACTS, sums as Parameters<typeof homebrewFormula>[1]);
  for (const [target, sum] of Object.entries(sums)) {
    assert.ok(formula.includes(`url "${FACTS.url}/actp-worker-${target}"\n      sha256 "${sum}"`), target);
  }
  const ruby = await findProgram("ruby");
  if (!ruby) return;
  await using folder = await tempDir();
  const file = join(folder.path, "actp-worker.rb");
  await Deno.writeTextFile(file, formula);
  assert.equal((await run(ruby, ["-c", file])).said, "Syntax OK\n");
});

Deno.test("the workflow is YAML whose parts follow each other, where ruby is there to read it", async () => {
  const ruby = await findProgram("ruby");
  if (!ruby) return;
  const file = fileURLToPath(new URL("../.github/workflows/release.yml", import.meta.url));
  const { code, said } = await run(ruby, [
    "-ryaml",
    "-rjson",
    "-e",
    "puts YAML.load_file(ARGV[0]).to_json",
    file,
  ]);
  assert.equal(code, 0, said);
  const { jobs, permissions } = JSON.parse(said);
  assert.deepEqual(Object.keys(jobs), ["build", "try", "publish"]);
  assert.deepEqual([jobs.try.needs, jobs.publish.needs], ["build", "try"]);
  assert.deepEqual(permissions, { contents: "read" });
  const tried = jobs.try.strategy.matrix.include.map(({ target }: { target: string }) => target);
  assert.deepEqual(tried, [...RELEASE_TARGETS]);
});

Deno.test("addresses that would break a script are refused", () => {
  assert.equal(requireAddress("--url", "https://dl.example/v1/"), "https://dl.example/v1");
  for (const bad of [undefined, "dl.example", "https://x/'; rm -rf ~", "https://x/$(id)", "https://a b/"]) {
    assert.throws(() => requireAddress("--url", bad), /--url must be an http\(s\) address/);
  }
});

Deno.test("a release is complete: programs, page, completions, scripts, and a sum for each", async () => {
  await using folder = await tempDir();
  const out = folder.path;
  await assert.rejects(writeReleaseFiles({ ...FACTS, out }), /build it first/);
  for (const target of RELEASE_TARGETS) await Deno.writeTextFile(join(out, `actp-worker-${target}`), target);
  const names = await writeReleaseFiles({ ...FACTS, out });
  assert.deepEqual(
    names,
    [
      ...RELEASE_TARGETS.map((target) => `actp-worker-${target}`),
      "actp-worker.1",
      "actp-worker.bash",
      "actp-worker.fish",
      "actp-worker.rb",
      "actp-worker.zsh",
      "install.sh",
    ].sort().concat("SHA256SUMS"),
  );
  const sums = (await Deno.readTextFile(join(out, "SHA256SUMS"))).trim().split("\n");
  assert.equal(sums.length, names.length - 1);
  for (const line of sums) {
    const [sum, name] = line.split("  ");
    assert.equal(sum, await fileSum(join(out, name!)));
  }
});
