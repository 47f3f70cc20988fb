import assert from "node:assert/strict";
import { compileArguments, compileEnvironment, missingBase, readBuilds } from "./compile.ts";

const LINUX = { platform: "x86_64-unknown-linux-gnu", ownBase: false };

Deno.test("without a target, one program for this machine is built", () => {
  assert.deepEqual(readBuilds([], LINUX), [{ path: "dist/actp-worker", selfExtracting: false }]);
  assert.deepEqual(readBuilds(["--out", "/o", "--self-extracting"], LINUX), [
    { path: "/o/actp-worker", selfExtracting: true },
  ]);
});

Deno.test("targets name their files, and this machine's own needs no cross-compiling", () => {
  const builds = readBuilds(["--target", "all"], LINUX);
  assert.deepEqual(builds.map(({ path, target }) => [path, target]), [
    ["dist/actp-worker-linux-x64", undefined],
    ["dist/actp-worker-linux-arm64", "linux-arm64"],
    ["dist/actp-worker-macos-x64", "macos-x64"],
    ["dist/actp-worker-macos-arm64", "macos-arm64"],
  ]);
});

Deno.test("what cannot be built is refused with the reason", () => {
  assert.throws(() => readBuilds(["--target", "windows"], LINUX), /windows is unknown; give linux-x64, /);
  assert.throws(() => readBuilds(["--target", "toString"], LINUX), /unknown/);
  assert.throws(
    () => readBuilds(["--target", "macos-x64", "--self-extracting"], LINUX),
    /build it on macos-x64/,
  );
  assert.throws(() => readBuilds(["--target", "macos-x64"], { ...LINUX, ownBase: true }), /unset it/);
  assert.throws(() => readBuilds(["--bad"], LINUX), /--bad/);
});

Deno.test("a program is compiled with explicit permissions, never all, and never asks", () => {
  const [build] = readBuilds(["--target", "macos-arm64"], LINUX);
  const args = compileArguments(build!, "/p/main.ts", "");
  assert.ok(args.includes("--no-prompt") && args.includes("--allow-read"));
  assert.ok(!args.includes("-A") && !args.includes("--allow-all"));
  assert.deepEqual(args.slice(-5), [
    "--target",
    "aarch64-apple-darwin",
    "--output",
    "dist/actp-worker-macos-arm64",
    "/p/main.ts",
  ]);
});

Deno.test("a program with OpenTelemetry is another file, and only it is told so when it is built", () => {
  const [build] = readBuilds(["--otel", "--target", "macos-arm64"], LINUX);
  assert.deepEqual([build?.path, build?.otel], ["dist/actp-worker-otel-macos-arm64", true]);
  const env = { HOME: "/h", OTEL_DENO: "true", OTEL_EXPORTER_OTLP_HEADERS: "key=secret" };
  const common = { HOME: "/h", NO_COLOR: "1", RUST_MIN_STACK: "67108864" };
  assert.deepEqual(compileEnvironment({}, env), common);
  assert.deepEqual(compileEnvironment({ otel: true }, env), {
    ...common,
    OTEL_DENO: "true",
    OTEL_DENO_CONSOLE: "ignore",
  });
  assert.throws(() => readBuilds(["--otel", "--self-extracting"], LINUX), /leave --otel out/);
});

Deno.test("packages that the program does not use are left out where this Deno can do that", () => {
  const build = { path: "x", selfExtracting: false };
  assert.ok(
    compileArguments(build, "m", "… --exclude-unused-npm  Embed only …").includes("--exclude-unused-npm"),
  );
  assert.ok(!compileArguments(build, "m", "--exclude <exclude>").includes("--exclude-unused-npm"));
});

Deno.test("a base that cannot be downloaded is told apart from other failures", () => {
  const offline = [
    "error: Writing x",
    "",
    "Caused by:",
    "    0: Setting up base binary.",
    "    1: no route: dns",
  ];
  assert.equal(missingBase(offline), "no route: dns");
  assert.equal(missingBase(["error: Could not find denort at '/x'"]), undefined);
});
