import assert from "node:assert/strict";
import { cleanLine, runFailure, tellingLine } from "./failure.ts";
import { reportedFailure } from "./reports.ts";

const ended = { code: 1, signal: null, aborted: false, timedOut: false, stdoutTail: [], stderrTail: [] };

Deno.test("a failed command is told with its task, exit status and last words, and not retried", () => {
  const error = runFailure({
    runner: "miniwdl",
    result: { ...ended, code: 3, stderrTail: ["the runner's own log"] },
    task: "greet",
    status: 3,
    stderr: "first\nit went wrong\n\n",
  });
  assert.equal(error.message, "miniwdl: the command of greet exited with status 3: it went wrong");
  assert.deepEqual([error.retry, error.exitCode, error.logTail], [false, 3, "first\nit went wrong\n\n"]);
});

Deno.test("what the system ended is retried", () => {
  const killed = runFailure({ runner: "Toil", result: { ...ended, code: null, signal: "SIGKILL" } });
  assert.deepEqual([killed.message, killed.retry, killed.exitCode], [
    "Toil: was killed by SIGKILL (out of memory?)",
    true,
    undefined,
  ]);
  const command = runFailure({ runner: "Toil", result: ended, task: "t", status: 137 });
  assert.deepEqual([command.retry, command.exitCode], [true, 137]);
  assert.match(command.message, /status 137 \(it was killed; out of memory\?\)/);
  for (
    const line of [
      "OSError: [Errno 28] No space left on device",
      "Cannot connect to the Docker daemon at unix:///var/run/docker.sock",
      "subprocess.CalledProcessError: Command died with <Signals.SIGKILL: 9>.",
    ]
  ) {
    assert.equal(runFailure({ runner: "Toil", result: { ...ended, stderrTail: [line] } }).retry, true, line);
  }
});

Deno.test("what does not parse is not retried, whatever else is in the log", () => {
  const result = { ...ended, stderrTail: ["Connection refused"] };
  const error = runFailure({ runner: "Toil", result, syntax: "line 4: extraneous input" });
  assert.deepEqual([error.message, error.retry], [
    "Toil: the WDL does not parse: line 4: extraneous input",
    false,
  ]);
});

Deno.test("without a report the line that tells most is quoted", () => {
  assert.equal(
    tellingLine([
      "[2026-11-21T09:31:57+0000] [MainThread] [I] [toil.wdl.wdl_functions] b'/bin/sh: 18: Syntax error\\n'",
      "RuntimeError: OUTPUT FILE was not found",
      "subprocess.CalledProcessError: Command 'x' returned non-zero exit status 1.",
    ]),
    "/bin/sh: 18: Syntax error",
  );
  assert.equal(tellingLine(["starting", "error: no such input", "bye"]), "error: no such input");
  assert.equal(tellingLine(["", "just this"]), "just this");
  assert.equal(tellingLine([]), undefined);
  assert.equal(cleanLine("\x1b[31m2026-11-21 09:31:57.123 wdl.w\x1b[0m NOTICE done"), "wdl.w NOTICE done");
  const long = runFailure({ runner: "x", result: { ...ended, stderrTail: [`error: ${"y".repeat(2000)}`] } });
  assert.ok(long.message.length < 600);
});

Deno.test("miniwdl's error report leads to the command that failed", () => {
  const report = {
    error: "RunFailed",
    workflow: "w",
    run: "w",
    dir: "/run",
    cause: {
      error: "RunFailed",
      task: "greet",
      cause: { error: "CommandFailed", exit_status: 3, stderr_file: "/run/call-greet/stderr.txt" },
    },
  };
  assert.deepEqual(reportedFailure("miniwdl", report), {
    message: "CommandFailed",
    task: "greet",
    status: 3,
    stderrFile: "/run/call-greet/stderr.txt",
  });
  assert.equal(reportedFailure("miniwdl", { error: "EvalError", message: "bad index" }).message, "bad index");
  assert.deepEqual(reportedFailure("miniwdl", undefined), {});
});

Deno.test("Cromwell's metadata leads to the command that failed", () => {
  const report = {
    status: "Failed",
    failures: [{
      message: "Workflow failed",
      causedBy: [{ message: "Job w.greet:NA:1 exited with 3", causedBy: [] }],
    }],
    calls: {
      "w.first": [{ executionStatus: "Done", returnCode: 0 }],
      "w.greet": [{ executionStatus: "Failed", returnCode: 3, stderr: "/run/stderr" }],
    },
  };
  assert.deepEqual(reportedFailure("cromwell", report), {
    message: "Job w.greet:NA:1 exited with 3",
    task: "greet",
    status: 3,
    stderrFile: "/run/stderr",
  });
  assert.deepEqual(reportedFailure("cromwell", { failures: [{ message: "no such input" }] }), {
    message: "no such input",
  });
});
