import assert from "node:assert/strict";
import { describeExit, findProgram, ProgramMissingError, runProgram } from "./process.ts";

const never = new AbortController().signal;
const sh = (script: string) => ({ program: "sh", args: ["-c", script], signal: never });

/** True while a process with this pid exists and is not a zombie. */
async function alive(pid: number): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "stat=", "-p", String(pid)],
    stderr: "null",
  }).output();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}

Deno.test("a program's exit status and the tails of both streams are reported", async () => {
  const result = await runProgram(sh("echo out; echo err >&2; exit 3"));
  assert.deepEqual([result.code, result.signal, result.stdoutTail, result.stderrTail], [3, null, ["out"], [
    "err",
  ]]);
  assert.equal(describeExit(result), "exited with status 3");
});

Deno.test("a program killed from outside is reported with its signal", async () => {
  const result = await runProgram({ ...sh("sleep 60"), onStart: (pid) => Deno.kill(pid, "SIGKILL") });
  assert.deepEqual([result.code, result.signal], [null, "SIGKILL"]);
  assert.equal(describeExit(result), "was killed by SIGKILL (out of memory?)");
});

Deno.test("a program gets its stdin, its arguments untouched and only the environment given", async () => {
  const args = ["-c", 'cat; printf "%s\\n" "$1"; env', "sh", "a b'\"$(id)"];
  const env = { PATH: "/usr/bin:/bin", GREETING: "hello" };
  const { stdoutTail } = await runProgram({ program: "sh", args, env, stdin: "from stdin\n", signal: never });
  assert.deepEqual(stdoutTail.slice(0, 2), ["from stdin", "a b'\"$(id)"]);
  const names = stdoutTail.slice(2).map((line) => line.split("=")[0]).sort();
  assert.deepEqual(names.filter((name) => !["_", "PWD", "OLDPWD", "SHLVL"].includes(name)), [
    "ACTP_PROCESS_TREE",
    "GREETING",
    "PATH",
  ]);
});

Deno.test("a program that does not read its large stdin ends well", async () => {
  const result = await runProgram({ ...sh("exit 0"), stdin: new Uint8Array(5_000_000) });
  assert.equal(result.code, 0);
});

Deno.test("stdin may be a stream that goes on while the program answers, and ends with it", async () => {
  const said = new TransformStream<Uint8Array, Uint8Array>();
  const writer = said.writable.getWriter();
  const say = (text: string) => writer.write(new TextEncoder().encode(text)).catch(() => {});
  void say("one\n");
  const result = await runProgram({
    ...sh('read -r a; echo "got $a"; read -r b; echo "got $b"'),
    stdin: said.readable,
    onStdoutLine: (line) => void (line === "got one" && say("two\n")),
  });
  assert.deepEqual([result.code, result.stdoutTail], [0, ["got one", "got two"]]);
  await assert.rejects(writer.closed.then(() => {
    throw new Error("the stream was closed and not cancelled");
  }));
});

Deno.test("the end of a stream is the end of stdin, and what it fails with comes out", async () => {
  const ended = await runProgram({
    ...sh("cat"),
    stdin: ReadableStream.from([new TextEncoder().encode("all")]),
  });
  assert.deepEqual([ended.code, ended.stdoutTail], [0, ["all"]]);
  const broken = new ReadableStream<Uint8Array>({ pull: (its) => its.error(new Error("disk gone")) });
  await assert.rejects(runProgram({ ...sh("cat"), stdin: broken }), /disk gone/);
});

Deno.test("a missing program is an error that names it and what to do", async () => {
  await assert.rejects(
    runProgram({ program: "no-such-program-here", args: [], signal: never }),
    (error) =>
      error instanceof ProgramMissingError && error.program === "no-such-program-here" &&
      /install/.test(error.message),
  );
  await assert.rejects(runProgram({ program: "/etc/passwd", args: [], signal: never }), ProgramMissingError);
});

Deno.test("a missing working folder is told apart from a missing program", async () => {
  await assert.rejects(
    runProgram({ ...sh("true"), cwd: "/no/such/folder" }),
    /folder \/no\/such\/folder does not exist/,
  );
});

Deno.test("nothing is started when the signal has already aborted", async () => {
  let started = false;
  const result = await runProgram({
    ...sh("true"),
    signal: AbortSignal.abort(),
    onStart: () => started = true,
  });
  assert.deepEqual([started, result.aborted, result.code, result.signal], [false, true, null, null]);
});

Deno.test("an abort ends a program that heeds SIGTERM", async () => {
  const stop = new AbortController();
  const result = await runProgram({
    ...sh("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"),
    signal: stop.signal,
    onStdoutLine: (line) => line === "ready" && stop.abort(),
  });
  assert.deepEqual([result.aborted, result.code, result.stdoutTail], [true, 0, ["ready", "bye"]]);
});

Deno.test("a program and children that ignore SIGTERM are killed after the grace", async () => {
  const stop = new AbortController();
  let child = 0;
  const result = await runProgram({
    ...sh("trap '' TERM; sleep 60 & echo $!; wait; sleep 60"),
    signal: stop.signal,
    killAfterMs: 150,
    onStdoutLine: (line) => {
      child = Number(line);
      stop.abort();
    },
  });
  assert.equal(result.signal, "SIGKILL");
  assert.ok(result.durationMs >= 150 && result.durationMs < 5_000);
  assert.equal(await alive(child), false);
});

Deno.test("a time limit ends the program and is told apart from an abort", async () => {
  const result = await runProgram({ ...sh("sleep 60"), timeoutMs: 50 });
  assert.deepEqual([result.timedOut, result.aborted, result.signal], [true, false, "SIGTERM"]);
  assert.equal(describeExit(result), "was stopped because it ran too long");
});

Deno.test({
  name:
    "a grandchild in a session of its own is gone after an abort, also without the tag in its environment",
  ignore: await findProgram("setsid") === undefined,
  fn: async () => {
    const stop = new AbortController();
    const pids: number[] = [];
    await runProgram({
      ...sh("setsid sleep 61 & echo $!; setsid env -i sleep 62 & echo $!; sleep 0.1; echo ready; wait"),
      signal: stop.signal,
      onStdoutLine: (line) => line === "ready" ? stop.abort() : pids.push(Number(line)),
    });
    assert.equal(pids.length, 2);
    for (const pid of pids) assert.equal(await alive(pid), false);
  },
});

Deno.test({
  name:
    "what a program leaves behind at its normal end is ended too, and its open pipe does not hold up the result",
  ignore: await findProgram("setsid") === undefined,
  fn: async () => {
    const result = await runProgram(sh("setsid sleep 61 & echo $!; sleep 62 & echo $!; sleep 0.1"));
    assert.equal(result.code, 0);
    assert.ok(result.durationMs < 3_000, `took ${result.durationMs} ms`);
    for (const pid of result.stdoutTail.map(Number)) assert.equal(await alive(pid), false);
  },
});

Deno.test({
  name: "a process beyond reach that holds the pipes open does not hold up the result and is left alone",
  ignore: await findProgram("setsid") === undefined,
  fn: async () => {
    // Cleared environment, own session, its parent gone before anybody looked: nothing proves that it is ours.
    const marker = await Deno.makeTempFile();
    const escape = `(setsid env -i /bin/sh -c 'echo $$; rm "$0"; exec /bin/sleep 63' "$1" &)`;
    const args = ["-c", `${escape}; while [ -e "$1" ]; do sleep 0.01; done`, "sh", marker];
    const result = await runProgram({ program: "sh", args, signal: never });
    const pid = Number(result.stdoutTail[0]);
    assert.equal(await alive(pid), true);
    Deno.kill(pid, "SIGKILL");
  },
});

Deno.test("a million lines are counted without being kept", async () => {
  const before = Deno.memoryUsage().rss;
  let lines = 0;
  const result = await runProgram({
    ...sh("yes 'a line of forty characters, more or less' | head -n 1000000"),
    tailLines: 3,
    onStdoutLine: () => lines++,
  });
  assert.equal(lines, 1_000_000);
  assert.equal(result.stdoutTail.length, 3);
  assert.ok(Deno.memoryUsage().rss - before < 100 * 2 ** 20);
});

Deno.test("a line handler that throws ends the program and its error comes out", async () => {
  const running = runProgram({
    ...sh("while :; do echo line; done"),
    onStdoutLine: () => {
      throw new Error("cannot take this line");
    },
  });
  await assert.rejects(running, /cannot take this line/);
});

Deno.test("all output goes to the log file up to its bound", async () => {
  const logFile = await Deno.makeTempFile();
  try {
    await runProgram({ ...sh("echo one; sleep 0.05; echo two >&2"), logFile });
    assert.equal(await Deno.readTextFile(logFile), "one\ntwo\n");
    await runProgram({ ...sh("yes | head -n 1000"), logFile, maxLogBytes: 6 });
    assert.equal(await Deno.readTextFile(logFile), "y\ny\ny\n\n[truncated after 6 bytes]\n");
  } finally {
    await Deno.remove(logFile);
  }
});
