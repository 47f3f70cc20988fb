import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { z } from "zod";
import { ProgramMissingError } from "../process.ts";
import {
  type Availability,
  type ExecutionContext,
  type Executor,
  type Outcome,
  ReleaseError,
  TaskError,
} from "../task/task.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { noGate } from "../testing/no_gate.ts";
import { testQueue } from "../testing/task_source.ts";
import { tempDir } from "../testing/temp.ts";
import { until } from "../testing/until.ts";
import { Capabilities } from "./capabilities.ts";
import { Journal } from "./journal.ts";
import { type RunnerOptions, runTask } from "./runner.ts";
import { RunningTask } from "./running.ts";

type Run = (input: { n: number }, context: ExecutionContext) => Promise<unknown>;

interface SetUpOptions {
  readonly input?: unknown;
  readonly id?: string;
  readonly timeoutMs?: number;
  readonly check?: () => Availability;
}

/** One claimed task and all that its attempt needs. */
async function setUp(run: Run, { input = { n: 1 }, check, ...given }: SetUpOptions = {}) {
  const dir = await tempDir();
  const clock = fakeClock();
  const queue = testQueue(clock);
  const view = queue.source();
  const id = queue.enqueue({ type: "echo", input, ...given });
  const executor: Executor = {
    type: "echo",
    description: "",
    input: z.strictObject({ n: z.number() }),
    check: () => Promise.resolve(check?.() ?? { available: true }),
    run(input, context) {
      began = context.tempDir !== "";
      return run(input as { n: number }, context);
    },
  };
  let began = false;
  const capabilities = new Capabilities([executor], clock);
  await capabilities.detect();
  const journal = new Journal(join(dir.path, "j"));
  const [task] = await view.claim(["echo"], 1, new AbortController().signal);
  const running = new RunningTask(task, view, clock);
  const giveUp = new AbortController();
  const progressed: unknown[] = [];
  const options: RunnerOptions = {
    capabilities,
    journal,
    clock,
    tempRoot: join(dir.path, "tmp"),
    maxInputBytes: 1000,
    maxOutputBytes: 1000,
    gate: noGate(clock),
    giveUp: giveUp.signal,
    onProgress: (running) => progressed.push(running.progress),
  };
  return {
    clock,
    queue,
    source: view,
    task: () => queue.task(id),
    journal,
    running,
    giveUp,
    options,
    progressed,
    run: () => runTask(running, options),
    /** Whether the executor has begun, and has asked for its folder. */
    began: () => began,
    journaled: (): Outcome[] =>
      journal.unsent(view.name, 10).map((entry) => JSON.parse(JSON.stringify(entry.settlement.outcome))),
    /** What is left in the folder of temp folders. */
    left: () => {
      try {
        return [...Deno.readDirSync(options.tempRoot)].map(({ name }) => name);
      } catch {
        return [];
      }
    },
    outside: () => [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(),
    async [Symbol.asyncDispose]() {
      await clock.advance(0);
      assert.equal(clock.pending(), 0, "timers are left");
      journal.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** An executor that stops, with an error, when it is told to. */
const untilStopped: Run = (_, { signal }) =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });

async function outcomeOfRun(run: Run, options?: SetUpOptions): Promise<Outcome> {
  await using attempt = await setUp(run, options);
  const outcome = await attempt.run();
  assert.deepEqual(attempt.journaled(), [JSON.parse(JSON.stringify(outcome))]);
  assert.deepEqual(attempt.left(), []);
  return outcome;
}

Deno.test("a task is run with its validated input, and its output is journalled", async () => {
  assert.deepEqual(await outcomeOfRun(({ n }) => Promise.resolve({ twice: n * 2 })), {
    kind: "done",
    output: { twice: 2 },
  });
});

Deno.test("bad input fails without a retry, names the field, and the executor is not asked", async () => {
  let asked = false;
  const outcome = await outcomeOfRun(() => Promise.resolve(asked = true), { input: { n: "one" } });
  assert.ok(outcome.kind === "failed" && !outcome.retry && /n: /.test(outcome.error));
  assert.equal(asked, false);
});

Deno.test("an executor that gives its task back says why, and that is no failure", async () => {
  const run: Run = () => Promise.reject(new ReleaseError("waits for a person"));
  assert.deepEqual(await outcomeOfRun(run), { kind: "released", reason: "waits for a person" });
});

Deno.test("input that is too large fails without a retry", async () => {
  const outcome = await outcomeOfRun(() => Promise.resolve(), { input: { n: 1, text: "x".repeat(1000) } });
  assert.ok(outcome.kind === "failed" && !outcome.retry && outcome.error.includes("TASK_MAX_INPUT_BYTES"));
});

Deno.test("output that cannot be stored fails without a retry", async () => {
  for (const output of ["x".repeat(2000), "\0", 1n]) {
    const outcome = await outcomeOfRun(() => Promise.resolve(output));
    assert.ok(outcome.kind === "failed" && !outcome.retry && /cannot be stored/.test(outcome.error));
  }
});

Deno.test("an executor's error is the task's, with its word on retrying; whatever it throws is told", async () => {
  const failing = (error: unknown) => outcomeOfRun(() => Promise.reject(error));
  assert.deepEqual(await failing(new TaskError("no such page", { retry: false, logTail: "a\0b" })), {
    kind: "failed",
    error: "no such page",
    retry: false,
    logTail: "a\uFFFDb",
  });
  for (
    const [error, message] of [[new Error("hiccup\0"), "hiccup\uFFFD"], [new RangeError(), "RangeError"], [
      "text",
      "text",
    ]]
  ) {
    const outcome = await failing(error);
    assert.ok(outcome.kind === "failed" && outcome.retry && outcome.error === message);
  }
  const synchronous = await outcomeOfRun(() => {
    throw new Error("at once");
  });
  assert.equal(synchronous.kind, "failed");
});

Deno.test("each attempt has an empty private folder inside the root, whatever its task is called", async () => {
  for (const id of ["task", "../../outside", "/etc", "..", "x".repeat(5000)]) {
    let folder = "";
    await using attempt = await setUp(async (_, { tempDir }) => {
      folder = tempDir;
      assert.equal((await Deno.stat(tempDir)).mode! & 0o777, 0o700);
      assert.deepEqual([...Deno.readDirSync(tempDir)], []);
      await Deno.mkdir(join(tempDir, "deep"));
      await Deno.writeTextFile(join(tempDir, "deep", "file"), "x");
      return null;
    }, { id });
    assert.equal((await attempt.run()).kind, "done");
    assert.equal(dirname(folder), attempt.options.tempRoot);
    assert.deepEqual(attempt.left(), []);
    assert.deepEqual(attempt.outside().filter((name) => !name.startsWith("j")), ["tmp"]);
  }
});

Deno.test("a task that ran into its time limit is timed out, and says how long the limit was", async () => {
  await using attempt = await setUp(untilStopped, { timeoutMs: 90_000 });
  const run = attempt.run();
  await until("the executor runs", attempt.began);
  assert.equal(attempt.left().length, 1);
  attempt.running.stop("timeout");
  assert.deepEqual(await run, {
    kind: "timedOut",
    error: "ran into its time limit of 90 s",
    logTail: undefined,
  });
  assert.deepEqual([attempt.left(), attempt.journaled().length], [[], 1]);
});

Deno.test("an executor that ignores its signal is left behind after 20 s", async () => {
  await using log = capturedLog();
  await using attempt = await setUp(() => new Promise(() => {}), { timeoutMs: 1000 });
  const run = attempt.run();
  await until("the executor runs", attempt.began);
  attempt.running.stop("timeout");
  await attempt.clock.advance(19_999);
  assert.equal(attempt.left().length, 1);
  await attempt.clock.advance(1);
  assert.equal((await run).kind, "timedOut");
  assert.deepEqual(attempt.left(), []);
  assert.ok(log.messages("task").includes("the executor did not stop within 20 s of being asked"));
});

for (
  const [reason, kind] of [["cancel", "cancelled"], ["release", "released"], ["timeout", "timedOut"]] as const
) {
  Deno.test(`a task stopped by ${reason} is ${kind}, whether its executor throws or returns nothing`, async () => {
    for (const run of [untilStopped, (...args: Parameters<Run>) => untilStopped(...args).catch(() => {})]) {
      await using attempt = await setUp(run);
      const ended = attempt.run();
      await until("the executor runs", attempt.began);
      attempt.running.stop(reason);
      attempt.running.stop("cancel");
      assert.equal((await ended).kind, kind);
      assert.deepEqual([attempt.left(), attempt.journaled().map((outcome) => outcome.kind)], [[], [kind]]);
    }
  });
}

Deno.test("a result that is there in spite of a stop is kept", async () => {
  await using attempt = await setUp((...args) => untilStopped(...args).catch(() => "all done"));
  const ended = attempt.run();
  await until("the executor runs", attempt.began);
  attempt.running.stop("release");
  assert.deepEqual(await ended, { kind: "done", output: "all done" });
});

Deno.test("a task that is stopped before it begins is not begun", async () => {
  let begun = false;
  await using attempt = await setUp(() => Promise.resolve(begun = true));
  attempt.running.stop("release");
  assert.deepEqual(await attempt.run(), { kind: "released", reason: "the worker is shutting down" });
  assert.deepEqual([begun, attempt.left()], [false, []]);
});

Deno.test("a lost lease leaves nothing to report, unless the work was done", async () => {
  await using log = capturedLog();
  await using stopped = await setUp(untilStopped);
  const ended = stopped.run();
  await until("the executor runs", stopped.began);
  stopped.running.stop("lost");
  await ended;
  assert.deepEqual([stopped.journaled(), stopped.left()], [[], []]);
  assert.ok(log.messages("task").includes("stopped without a report: the lease was lost"));

  await using finished = await setUp((...args) => untilStopped(...args).catch(() => "done"));
  const late = finished.run();
  await until("the executor runs", finished.began);
  finished.running.stop("lost");
  await late;
  assert.equal(finished.journaled()[0].kind, "done");
});

Deno.test("a program that is missing gives the task back when the capability is gone, and fails it when not", async () => {
  await using _ = capturedLog();
  for (const [available, kind] of [[false, "released"], [true, "failed"]] as const) {
    let checks = 0;
    const gone: Availability = { available: false, reason: "gone", fix: "install it" };
    const outcome = await outcomeOfRun(
      () => Promise.reject(new Error("cannot start", { cause: new ProgramMissingError("ffmpeg") })),
      { check: () => checks++ === 0 || available ? { available: true } : gone },
    );
    assert.equal(outcome.kind, kind);
    assert.equal(checks, 2);
  }
});

Deno.test("a type that this worker can no longer do is given back", async () => {
  await using _ = capturedLog();
  const gone: Availability = { available: false, reason: "gone", fix: "install it" };
  assert.equal((await outcomeOfRun(() => Promise.resolve(), { check: () => gone })).kind, "released");
});

Deno.test("a task that this worker can no longer do, though it does others of the type, is given back", async () => {
  await using _ = capturedLog();
  const except = { field: "site", values: ["a"], reason: "gone", fix: "install it" };
  const input = { n: 1, site: "a" };
  const outcome = await outcomeOfRun(() => Promise.resolve(), {
    input,
    check: () => ({ available: true, except }),
  });
  assert.deepEqual(outcome, {
    kind: "released",
    reason: "this worker can no longer do this task of echo (see its capabilities)",
  });
});

Deno.test("progress is merged and cleaned, and its message cannot harm the heartbeat", async () => {
  await using attempt = await setUp((_, { progress }) => {
    progress({ percent: 10, message: "a\0" });
    progress({ percent: 400 });
    return Promise.resolve(null);
  });
  await attempt.run();
  assert.deepEqual(attempt.progressed, [{ percent: 10, message: "a\uFFFD" }, {
    percent: 100,
    message: "a\uFFFD",
  }]);
});

Deno.test("where the disk refuses the outcome, the queue is told directly", async () => {
  await using log = capturedLog();
  await using attempt = await setUp(() => Promise.resolve("x"));
  attempt.journal.append = () => Promise.reject(new Error("Cannot write the journal: disk full"));
  await attempt.run();
  assert.equal(attempt.task().status, "done");
  assert.ok(log.messages("task").includes("Cannot write the journal: disk full"));
});

Deno.test("where neither disk nor queue takes the outcome, both are tried with back-off until one does", async () => {
  await using _ = capturedLog();
  await using attempt = await setUp(() => Promise.resolve("x"));
  const append = attempt.journal.append;
  attempt.journal.append = () => Promise.reject(new Error("Cannot write the journal: disk full"));
  attempt.source.faults.settle = "refuse";
  const run = attempt.run();
  await until("a first report", () => attempt.source.calls.some(({ call }) => call === "settle"));
  await attempt.clock.advance(100_000);
  assert.ok(attempt.source.calls.length >= 7);
  attempt.journal.append = append;
  await attempt.clock.advance(60_000);
  await run;
  assert.deepEqual(attempt.journaled(), [{ kind: "done", output: "x" }]);
});

Deno.test("a worker that must stop gives such an outcome up, says so, and does not call it settled", async () => {
  await using log = capturedLog();
  await using attempt = await setUp(() => Promise.resolve("x"));
  attempt.journal.append = () => Promise.reject(new Error("Cannot write the journal: disk full"));
  attempt.source.faults.settle = "deaf";
  const run = attempt.run();
  await until("a first report", () => attempt.source.calls.some(({ call }) => call === "settle"));
  attempt.giveUp.abort();
  await attempt.clock.advance(5000);
  await run;
  assert.ok(
    log.messages("task").some((message) => message.startsWith("neither the journal nor the queue took")),
  );
  assert.ok(!log.messages("task").includes("settled"));
});

Deno.test("a schema that throws fails its task and nothing else", async () => {
  await using attempt = await setUp(() => Promise.resolve(null));
  const executor = attempt.options.capabilities.executor("echo") as { input: unknown };
  executor.input = z.any().transform(() => {
    throw new Error("schema broke");
  });
  const outcome = await attempt.run();
  assert.ok(outcome.kind === "failed" && outcome.error === "schema broke");
  assert.equal(attempt.journaled().length, 1);
});
