import assert from "node:assert/strict";
import { join } from "node:path";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { type CommandDeclaration, loadConfig } from "../lib/config.ts";
import { type Executor, type Progress, TaskError } from "../lib/task/task.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { testContext } from "../lib/testing/execution_context.ts";
import { buildArguments, commandExecutors, commandInput } from "./command.ts";
import { builtInExecutors } from "./index.ts";
import { BUILT_IN_TYPES } from "./types.ts";

const declare = (more: Partial<CommandDeclaration>): CommandDeclaration => ({
  name: "greet",
  program: "sh",
  args: [],
  input: {},
  stdin: "none",
  ...more,
});
const script = (text: string, more: Partial<CommandDeclaration> = {}) =>
  declare({ args: ["-c", text], ...more });
const string = { type: "string", required: true } as const;

/** Runs one declaration in a fresh folder that has `in/`, `out/` and the task's temp folder `temp/`. */
async function run(
  declaration: CommandDeclaration,
  input: unknown = {},
  options: { signal?: AbortSignal; progress?: Progress[]; prepare?: (dir: string) => Promise<void> } = {},
): Promise<unknown> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const name of ["in", "out", "temp"]) await Deno.mkdir(join(dir, name));
    await options.prepare?.(dir);
    const [executor] = commandExecutors([declaration], {
      inputRoots: [join(dir, "in")],
      outputDir: join(dir, "out"),
    });
    await using attempt = await testContext({
      task: { id: "task-1", type: executor.type },
      signal: options.signal,
    });
    const context = { ...attempt.context, tempDir: join(dir, "temp") };
    return await executor.run(executor.input.parse(input), {
      ...context,
      progress: (progress) => options.progress?.push(progress),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const fails = (running: Promise<unknown>, message: RegExp, retry: boolean) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.equal(error.retry, retry, error.message);
    return true;
  });

Deno.test("a program that reports nothing answers with its exit code and last lines", async () => {
  assert.deepEqual(await run(script("echo one; echo two")), { exitCode: 0, stdoutTail: ["one", "two"] });
});

Deno.test("reported progress, log lines and the last result are passed on", async () => {
  const records: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => void records.push(record) },
    loggers: [{ category: ["actp", "test"], sinks: ["memory"] }, {
      category: ["logtape", "meta"],
      sinks: [],
    }],
  });
  try {
    const progress: Progress[] = [];
    const lines = [
      { type: "progress", percent: 40, message: "half way", remaining_seconds: 3 },
      { type: "progress", percent: 400 },
      { type: "log", level: "warning", message: "careful {{text}}" },
      { type: "result", output: { n: 1 } },
      { type: "result", output: { n: 2, text: "é" } },
      { type: "unknown" },
    ].map((line) => JSON.stringify(line));
    const output = await run(
      declare({ program: "printf", args: ["%s\\n", ...lines, "{not json", "null"] }),
      {},
      { progress },
    );
    assert.deepEqual(output, { n: 2, text: "é" });
    assert.deepEqual(progress, [{ percent: 40, message: "half way", remainingSeconds: 3 }]);
    assert.deepEqual(records.map(({ level, message }) => [level, message.join("")]), [[
      "warning",
      "careful {text}",
    ]]);
  } finally {
    await reset();
  }
});

Deno.test("a reported error decides about retrying, whatever the exit code", async () => {
  const reporting = (error: unknown, code: number) =>
    run(
      declare({ args: ["-c", 'printf "%s\\n" "$1"; exit "$2"', "sh", JSON.stringify(error), String(code)] }),
    );
  await fails(
    reporting({ type: "error", message: "no such account", retry: false }, 1),
    /^greet: no such account$/,
    false,
  );
  await fails(reporting({ type: "error", message: "busy" }, 0), /busy/, true);
});

Deno.test("exit codes for wrong requests are final, others are retried, and a declaration may list its own", async () => {
  const failing = (code: number, more = {}) =>
    run(script(`echo noise >&2; echo 'the reason' >&2; exit ${code}`, more));
  for (
    const [code, retry] of [[1, true], [3, true], [2, false], [64, false], [65, false], [78, false]] as const
  ) {
    await fails(failing(code), new RegExp(`greet exited with status ${code}: the reason`), retry);
  }
  await fails(failing(2, { retryExitCodes: [2] }), /status 2/, true);
  await fails(failing(1, { retryExitCodes: [2] }), /status 1/, false);
  await fails(run(script("kill -9 $$")), /killed by SIGKILL/, true);
  await assert.rejects(
    failing(1),
    (error) => error instanceof TaskError && error.logTail === "noise\nthe reason",
  );
});

Deno.test("a program beyond its time limit is ended and retried", async () => {
  await fails(run(script("sleep 60", { timeoutSeconds: 0.1 })), /limit of 0.1 s/, true);
});

Deno.test("an abort ends the program", async () => {
  const stop = new AbortController();
  const progress: Progress[] = [];
  progress.push = () => {
    stop.abort(new Error("cancelled"));
    return 0;
  };
  const waiting = script(`echo '{"type":"progress","percent":1}'; sleep 60`);
  await assert.rejects(run(waiting, {}, { signal: stop.signal, progress }), /cancelled/);
});

Deno.test("a line longer than a result may be is an error, not a wrong result", async () => {
  const endless = script(
    `printf '{"type":"result","output":"'; head -c 1100000 /dev/zero | tr '\\0' x; printf '"}\\n'`,
  );
  await fails(run(endless), /longer than 1000000 bytes/, false);
});

Deno.test("values reach the program as they are, without any shell", async () => {
  const declaration = declare({
    program: "printf",
    args: ["%s\\n", "{text}", "n={n}", "{{text}}"],
    input: { text: string, n: { type: "integer", required: true } },
  });
  const text = "a b; $(id) `id` 'x' \"y\" *";
  assert.deepEqual(await run(declaration, { text, n: -5 }), {
    exitCode: 0,
    stdoutTail: [text, "n=-5", "{text}"],
  });
});

Deno.test("the program reads its input as JSON when the declaration says so, else nothing", async () => {
  const fields = { input: { text: string } };
  assert.deepEqual(await run(script("cat", fields), { text: "hi" }), { exitCode: 0, stdoutTail: [] });
  const { stdoutTail } = await run(script("cat", { ...fields, stdin: "input" }), { text: "hi" }) as {
    stdoutTail: string[];
  };
  assert.deepEqual(stdoutTail, ['{"text":"hi"}']);
});

Deno.test("only the named variables are passed on, besides the declared ones", async () => {
  Deno.env.set("COMMAND_TEST_A", "a");
  Deno.env.set("COMMAND_TEST_B", "b");
  try {
    const shown = script('echo "$COMMAND_TEST_A,$COMMAND_TEST_B,$OTHER"', {
      env: ["COMMAND_TEST_A", "COMMAND_TEST_MISSING"],
      setEnv: { OTHER: "o" },
    });
    assert.deepEqual(await run(shown), { exitCode: 0, stdoutTail: ["a,,o"] });
  } finally {
    Deno.env.delete("COMMAND_TEST_A");
    Deno.env.delete("COMMAND_TEST_B");
  }
});

Deno.test("the program works in the task's temp folder and knows its result folder", async () => {
  const declaration = script('pwd; echo "$1"; test -d "$1" && echo there', {});
  const args = [...declaration.args, "sh", "{outputDir}"];
  const { stdoutTail } = await run({ ...declaration, args }) as { stdoutTail: string[] };
  assert.ok(stdoutTail[0].endsWith("/temp"));
  assert.ok(stdoutTail[1].endsWith("/out/task-1"));
  assert.equal(stdoutTail[2], "there");
});

Deno.test("paths are resolved inside the input folders and nowhere else", async () => {
  const declaration = declare({
    program: "cat",
    args: ["{file}"],
    input: { file: { type: "path", required: true } },
  });
  const prepare = async (dir: string) => {
    await Deno.writeTextFile(join(dir, "in", "-a b"), "content");
    await Deno.writeTextFile(join(dir, "secret"), "secret");
    await Deno.symlink(join(dir, "secret"), join(dir, "in", "link"));
  };
  assert.deepEqual(await run(declaration, { file: "-a b" }, { prepare }), {
    exitCode: 0,
    stdoutTail: ["content"],
  });
  for (const file of ["../secret", "link", "/etc/passwd", "none"]) {
    await fails(run(declaration, { file }, { prepare }), /no file/, false);
  }
});

Deno.test("free text cannot become an option, but enums, numbers and paths may begin with a dash", () => {
  const input = {
    text: string,
    n: { type: "number", required: true },
    mode: { ...string, enum: ["-q", "-v"] },
  } as const;
  const build = (args: string[], values: Record<string, string | number>) =>
    buildArguments({ args, input } as unknown as CommandDeclaration, values);
  const values = { text: "--exec=evil", n: -1, mode: "-q" };
  assert.throws(() => build(["{text}"], values), /text must not begin with a dash/);
  assert.throws(() => build(["{mode}{text}"], { ...values, mode: "" }), /dash/);
  assert.deepEqual(build(["--", "--name={text}", "x{text}", "{n}", "{mode}"], values), [
    "--",
    "--name=--exec=evil",
    "x--exec=evil",
    "-1",
    "-q",
  ]);
});

Deno.test("an argument whose optional field has no value is left out", () => {
  const input = { size: { type: "integer", required: false } } as const;
  const build = (values: Record<string, number | undefined>) =>
    buildArguments({ args: ["a", "--size={size}"], input } as unknown as CommandDeclaration, values);
  assert.deepEqual(build({}), ["a"]);
  assert.deepEqual(build({ size: 3 }), ["a", "--size=3"]);
});

Deno.test("the input schema keeps to the declared types and bounds", () => {
  const schema = commandInput({
    input: {
      name: { ...string, pattern: "[a-z]+", maxLength: 5 },
      count: { type: "integer", required: true, min: 1, max: 3, default: 2 },
      mode: { type: "string", required: false, enum: ["fast", "slow"] },
      on: { type: "boolean", required: false },
    },
  });
  assert.deepEqual(schema.parse({ name: "abc" }), { name: "abc", count: 2 });
  const bad = [{}, { name: "abc", more: 1 }, { name: "abc1" }, { name: "abcdef" }, { name: "a", count: 0 }, {
    name: "a",
    count: 1.5,
  }]
    .concat([{ name: "a", mode: "x" }, { name: "a", on: "yes" }, { name: "a\nb" }] as never[]);
  for (const input of bad) assert.equal(schema.safeParse(input).success, false, JSON.stringify(input));
});

Deno.test("a missing program makes the type unavailable with what to do, and its tasks are kept for other workers", async () => {
  const missing = declare({ program: "no-such-program-here" });
  const check = (declaration: CommandDeclaration) =>
    commandExecutors([declaration], { inputRoots: [], outputDir: "/nowhere" })[0].check();
  assert.deepEqual(await check(missing), {
    available: false,
    reason: "no-such-program-here was not found",
    fix: "install no-such-program-here or give its absolute path",
  });
  assert.deepEqual((await check(script("", { cwd: "/no/folder" }))).available, false);
  assert.deepEqual(await check(script("")), { available: true });
  await fails(run(missing), /cannot run no-such-program-here/, true);
});

Deno.test("declared programs stand beside the built-in types", async () => {
  await using home = await tempDir();
  const { config } = await loadConfig({ env: { ACTP_HOME: home.path }, cwd: home.path });
  const types = builtInExecutors({ ...config, commands: [declare({})] }).map(({ type }: Executor) => type);
  assert.deepEqual(types, [...BUILT_IN_TYPES, "greet"]);
});
