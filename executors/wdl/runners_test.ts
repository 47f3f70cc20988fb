import assert from "node:assert/strict";
import { join } from "node:path";
import { ProgramVersions } from "../../lib/process/program_version.ts";
import { needs } from "../../lib/testing/requirements.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { findRunner, invocation, type Runner, runnerEnvironment, type RunnerKind } from "./runners.ts";
import { stageIn } from "./staging.ts";

const stage = stageIn("/t");
const runner = (kind: RunnerKind, prefix: string[] = []): Runner => ({
  kind,
  program: kind,
  prefix,
  version: "1",
});

/** Writes a program that does what the shell text says. */
async function program(folder: string, name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

Deno.test("each runner is called as its manual says", () => {
  assert.deepEqual(invocation(runner("miniwdl"), stage, true), [
    ...["run", "/t/wdl/_submitted.wdl", "-i", "/t/inputs.json"],
    ...["-d", "/t/run/.", "--error-json", "-o", "/t/outputs.json"],
  ]);
  assert.deepEqual(invocation(runner("cromwell", ["-jar", "/c.jar"]), stage, true), [
    ...["-jar", "/c.jar", "run", "/t/wdl/_submitted.wdl", "-i", "/t/inputs.json", "-m", "/t/outputs.json"],
  ]);
  assert.deepEqual(invocation(runner("sprocket"), stage, true), [
    ...["run", "/t/wdl/_submitted.wdl", "@/t/inputs.json", "-o", "/t/run"],
  ]);
  assert.deepEqual(invocation(runner("toil"), stage, true), [
    ...["/t/wdl/_submitted.wdl", "-i", "/t/inputs.json", "-o", "/t/run", "-m", "/t/outputs.json"],
  ]);
  assert.deepEqual(invocation(runner("toil59"), stage, true), [
    ...["/t/wdl/_submitted.wdl", "/t/inputs.json", "-o", "/t/run", "--jobStore", "file:/t/tmp/jobs"],
  ]);
});

Deno.test("a task is named where the runner can run one, and no inputs are given where there are none", () => {
  assert.deepEqual(invocation(runner("miniwdl"), stage, true, "greet").slice(-2), ["--task", "greet"]);
  assert.deepEqual(invocation(runner("sprocket"), stage, false, "greet"), [
    ...["run", "/t/wdl/_submitted.wdl", "-o", "/t/run", "--target", "greet"],
  ]);
});

Deno.test("the runner's temporary files go into the attempt's own folder, and secrets do not go to it", () => {
  Deno.env.set("SUPABASE_SECRET_KEY", "secret");
  try {
    const environment = runnerEnvironment("/t/tmp");
    assert.equal(environment.TMPDIR, "/t/tmp");
    assert.ok(!Object.values(environment).includes("secret"));
  } finally {
    Deno.env.delete("SUPABASE_SECRET_KEY");
  }
});

Deno.test("a configured program is recognised by its name or by the configuration", async () => {
  await using dir = await tempDir();
  const versions = new ProgramVersions();
  const miniwdl = await program(
    dir.path,
    "my-miniwdl",
    'echo "miniwdl v1.12.0"; echo "miniwdl.plugin.x y = z"',
  );
  const sprocket = await program(dir.path, "wdl", 'echo "sprocket 0.19.0"');
  const newToil = await program(dir.path, "toil-wdl-runner", 'echo "8.0.0"');
  const found = async (...[choice, path]: [Parameters<typeof findRunner>[0], string]) => {
    const { kind, version } = await findRunner(choice, path, versions) as Runner;
    return [kind, version];
  };
  assert.deepEqual(await found("auto", miniwdl), ["miniwdl", "1.12.0"]);
  assert.deepEqual(await found("sprocket", sprocket), ["sprocket", "0.19.0"]);
  assert.deepEqual(await found("toil", newToil), ["toil", "8.0.0"]);
  assert.deepEqual(await findRunner("auto", sprocket, versions), {
    reason: `WDL_RUNNER_PATH is ${sprocket}, whose name does not tell which runner it is`,
    fix: "set WDL_RUNNER to miniwdl, cromwell, sprocket or toil",
  });
});

Deno.test("a runner that is missing or broken is told with what to do", async () => {
  await using dir = await tempDir();
  const versions = new ProgramVersions();
  const broken = await program(dir.path, "miniwdl", "echo no module named WDL >&2; exit 1");
  const missing = await findRunner("sprocket", "/no/sprocket", versions);
  assert.deepEqual(missing, {
    reason: "no WDL runner was found (/no/sprocket)",
    fix: "correct WDL_RUNNER_PATH",
  });
  const sick = await findRunner("miniwdl", broken, versions);
  assert.ok(
    "reason" in sick && /miniwdl --version exited with status 1/.test(sick.reason),
    JSON.stringify(sick),
  );
  const jar = await findRunner("cromwell", "/no/cromwell.jar", versions);
  assert.ok("reason" in jar && /no WDL runner was found/.test(jar.reason));
});

Deno.test({
  name: "Debian's Toil is known for the old runner that it is",
  ...await needs("toil"),
  fn: async () => {
    const found = await findRunner("toil", undefined, new ProgramVersions()) as Runner;
    assert.ok(
      found.kind === "toil" || (found.kind === "toil59" && /^5/.test(found.version)),
      JSON.stringify(found),
    );
  },
});
