/** `demo`: a real worker in a fresh home folder does real tasks of every fate, and shows what became of them. */
import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { loadConfig } from "../config.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { selfCommand } from "../daemon/self.ts";
import type { Database } from "../database/database.ts";
import { findProgram, runProgram } from "../process.ts";
import { type CliContext, type GlobalOptions, withDatabase } from "./context.ts";
import { addDemoTask } from "./demo_task.ts";
import { EXIT, ExitError } from "./exit.ts";
import { dashboardUrl } from "./lifecycle.ts";
import { isSettled, progressLine, resultText, runtimeMs, statusText, type TaskRow } from "./task_view.ts";
import { duration, paint, table, type Terminal } from "./terminal.ts";

/** One task of the demo and what should become of it. */
interface DemoTask {
  readonly title: string;
  readonly task: Record<string, unknown>;
  readonly expected: { readonly status: string; readonly attempts?: number };
}

const WORKER_ID = "demo-worker";
const READY_WITHIN_MS = 45_000;
const DONE_WITHIN_MS = 45_000;
const LOOK_EVERY_MS = 250;

/** Adds the command. */
export function addDemo(program: Command, context: CliContext): void {
  program.command("demo")
    .description("watch a worker do real tasks of every fate on the embedded database, within a minute")
    .option("--keep", "leave the demo's home folder in place")
    .action((options: { keep?: boolean }, command: Command) =>
      demo(context, options.keep ?? false, command.optsWithGlobals())
    );
  addDemoTask(program, context);
}

async function demo(context: CliContext, keep: boolean, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const home = await Deno.makeTempDir({ prefix: "actp-worker-demo-" });
  try {
    await writeDemoConfig(home);
    const env = demoEnvironment(context, home);
    const { config } = await loadConfig({ env, cwd: home });
    terminal.err(`A fresh home folder: ${home}`);
    const worker = startWorker(home, env);
    try {
      await untilReady(home, worker);
      terminal.err(
        `A worker with an embedded database runs (pid ${worker.pid}). Dashboard, while the demo runs:`,
      );
      terminal.err(`  ${await dashboardUrl(config)}\n`);
      const plan = await planTasks(home, context);
      const tasks = await withDatabase(config, (database) => play(database, plan, terminal));
      await stopWorker(worker);
      showResults(terminal, plan, tasks, options);
    } finally {
      await stopWorker(worker);
    }
  } finally {
    if (keep) terminal.err(`Kept: ${home}`);
    else await Deno.remove(home, { recursive: true });
  }
  terminal.err("\nKeep a worker running with `actp-worker start` (from source: `deno task start`).");
}

/** The demo's commands are this program's own hidden subcommands, run as child processes like any other program. */
async function writeDemoConfig(home: string): Promise<void> {
  const countdown = selfCommand(["demo-task", "countdown"]);
  const flaky = selfCommand(["demo-task", "flaky"]);
  await Deno.writeTextFile(
    join(home, "config.json"),
    JSON.stringify({
      controlPort: 0,
      healthPort: 0,
      workerId: WORKER_ID,
      logLevel: "error",
      minFreeBytes: 0,
      commands: [
        {
          name: "countdown",
          program: countdown.program,
          args: [...countdown.args, "{seconds}"],
          input: { seconds: { type: "number", min: 0, max: 600 } },
          env: ["DENO_DIR"],
        },
        {
          name: "flaky_service",
          program: flaky.program,
          args: [...flaky.args, join(home, "flaky-attempts"), "{failures}"],
          input: { failures: { type: "integer", min: 0, max: 10 } },
          env: ["DENO_DIR"],
        },
      ],
    }),
  );
}

/** Nothing of the person's own configuration: the demo must not touch a real queue. */
function demoEnvironment({ env }: CliContext, home: string): Record<string, string> {
  const passed = ["PATH", "HOME", "LANG", "TMPDIR", "DENO_DIR", "NO_COLOR", "XDG_CACHE_HOME"];
  return {
    ...Object.fromEntries(passed.filter((name) => env[name] !== undefined).map((name) => [name, env[name]])),
    ACTP_HOME: home,
  };
}

function startWorker(home: string, env: Record<string, string>): Deno.ChildProcess {
  const self = selfCommand(["start", "--foreground"]);
  return new Deno.Command(self.program, {
    args: [...self.args],
    cwd: home,
    env,
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

async function untilReady(home: string, worker: Deno.ChildProcess): Promise<void> {
  let ended = false;
  worker.status.then(() => ended = true);
  for (let waited = 0; waited < READY_WITHIN_MS && !ended; waited += LOOK_EVERY_MS) {
    const daemon = await findDaemon(home);
    if (daemon?.controlPort !== undefined && daemon.healthPort !== undefined) {
      const answer = await fetch(`http://127.0.0.1:${daemon.healthPort}/ready`).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.ok) return;
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
  throw new ExitError(
    EXIT.failed,
    ended ? "The worker ended before it was ready." : "The worker did not become ready.",
  );
}

async function planTasks(home: string, { terminal, env }: CliContext): Promise<DemoTask[]> {
  const plan: DemoTask[] = [
    {
      title: "with progress",
      task: { task_type: "countdown", input_data: { seconds: 3 }, priority: 5 },
      expected: { status: "succeeded", attempts: 1 },
    },
    {
      title: "fails twice, then works",
      task: { task_type: "flaky_service", input_data: { failures: 2 }, backoff_seconds: 1 },
      expected: { status: "succeeded", attempts: 3 },
    },
    {
      title: "bad input",
      task: { task_type: "countdown", input_data: { seconds: "many" } },
      expected: { status: "failed", attempts: 1 },
    },
    {
      title: "cancelled while it runs",
      task: { task_type: "countdown", input_data: { seconds: 120 } },
      expected: { status: "cancelled", attempts: 1 },
    },
    {
      title: "scheduled 5 s ahead",
      task: {
        task_type: "countdown",
        input_data: { seconds: 1 },
        run_at: new Date(Date.now() + 5000).toISOString(),
      },
      expected: { status: "succeeded", attempts: 1 },
    },
  ];
  const ffmpeg = await findProgram("ffmpeg", env.PATH);
  if (!ffmpeg) {
    terminal.err("(ffmpeg is not installed: no transcode in this demo)\n");
    return plan;
  }
  await makeClip(ffmpeg, join(home, "files"));
  return [...plan, {
    title: "a real transcode",
    task: {
      task_type: "ffmpeg_process",
      input_data: { operation: "transcode", input: "clip.mp4", format: "webm", output: "clip.webm" },
      priority: 5,
    },
    expected: { status: "succeeded", attempts: 1 },
  }];
}

/** Five seconds of test picture and tone. */
async function makeClip(ffmpeg: string, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const sources = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=640x360:rate=25",
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=440",
  ];
  const result = await runProgram({
    program: ffmpeg,
    args: ["-v", "error", "-y", ...sources, "-t", "5", "-pix_fmt", "yuv420p", join(folder, "clip.mp4")],
    signal: AbortSignal.timeout(30_000),
  });
  if (result.code !== 0) {
    throw new ExitError(EXIT.failed, `ffmpeg could not make the clip: ${result.stderrTail.at(-1)}`);
  }
}

async function play(database: Database, plan: readonly DemoTask[], terminal: Terminal): Promise<TaskRow[]> {
  const ids =
    (await database.call<{ id: string }[]>("actp_enqueue_tasks", { p_tasks: plan.map(({ task }) => task) }))
      .map(({ id }) => id);
  const told = new Map<string, string>();
  const toCancel = plan.findIndex(({ expected }) => expected.status === "cancelled");
  let cancelled = false;
  for (let waited = 0; waited < DONE_WITHIN_MS; waited += LOOK_EVERY_MS) {
    const tasks = await Promise.all(
      ids.map((id) => database.call<TaskRow>("actp_get_task", { p_task_id: id })),
    );
    tasks.forEach((task, i) => tell(terminal, plan[i].title, task, told));
    terminal.status(
      tasks.filter((task) => task.status === "running").map((task) => progressLine(task)).join("   "),
    );
    if (tasks.every(isSettled)) return tasks;
    if (!cancelled && (tasks[toCancel].progress?.percent ?? 0) > 0) {
      cancelled = true;
      terminal.err(`  cancel      ${plan[toCancel].title}`);
      await database.call("actp_cancel_task", { p_task_id: ids[toCancel], p_reason: "the demo says so" });
    }
    await systemClock.sleep(LOOK_EVERY_MS);
  }
  throw new ExitError(EXIT.failed, "The demo's tasks did not all end in time.");
}

/** One line whenever a task's state has changed. */
function tell(terminal: Terminal, title: string, task: TaskRow, told: Map<string, string>): void {
  const state = `${task.status} ${task.attempts}`;
  if (told.get(task.id) === state) return;
  told.set(task.id, state);
  const detail = task.status === "pending" && task.attempts > 0 ? `again after: ${resultText(task, 60)}` : "";
  terminal.err(`  ${statusText(terminal, task.status).padEnd(10)}  ${title}${detail && `  (${detail})`}`);
}

function showResults(
  terminal: Terminal,
  plan: readonly DemoTask[],
  tasks: readonly TaskRow[],
  options: GlobalOptions,
): void {
  const wrong = plan.filter(({ expected }, i) =>
    tasks[i].status !== expected.status || (expected.attempts ?? tasks[i].attempts) !== tasks[i].attempts
  );
  if (options.json) terminal.out(JSON.stringify(tasks));
  else {
    const rows = plan.map(({ title }, i) => {
      const task = tasks[i];
      const ms = runtimeMs(task);
      const tries = `${task.attempts}/${task.max_attempts}`;
      return [
        title,
        task.task_type,
        statusText(terminal, task.status),
        tries,
        ms === undefined ? "–" : duration(ms),
        resultText(task),
      ];
    });
    terminal.out("");
    for (const line of table(["TASK", "TYPE", "STATUS", "TRIES", "TOOK", "RESULT"], rows)) terminal.out(line);
  }
  if (wrong.length > 0) {
    throw new ExitError(EXIT.failed, `Not as expected: ${wrong.map(({ title }) => title).join(", ")}`);
  }
  terminal.err(paint(terminal, "green", `\nAll ${plan.length} tasks ended as they should.`));
}

async function stopWorker(worker: Deno.ChildProcess): Promise<void> {
  try {
    worker.kill("SIGTERM");
  } catch {
    // it has ended
  }
  await worker.status;
}
