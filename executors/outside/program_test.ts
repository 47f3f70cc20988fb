import assert from "node:assert/strict";
import { join } from "node:path";
import { type Executor, TaskError } from "../../lib/task/task.ts";
import { capturedLog } from "../../lib/testing/captured_log.ts";
import { testContext } from "../../lib/testing/execution_context.ts";
import { fakeClock } from "../../lib/testing/fake_clock.ts";
import { isAlive } from "../../lib/testing/process_tree.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { until } from "../../lib/testing/until.ts";
import { parseManifest } from "./manifest.ts";
import { programExecutor } from "./program.ts";

const ANY = { type: "object" };

/** An executor whose program is this shell script, in a folder of its own. */
async function program(script: string, more: Record<string, unknown> = {}) {
  const dir = await tempDir();
  const folder = join(dir.path, "tool");
  const outputDir = join(dir.path, "out");
  await Deno.mkdir(folder);
  const write = async (script: string) => {
    await Deno.writeTextFile(join(folder, "tool"), `#!/bin/sh\n${script}\n`);
    await Deno.chmod(join(folder, "tool"), 0o755);
  };
  await write(script);
  const text = JSON.stringify({
    type: "tool",
    description: "a tool",
    command: ["./tool"],
    input: ANY,
    ...more,
  });
  await Deno.writeTextFile(join(folder, "executor.json"), text);
  const clock = fakeClock();
  const executor = programExecutor(parseManifest(text, folder), { outputDir }, clock);
  return {
    executor,
    clock,
    folder,
    outputDir,
    write,
    /** Waits for the program to make the file `ready`. */
    ready: () =>
      until("it is ready", () => [...Deno.readDirSync(folder)].some(({ name }) => name === "ready")),
    file: (name: string) => Deno.readTextFile(join(folder, name)),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** Runs it to its end. */
async function run(executor: Executor, input: unknown = {}, signal?: AbortSignal) {
  await using attempt = await testContext({ task: { id: "t1", attempt: 2 }, signal });
  const { context, progress, asked, performed } = attempt;
  return { output: await executor.run(input, context), progress, asked, performed, tempDir: context.tempDir };
}

const fails = (running: Promise<unknown>, message: RegExp, expected: Partial<TaskError> = {}) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    for (const [key, value] of Object.entries(expected)) {
      assert.equal(error[key as keyof TaskError], value, key);
    }
    return true;
  });

const RESULT = `echo '{"type":"result","output":{"ok":true}}'`;

Deno.test("a program gets the task and its folders on stdin and answers with progress and a result", async () => {
  await using tool = await program(`
    read -r line; echo "$line" > task.json
    echo '{"type":"progress","percent":50,"message":"half","remaining_seconds":2}'
    ${RESULT}`);
  const { output, progress, tempDir } = await run(tool.executor, { name: "Ada", n: [1] });
  assert.deepEqual(output, { ok: true });
  assert.deepEqual(progress, [{ percent: 50, message: "half", remainingSeconds: 2 }]);
  const told = JSON.parse(await tool.file("task.json"));
  assert.deepEqual([told.type, told.protocol, told.task.id, told.task.attempt, told.input], [
    "task",
    1,
    "t1",
    2,
    { name: "Ada", n: [1] },
  ]);
  assert.equal(told.tempDir, tempDir);
  assert.equal(told.outputDir, join(await Deno.realPath(tool.outputDir), "t1"));
});

Deno.test("stdin stays open until the result, and is closed then", async () => {
  // sh gives its background commands no stdin unless told.
  await using tool = await program(`
    exec 3<&0; read -r task; (cat <&3 > rest; echo closed >> rest) &
    ${RESULT}; wait`);
  await run(tool.executor);
  assert.equal(await tool.file("rest"), "closed\n");
});

Deno.test("files in the task's output folder stay, and an empty one goes away", async () => {
  await using tool = await program(`echo made > "${"$"}{TMPDIR%/}/probe" && ${RESULT}`);
  await run(tool.executor);
  assert.deepEqual([...Deno.readDirSync(tool.outputDir)], []);
  await tool.write(
    `read -r task; out=$(echo "$task" | sed 's/.*"outputDir":"\\([^"]*\\)".*/\\1/'); echo x > "$out/a.txt"; ${RESULT}`,
  );
  await run(tool.executor);
  assert.equal(await Deno.readTextFile(join(tool.outputDir, "t1", "a.txt")), "x\n");
});

Deno.test("only the base environment and the named variables are passed on", async () => {
  Deno.env.set("OUTSIDE_TEST_WANTED", "yes");
  Deno.env.set("OUTSIDE_TEST_SECRET", "no");
  try {
    await using tool = await program(`env > env.txt; pwd > pwd.txt; ${RESULT}`, {
      env: ["OUTSIDE_TEST_WANTED"],
    });
    const { tempDir } = await run(tool.executor);
    const env = await tool.file("env.txt");
    assert.match(env, /^OUTSIDE_TEST_WANTED=yes$/m);
    assert.match(env, new RegExp(`^TMPDIR=${tempDir}$`, "m"));
    assert.doesNotMatch(env, /OUTSIDE_TEST_SECRET/);
    assert.equal((await tool.file("pwd.txt")).trim(), await Deno.realPath(tool.folder));
  } finally {
    Deno.env.delete("OUTSIDE_TEST_WANTED");
    Deno.env.delete("OUTSIDE_TEST_SECRET");
  }
});

Deno.test("an error of the program's own says whether a retry could help", async () => {
  await using tool = await program(
    `echo why >&2; echo '{"type":"error","message":"no such font","retry":false}'; exit 1`,
  );
  await fails(run(tool.executor), /^tool: no such font$/, { retry: false, logTail: "why" });
  await tool.write(`echo '{"type":"error","message":"busy"}'`);
  await fails(run(tool.executor), /^tool: busy$/, { retry: true });
});

Deno.test("a program that ends without a result has failed, also with status 0, and is told by its last line", async () => {
  await using tool = await program("exit 0");
  await fails(run(tool.executor), /^tool exited with status 0 without a result$/, {
    retry: true,
    uncertain: false,
  });
  await tool.write("echo Traceback >&2; echo 'KeyError: x' >&2; exit 1");
  await fails(run(tool.executor), /status 1 without a result: KeyError: x$/, {
    logTail: "Traceback\nKeyError: x",
  });
  await tool.write("echo hello; kill -9 $$");
  await fails(run(tool.executor), /killed by SIGKILL .*1 of its lines were no messages, the first: hello$/);
});

Deno.test("a result counts even if the program crashes after it, and the crash is told", async () => {
  await using log = capturedLog();
  await using tool = await program(`${RESULT}; exit 9`);
  assert.deepEqual((await run(tool.executor)).output, { ok: true });
  assert.deepEqual(log.messages("test"), ["the program exited with status 9 after its result"]);
});

Deno.test("lines that are no messages are counted and reported, and do not spoil a result", async () => {
  await using log = capturedLog();
  await using tool = await program(`echo loading; echo; echo '{"type":"nonsense"}'; ${RESULT}`);
  assert.deepEqual((await run(tool.executor)).output, { ok: true });
  assert.deepEqual(log.messages("test"), ["2 of its lines were no messages, the first: loading"]);
});

Deno.test("a result longer than a line may be fails for good", async () => {
  await using tool = await program(
    `printf '{"type":"result","output":"'; head -c 1100000 /dev/zero | tr '\\0' x; echo '"}'`,
  );
  await fails(run(tool.executor), /a line longer than 1000000 bytes/, { retry: false });
});

Deno.test("on cancel the program is told so, then it and all that it started are ended", async () => {
  await using tool = await program(`
    sleep 300 & echo $! > child; trap '' TERM
    read -r task; touch ready; read -r line; echo "$line" > heard; exit 1`);
  const stop = new AbortController();
  const running = run(tool.executor, {}, stop.signal);
  await tool.ready();
  const child = Number(await tool.file("child"));
  assert.equal(await isAlive(child), true);
  stop.abort(new Error("cancelled"));
  await assert.rejects(running, /cancelled/);
  assert.equal(await isAlive(child), false);
  assert.equal(await tool.file("heard"), '{"type":"cancel"}\n');
  assert.equal(tool.clock.pending(), 0);
});

Deno.test("a result that comes while it is being stopped still counts", async () => {
  await using tool = await program(`trap '' TERM; read -r task; touch ready; read -r cancel; ${RESULT}`);
  const stop = new AbortController();
  const running = run(tool.executor, {}, stop.signal);
  await tool.ready();
  stop.abort(new Error("cancelled"));
  assert.deepEqual((await running).output, { ok: true });
});

Deno.test("a program that does not read is ended all the same", async () => {
  await using tool = await program("touch ready; exec sleep 300");
  const stop = new AbortController();
  const running = run(tool.executor, { long: "x".repeat(500_000) }, stop.signal);
  await tool.ready();
  stop.abort(new Error("cancelled"));
  while (tool.clock.pending() === 0) await tool.clock.advance(0);
  await tool.clock.advance(500);
  await assert.rejects(running, /cancelled/);
});

Deno.test("a task that was stopped before it began starts nothing", async () => {
  await using tool = await program(`touch started; ${RESULT}`);
  await assert.rejects(run(tool.executor, {}, AbortSignal.abort(new Error("too late"))), /too late/);
  await assert.rejects(tool.file("started"), Deno.errors.NotFound);
});

Deno.test("its own time limit ends it and is told", async () => {
  await using tool = await program("touch ready; exec sleep 300", { timeoutSeconds: 30 });
  const running = run(tool.executor);
  await tool.ready();
  await tool.clock.advance(30_000);
  await fails(running, /^tool was stopped after its limit of 30 s$/, { retry: true });
});

Deno.test("a program that goes on after its result is ended after ten seconds, and the result counts", async () => {
  await using log = capturedLog();
  await using tool = await program(`${RESULT}; touch ready; exec sleep 300`);
  const running = run(tool.executor);
  await until("it is ready", () => tool.clock.pending() > 0);
  await tool.clock.advance(10_000);
  assert.deepEqual((await running).output, { ok: true });
  assert.deepEqual(log.messages("test"), ["the program did not end by itself after its result"]);
});

Deno.test("a program that is gone is a lost capability, with what to do", async () => {
  await using tool = await program(RESULT);
  assert.deepEqual(await tool.executor.check(), { available: true, version: undefined });
  await Deno.remove(join(tool.folder, "tool"));
  const { reason, fix } = await tool.executor.check() as { reason: string; fix: string };
  assert.match(reason, /tool\/tool was not found/);
  assert.match(fix, /chmod u\+x on it, or correct command in .*executor\.json/);
  await assert.rejects(
    run(tool.executor),
    (error: Error) => (error.cause as Error).name === "ProgramMissingError",
  );
  await Deno.remove(join(tool.folder, "executor.json"));
  assert.match((await tool.executor.check() as { reason: string }).reason, /executor\.json is gone/);
});

Deno.test("a program that does something outward asks first, and its silence leaves the act uncertain", async () => {
  await using tool = await program(RESULT, { outward: "post" });
  const { performed } = await run(tool.executor, { caption: "hi" });
  assert.deepEqual(performed, [{
    kind: "post",
    summary: "tool: a tool",
    preview: { type: "tool", input: { caption: "hi" } },
  }]);
  await tool.write("exit 1");
  await fails(run(tool.executor), /without a result/, { uncertain: true });
  await tool.write(`echo '{"type":"error","message":"not logged in"}'`);
  await fails(run(tool.executor), /not logged in/, { uncertain: false });
});

Deno.test("a plan says what would be started, and starts nothing", async () => {
  await using tool = await program("touch started", { timeoutSeconds: 9, outward: "post" });
  const lines = (await tool.executor.plan!({})).join("\n");
  for (const part of [/start \[".*\/tool\/tool"\]/, /ask a person/, /after 9 s/, /below .*\/out/]) {
    assert.match(lines, part);
  }
  await assert.rejects(tool.file("started"), Deno.errors.NotFound);
});
