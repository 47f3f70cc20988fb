/** `run`, `capabilities` and `doctor` as a person calls them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import type { ExecutorProblem } from "../task/loaded.ts";
import { defineExecutor, type Executor, TaskError } from "../task/task.ts";
import { inProcess } from "../testing/cli.ts";
import { tempDir } from "../testing/temp.ts";

const echo = defineExecutor({
  type: "echo",
  description: "says it again",
  input: z.strictObject({ text: z.string().default("hello") }),
  check: () => Promise.resolve({ available: true, version: "1.0" }),
  plan: ({ text }) => Promise.resolve([`say ${text}`]),
  run: ({ text }) =>
    text === "bad"
      ? Promise.reject(new TaskError("no such word", { retry: false }))
      : Promise.resolve({ text }),
}) as Executor;
const missing = defineExecutor({
  type: "missing",
  description: "needs a tool",
  input: z.any(),
  check: () => Promise.resolve({ available: false, reason: "no tool", fix: "get it" }),
  run: () => Promise.reject(new Error("must not be run")),
}) as Executor;
const EXCEPT = { field: "to", values: ["b"], reason: "no program", fix: "set it" };
const partly = defineExecutor({
  type: "partly",
  description: "does some of its tasks here",
  input: z.strictObject({ to: z.enum(["a", "b"]) }),
  check: () => Promise.resolve({ available: true, version: "2.0", except: EXCEPT }),
  run: ({ to }) => Promise.resolve({ to }),
}) as Executor;
const PROBLEM = { file: "/x/bad.ts", reason: "its run must be a function" };

/** One command in a home folder of its own. */
async function cli(args: string[], problems: ExecutorProblem[] = [], env: Record<string, string> = {}) {
  await using home = await tempDir();
  const own = {
    ACTP_HOME: home.path,
    WORKER_HEALTH_PORT: "0",
    WORKER_PROBE_PORT: "0",
    WORKER_MIN_FREE_BYTES: "0",
  };
  const result = await inProcess(
    args,
    { ...own, ...env },
    () => Promise.resolve({ executors: [echo, missing, partly], problems }),
  );
  const left = await Array.fromAsync(Deno.readDir(join(home.path, "tmp"))).catch(() => []);
  assert.deepEqual(left, [], "a temp folder is left");
  return result;
}

Deno.test("run does a task and prints its result, from JSON or a file", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "input.json");
  await Deno.writeTextFile(path, `{"text":"from a file"}`);
  for (const [input, text] of [[`{"text":"hi"}`, "hi"], ["{}", "hello"], [`@${path}`, "from a file"]]) {
    const { code, stdout } = await cli(["run", "echo", "--input", input!, "--json"]);
    assert.deepEqual([code, stdout], [0, JSON.stringify({ text })]);
  }
});

Deno.test("run tells by its exit code what was wrong: the task, the request, or the machine", async () => {
  const failed = await cli(["run", "echo", "-i", `{"text":"bad"}`]);
  assert.deepEqual([failed.code, failed.stderr], [1, "echo failed: no such word"]);
  const input = await cli(["run", "echo", "-i", `{"txt":"a"}`]);
  assert.equal(input.code, 2);
  assert.match(input.stderr, /bad input for echo: .*txt/);
  const unknown = await cli(["run", "nothing"], [PROBLEM]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /no executor for "nothing" .*why 1 of your own are left out/);
  const machine = await cli(["run", "missing"]);
  assert.deepEqual([machine.code, machine.stderr], [69, "missing cannot work here: no tool (get it)"]);
  const part = await cli(["run", "partly", "-i", `{"to":"b"}`]);
  assert.deepEqual([part.code, part.stderr], [69, "partly cannot work here: no program (set it)"]);
  assert.equal((await cli(["run", "partly", "-i", `{"to":"a"}`])).code, 0);
});

Deno.test("a dry run says what would be done, with the input as it would be used, and does nothing", async () => {
  const { code, stdout } = await cli(["run", "echo", "--dry-run", "-i", `{"text":"bad"}`]);
  assert.deepEqual([code, stdout], [0, "say bad"]);
  const { stdout: json } = await cli(["run", "echo", "-n", "--json"]);
  assert.deepEqual(JSON.parse(json), {
    type: "echo",
    input: { text: "hello" },
    available: true,
    version: "1.0",
    plan: ["say hello"],
  });
  assert.equal((await cli(["run", "echo", "-n", "-i", `{"text":1}`])).code, 2);
});

Deno.test("a dry run of what has no plan says that its input is valid, and that it cannot work here", async () => {
  const { code, stdout, stderr } = await cli(["run", "missing", "--dry-run"]);
  assert.equal(code, 69);
  assert.match(stdout, /missing does not tell its steps; the input is valid/);
  assert.match(stderr, /no tool \(get it\)/);
});

Deno.test("capabilities tells versions, reasons and what is broken", async () => {
  const { code, stdout } = await cli(["capabilities"], [PROBLEM]);
  assert.equal(code, 0);
  assert.match(stdout, /✓ {2}echo +1\.0/);
  assert.match(stdout, /✗ {2}missing +no tool: get it/);
  assert.match(stdout, /✓ {2}partly +2\.0; not to b: no program \(set it\)/);
  assert.match(stdout, /✗ {2}\/x\/bad\.ts: its run must be a function/);
  const shown = JSON.parse((await cli(["capabilities", "--json"], [PROBLEM])).stdout);
  assert.deepEqual(shown.executors, [
    { type: "echo", description: "says it again", available: true, version: "1.0" },
    { type: "missing", description: "needs a tool", available: false, reason: "no tool", fix: "get it" },
    {
      type: "partly",
      description: "does some of its tasks here",
      available: true,
      version: "2.0",
      except: EXCEPT,
    },
  ]);
  assert.deepEqual(shown.problems, [PROBLEM]);
  assert.deepEqual(Object.keys(shown.system_info).sort(), [
    "arch",
    "cpu_cores",
    "has_blotato",
    "has_remotion",
    "has_safari",
    "memory_gb",
    "os",
    "remotion_project_dir",
  ]);
});

Deno.test("doctor is content with a machine on which only some tools are missing", async () => {
  const { code, stdout, stderr } = await cli(["doctor"]);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /✓ {2}configuration/);
  assert.match(stdout, /✓ {2}echo +1\.0/);
  assert.match(stdout, /✓ {2}partly +2\.0; not to b: no program \(set it\)/);
  assert.match(stdout, /! {2}missing +no tool\n +→ get it/);
  assert.doesNotMatch(stdout, /✗/);
});

Deno.test("doctor ends with 4 where something does not work, and tells it as JSON too", async () => {
  const { code, stdout, stderr } = await cli(["doctor", "--json"], [PROBLEM]);
  assert.equal(code, 4);
  const findings: { name: string; status: string; detail: string }[] = JSON.parse(stdout);
  assert.deepEqual(findings.filter(({ status }) => status === "fail").map(({ detail }) => detail), [
    "/x/bad.ts: its run must be a function",
  ]);
  assert.equal(JSON.parse(stderr).error.code, 4);
});

Deno.test("doctor tells every problem of a bad configuration, and what is wrong with a database", async () => {
  const config = await cli(["doctor"], [], { TASK_POLL_INTERVAL_SECONDS: "often", WORKER_LOG_LEVEL: "loud" });
  assert.equal(config.code, 4);
  assert.match(config.stdout, /✗ {2}configuration +taskPollSeconds .*\n +→ Correct/);
  assert.match(config.stdout, /✗ {2}configuration +logLevel/);
  const database = await cli(["doctor"], [], {
    DATABASE_URL: "postgres://nobody:secret-word@127.0.0.1:1/none",
  });
  assert.equal(database.code, 4);
  assert.match(database.stdout, /✗ {2}database /);
  assert.doesNotMatch(database.stdout, /secret-word/);
});
