import assert from "node:assert/strict";
import { join } from "node:path";
import { type Task, TaskError } from "../lib/task/task.ts";
import { testContext } from "../lib/testing/execution_context.ts";
import { needs } from "../lib/testing/requirements.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { wdlRun, type WdlSettings } from "./wdl_run.ts";

const HELLO = `version 1.0
workflow hello {
  input { String name  File letter }
  call greet { input: name = name, letter = letter }
  output { File greeting = greet.message  String word = greet.word  Int answer = 42 }
}
task greet {
  input { String name  File letter }
  command <<<
    cat ~{letter} > message.txt
    echo "hello ~{name}" >> message.txt
    echo "said to ~{name}"
  >>>
  output { File message = "message.txt"  String word = read_string(stdout()) }
}`;

/** An input folder with a letter, and an executor that is run in it. */
async function bench(settings: Partial<WdlSettings> = {}) {
  const dir = await tempDir();
  const top = await Deno.realPath(dir.path);
  await Deno.mkdir(join(top, "in/base"), { recursive: true });
  await Deno.writeTextFile(join(top, "in/base/letter.txt"), "Dear all,\n");
  const executor = wdlRun({
    wdlRunner: "auto",
    inputRoots: [join(top, "in")],
    outputDir: join(top, "out"),
    maxDownloadBytes: 1_000_000,
    downloadTimeoutSeconds: 5,
    allowPrivateUrls: false,
    ...settings,
  });
  const run = async (input: unknown, task: Partial<Task> = {}, stop?: AbortController) => {
    await using attempt = await testContext({ task: { id: "job-1", ...task }, signal: stop?.signal });
    attempts.push(attempt.context.tempDir);
    const progress = (report: { message?: string }) => onProgress(report.message ?? "");
    return await executor.run(executor.input.parse(input), { ...attempt.context, progress });
  };
  const attempts: string[] = [];
  let onProgress: (message: string) => void = () => {};
  return {
    top,
    executor,
    /** The private folders of the runs, in order. */
    attempts,
    run,
    watch: (watcher: typeof onProgress) => void (onProgress = watcher),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/**
 * A runner's stand-in: tells its version, keeps its arguments and inputs, and then does what the shell text says, in
 * which $OUT is the file for the outputs and $RUN the folder for what it makes.
 */
async function standIn(folder: string, name: string, version: string, script: string): Promise<string> {
  const path = join(folder, name);
  await Deno.writeTextFile(
    path,
    `#!/bin/sh
[ "$1" = --version ] && { echo "${version}"; exit 0; }
printf '%s\\n' "$@" > "${folder}/arguments"
cp "$PWD/../inputs.json" "${folder}/inputs"
find "$PWD/../wdl" -name '*.wdl' | sort > "${folder}/documents"
OUT="$PWD/../outputs.json" RUN="$PWD"
${script}
`,
    { mode: 0o755 },
  );
  return path;
}

const fails = async (running: Promise<unknown>, message: RegExp, retry: boolean): Promise<Failure> => {
  let failure: unknown;
  await assert.rejects(running, (error) => {
    failure = error;
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.equal(error.retry, retry, error.message);
    return true;
  });
  return failure as Failure;
};
type Failure = TaskError & { exitCode?: number };

const INPUTS = { wdl: HELLO, inputs: { "hello.name": "you", "hello.letter": "base/letter.txt" } };

Deno.test("the outputs of every runner come back under their full names, with files that outlive the run", async () => {
  const values = '{"hello.greeting": "\'$RUN\'/made.txt", "hello.word": "w", "hello.answer": 42}';
  const made = 'echo made > "$RUN/made.txt"; echo "a log line" >&2;';
  for (
    const [name, version, script, last] of [
      ["miniwdl", "miniwdl v1.12.0", `echo '{"outputs": ${values}, "dir": "/run"}' > "$OUT"`, "outputs.json"],
      [
        "cromwell",
        "cromwell 86",
        `echo '{"status": "Succeeded", "outputs": ${values}}' > "$OUT"`,
        "outputs.json",
      ],
      [
        "sprocket",
        "sprocket 0.19.0",
        `mkdir -p runs/hello/1; echo '${values}' > runs/hello/1/outputs.json`,
        "run",
      ],
      ["toil-wdl-runner", "8.0.0", `echo '${values}' > "$OUT"`, "outputs.json"],
    ]
  ) {
    await using programs = await tempDir();
    await using b = await bench({
      wdlRunnerPath: await standIn(programs.path, name, version, made + script),
    });
    const result = await b.run(INPUTS);
    const greeting = join(b.top, "out/job-1/greeting/made.txt");
    assert.deepEqual(
      result.outputs,
      { "hello.greeting": greeting, "hello.word": "w", "hello.answer": 42 },
      name,
    );
    assert.deepEqual([result.status, result.stderr, typeof result.duration_ms], [
      "ok",
      "a log line",
      "number",
    ]);
    assert.equal(await Deno.readTextFile(greeting), "made\n");
    assert.deepEqual(JSON.parse(await Deno.readTextFile(join(programs.path, "inputs"))), {
      "hello.name": "you",
      "hello.letter": join(b.top, "in/base/letter.txt"),
    });
    const given = (await Deno.readTextFile(join(programs.path, "arguments"))).trim().split("\n");
    assert.ok(
      given.some((one) => one.endsWith("/wdl/_submitted.wdl")) && given.at(-1)?.endsWith(last),
      given.join(" "),
    );
  }
});

Deno.test("the documents that are imported lie where they are imported from, and a task is run by its name", async () => {
  await using programs = await tempDir();
  const script = `echo '{"outputs": {"greet.message": "/etc/passwd"}}' > "$OUT"`;
  await using b = await bench({
    wdlRunnerPath: await standIn(programs.path, "miniwdl", "miniwdl v1.12.0", script),
  });
  const wdl = HELLO.replace("workflow", 'import "lib/a.wdl"\nworkflow');
  const imports = { "lib/a.wdl": 'version 1.0\nimport "../b.wdl"', "b.wdl": "version 1.0" };
  const inputs = { "greet.name": "you", "greet.letter": "letter.txt" };
  const options = { task: "greet", run_id: "job-1", base_dir: "base" };
  await fails(b.run({ wdl, imports, inputs, options }), /its output greet\.word is missing/, false);
  const documents = (await Deno.readTextFile(join(programs.path, "documents"))).trim().split("\n");
  assert.deepEqual(documents.map((path) => path.replace(/.*\/wdl\//, "")), [
    "_submitted.wdl",
    "b.wdl",
    "lib/a.wdl",
  ]);
  assert.match(await Deno.readTextFile(join(programs.path, "arguments")), /--task\ngreet\n$/);
});

Deno.test("a run is not done before its declared outputs are there", async () => {
  const cases: [string, RegExp][] = [
    ["exit 0", /it ended well but wrote no outputs/],
    [`echo '{"outputs": {"hello.greeting": "x"}}' > "$OUT"`, /its output hello\.word is missing/],
    [
      `echo '{"outputs": {"hello.greeting": "absent.txt", "hello.word": "w", "hello.answer": 1}}' > "$OUT"`,
      /the output greeting is missing: there is no "absent\.txt"/,
    ],
    [
      `ln -s /etc/passwd x; echo '{"outputs": {"hello.greeting": "x", "hello.word": "w", "hello.answer": 1}}' > "$OUT"`,
      /the output greeting lies outside the run's own folder/,
    ],
  ];
  for (const [script, problem] of cases) {
    await using programs = await tempDir();
    await using b = await bench({
      wdlRunnerPath: await standIn(programs.path, "miniwdl", "miniwdl v1.1", script),
    });
    await fails(b.run(INPUTS), problem, false);
  }
});

Deno.test("a failure tells the task's exit code and stderr; what the system killed is retried", async () => {
  await using programs = await tempDir();
  const path = join(programs.path, "miniwdl");
  const become = (script: string) => standIn(programs.path, "miniwdl", "miniwdl v1.12.0", script);
  await become(`mkdir call; printf 'one\\ntwo\\n' > call/stderr.txt; echo "ERROR log" >&2
    echo '{"error": "RunFailed", "task": "greet", "cause": {"error": "CommandFailed", "exit_status": 3,
      "stderr_file": "'$RUN'/call/stderr.txt"}}' > "$OUT"; exit 3`);
  await using b = await bench({ wdlRunnerPath: path });
  const failure = await fails(
    b.run(INPUTS),
    /^miniwdl: the command of greet exited with status 3: two$/,
    false,
  );
  assert.deepEqual([failure.exitCode, failure.logTail], [3, "one\ntwo\n"]);
  await become(`echo '{"error": "RunFailed", "cause": {"error": "CommandFailed", "exit_status": 1,
    "stderr_file": "/etc/passwd"}}' > "$OUT"; exit 1`);
  const hidden = await fails(b.run(INPUTS), /exited with status 1$/, false);
  assert.equal(hidden.logTail, "", "a report cannot make the worker read other files");
  await become('echo "(submitted.wdl Ln 4 Col 1) Unexpected token" >&2; exit 2');
  assert.equal((await fails(b.run(INPUTS), /exited with status 2: .*Unexpected token/, false)).exitCode, 2);
  await become("kill -9 $$");
  assert.equal((await fails(b.run(INPUTS), /killed by SIGKILL/, true)).exitCode, undefined);
});

Deno.test("a job that cannot be run fails before anything is started", async () => {
  await using programs = await tempDir();
  await using b = await bench({
    wdlRunnerPath: await standIn(programs.path, "miniwdl", "miniwdl v1.1", "exit 9"),
  });
  await fails(b.run({ wdl: "version 1.0\nworkflow {" }), /does not parse: line 2/, false);
  await fails(b.run({ ...INPUTS, options: { base_dir: "/etc" } }), /options\.base_dir/, false);
  await fails(b.run({ ...INPUTS, inputs: { "hello.letter": "../../x" } }), /there is no file/, false);
  await fails(
    b.run({ wdl: 'version 1.0\nimport "http://127.0.0.1/x.wdl"\nworkflow w {}' }),
    /https only/,
    false,
  );
  await fails(
    b.run({ wdl: 'version 1.0\nimport "https://127.0.0.1/x.wdl"\nworkflow w {}' }),
    /private address/,
    false,
  );
  await assert.rejects(Deno.stat(join(programs.path, "arguments")));
  const { input } = b.executor;
  for (
    const bad of [{}, { wdl: "" }, { wdl: "x", input: {} }, { wdl: "x", options: { task: "a b" } }, {
      wdl: 7,
    }]
  ) {
    assert.equal(input.safeParse(bad).success, false, JSON.stringify(bad));
  }
  assert.equal(
    input.safeParse({ wdl: "x", inputs: null, options: { task: null }, imports: null }).success,
    true,
  );
});

Deno.test("a plan tells what would be run, and a missing runner is told with what to do", async () => {
  await using b = await bench({ wdlRunner: "sprocket", wdlRunnerPath: "/no/sprocket" });
  const missing = await b.executor.check();
  assert.ok(!missing.available && /no WDL runner was found/.test(missing.reason) && missing.fix !== "");
  const failure = await fails(b.run(INPUTS), /no WDL runner was found/, true);
  assert.equal((failure.cause as Error).name, "ProgramMissingError");
  assert.deepEqual(await b.executor.plan?.(b.executor.input.parse(INPUTS)), [
    "cannot run the workflow hello: no WDL runner was found (/no/sprocket); correct WDL_RUNNER_PATH",
    "inputs: hello.name, hello.letter",
    "outputs: hello.greeting, hello.word, hello.answer",
  ]);
});

const toil = await needs("toil");

// Together, since Toil spends most of its time waiting.
Deno.test({
  name: "Toil: files and values come back, a failed command fails its run, and a stop leaves nothing running",
  ...toil,
  fn: async () => {
    const ends = await Promise.allSettled([comesBack(), commandFails(), stopLeavesNothing()]);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  },
});

/** Toil runs a workflow, and its files and values come back. */
async function comesBack(): Promise<void> {
  await using b = await bench({ wdlRunner: "toil" });
  const { available } = await b.executor.check();
  assert.ok(available);
  const told: string[] = [];
  b.watch((message) => told.push(message));
  const name = "o'k \\ {braces} ü";
  const { outputs } = await b.run({ ...INPUTS, inputs: { ...INPUTS.inputs, "hello.name": name } });
  const greeting = join(b.top, "out/job-1/greeting/message.txt");
  assert.deepEqual(outputs, {
    "hello.greeting": greeting,
    "hello.word": `said to ${name}`,
    "hello.answer": 42,
  });
  assert.equal(await Deno.readTextFile(greeting), `Dear all,\nhello ${name}\n`);
  assert.ok(told.some((line) => /Issued job 'greet/.test(line)), told.join("\n"));
}

/** A command that fails fails the run, though Toil calls it a success. */
async function commandFails(): Promise<void> {
  await using b = await bench({ wdlRunner: "toil" });
  const wdl = HELLO.replace('echo "said', 'echo "went wrong" >&2; exit 3; echo "said');
  const failure = await fails(
    b.run({ ...INPUTS, wdl }),
    /^Toil: the command of greet exited with status 3: went wrong$/,
    false,
  );
  assert.deepEqual([failure.exitCode, failure.logTail], [3, "went wrong\n"]);
  await assert.rejects(Deno.stat(join(b.top, "out/job-1/greeting")));
}

/** Stopping a run leaves no process of Toil, its workers or the command. */
async function stopLeavesNothing(): Promise<void> {
  await using b = await bench({ wdlRunner: "toil" });
  const mark = join(b.top, "started");
  const wdl = HELLO.replace("cat ~{letter}", `touch ${mark}; sleep 600.${Deno.pid}; cat ~{letter}`);
  const stop = new AbortController();
  const running = b.run({ ...INPUTS, wdl }, {}, stop);
  const started = async () => {
    for await (const { paths } of Deno.watchFs(b.top)) if (paths.includes(mark)) return;
  };
  await Promise.race([started(), running]);
  const processes = async () => {
    const { stdout } = await new Deno.Command("ps", { args: ["-axww", "-o", "args="] }).output();
    return new TextDecoder().decode(stdout).split("\n").filter((line) =>
      line.includes(`sleep 600.${Deno.pid}`) || line.includes(b.attempts[0])
    );
  };
  const before = await processes();
  assert.ok(
    before.some((line) => /sleep/.test(line)) && before.some((line) => /toil/.test(line)),
    before.join("\n"),
  );
  stop.abort(new Error("cancelled"));
  await assert.rejects(running, /cancelled/);
  assert.deepEqual(await processes(), []);
  await assert.rejects(Deno.stat(join(b.top, "out")));
}

Deno.test({
  name: "what Toil 5.9 cannot tell is refused before it is run",
  ...toil,
  fn: async () => {
    await using b = await bench({ wdlRunner: "toil" });
    const { version } = await b.executor.check() as { version?: string };
    if (!version?.startsWith("Toil 5")) return; // its successors export everything
    await fails(
      b.run({ wdl: "version 1.1\nworkflow w { output { Int x = 1 } }" }),
      /draft-2 and 1\.0 only/,
      false,
    );
    const globbed = HELLO.replace('"message.txt"', 'glob("*.txt")[0]');
    await fails(
      b.run({ ...INPUTS, wdl: globbed }),
      /hello\.greeting: Toil 5\.9 does not export a File/,
      false,
    );
  },
});
