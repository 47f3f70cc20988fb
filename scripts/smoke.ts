/**
 * Tries a built program as its user would, from the first start to the last: `deno run -P scripts/smoke.ts PROGRAM`.
 * Everything happens in a folder of its own. The last line is `N passed, N failed`. Without ffmpeg the transcode is
 * skipped, unless ACTP_REQUIRE_REAL=1.
 */
import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { processTerminal } from "../lib/cli/terminal.ts";
import { isAlive, processTree, signalProcess } from "../lib/testing/process_tree.ts";
import { needs } from "../lib/testing/requirements.ts";
import { VERSION } from "../lib/version.ts";

const COMMAND_TIMEOUT_MS = 60_000;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const LOOK_EVERY_MS = 100;

/** How many checks passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program under test, in a home folder of its own. */
interface Subject {
  readonly home: string;
  /** Runs one command to its end. */
  run(...args: string[]): Promise<Finished>;
  /** Runs one command that must succeed, and returns the JSON it prints. */
  // deno-lint-ignore no-explicit-any -- each check asserts on the fields it names
  json(...args: string[]): Promise<any>;
  /** Starts a command that goes on. */
  start(...args: string[]): Deno.ChildProcess;
}

/** Runs all checks on a program and reports each with one line. */
export async function smoke(program: string, report: (line: string) => void): Promise<Tally> {
  const folder = await Deno.makeTempDir({ prefix: "actp-smoke-" });
  const tally = { passed: 0, failed: 0 };
  const check: Check = async (name, work) => {
    const started = performance.now();
    try {
      await work();
      tally.passed++;
      report(`ok    ${name} (${Math.round(performance.now() - started)} ms)`);
    } catch (error) {
      tally.failed++;
      report(`FAIL  ${name}: ${(error as Error).message.replaceAll(/\s+/g, " ").slice(0, 1000)}`);
    }
  };
  try {
    const subject = await prepare(program, folder);
    await checkCommands(subject, check);
    await checkForeground(subject, check);
    await checkBackground(subject, check);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return tally;
}

type Check = (name: string, work: () => Promise<void>) => Promise<void>;

async function prepare(program: string, folder: string): Promise<Subject> {
  const home = join(folder, "worker");
  await Deno.mkdir(join(home, "files"), { recursive: true, mode: 0o700 });
  const echo = { name: "echo_input", program: "cat", input: { text: { type: "string" } }, stdin: "input" };
  const config = { controlPort: 0, healthPort: 0, minFreeBytes: 0, taskPollSeconds: 0.2, commands: [echo] };
  await Deno.writeTextFile(join(home, "config.json"), JSON.stringify(config));
  // HOME as well: a self-extracting program unpacks there, as on a new machine.
  const env = { PATH: Deno.env.get("PATH") ?? "", HOME: folder, ACTP_HOME: home, NO_COLOR: "1" };
  const command = (args: string[], signal?: AbortSignal) =>
    new Deno.Command(program, {
      args,
      env,
      clearEnv: true,
      cwd: folder,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal,
    });
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await command(args, AbortSignal.timeout(COMMAND_TIMEOUT_MS)).output();
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };
  return {
    home,
    run,
    async json(...args) {
      const { code, stdout, stderr } = await run(...args, "--json");
      assert.equal(code, 0, `${args[0]} ended with ${code}: ${stderr || stdout}`);
      return JSON.parse(stdout);
    },
    start: (...args) => command(args).spawn(),
  };
}

async function checkCommands({ home, run, json }: Subject, check: Check): Promise<void> {
  await check("--version tells the version", async () => {
    assert.deepEqual(await run("--version"), { code: 0, stdout: VERSION, stderr: "" });
  });
  await check("config show tells the home folder", async () => {
    assert.equal((await json("config", "show")).home, home);
  });
  await check("an unknown command is a usage error", async () => {
    assert.equal((await run("no-such-command")).code, 2);
  });
  await check("capabilities lists the declared command", async () => {
    const { executors: found }: { executors: { type: string; available: boolean }[] } = await json(
      "capabilities",
    );
    assert.equal(found.find(({ type }) => type === "echo_input")?.available, true);
  });
  await check("run does a task without a queue", async () => {
    assert.match(JSON.stringify(await json("run", "echo_input", "--input", `{"text":"here"}`)), /here/);
  });
  await check("status without a worker ends with 3", async () => {
    assert.equal((await run("status")).code, 3);
  });
}

async function checkForeground(subject: Subject, check: Check): Promise<void> {
  const { home, run, json } = subject;
  const worker = subject.start("start", "--foreground");
  const output = Promise.all([new Response(worker.stdout).text(), new Response(worker.stderr).text()]);
  let ended = false;
  const status = worker.status.finally(() => ended = true);
  try {
    await check("start --foreground becomes ready on the embedded database", async () => {
      const deadline = performance.now() + READY_TIMEOUT_MS;
      while (!ended && performance.now() < deadline) {
        const { code, stdout } = await run("status", "--json");
        if (code === 0 && JSON.parse(stdout).ready) return;
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
      throw new Error(ended ? `it ended: ${(await output).join("").trim()}` : "it took too long");
    });
    if (ended) return;
    await check("a second worker in the same home folder is refused with 75", async () => {
      assert.equal((await run("start", "--foreground")).code, 75);
    });
    await check("the database's schema is complete", async () => {
      const { missing, unknown } = await json("db", "status");
      assert.deepEqual({ missing, unknown }, { missing: [], unknown: [] });
    });
    await check("the health server and the dashboard answer", async () => {
      const { ports } = await json("status");
      assert.equal((await fetch(`http://127.0.0.1:${ports.health}/health`).then(textOf)).status, 200);
      const page = await fetch(`http://127.0.0.1:${ports.control}/`).then(textOf);
      assert.equal(page.status, 200);
      assert.match(page.text, /<html/i);
    });
    await checkTasks(subject, check);
    await check("after SIGTERM it ends with 0 within 5 s", async () => {
      const tree = await processTree(worker.pid);
      const started = performance.now();
      worker.kill("SIGTERM");
      const { code } = await status;
      assert.equal(code, 0, `it ended with ${code}: ${(await output)[1].slice(-500)}`);
      const ms = Math.round(performance.now() - started);
      assert.ok(ms < STOP_TIMEOUT_MS, `it took ${ms} ms`);
      for (const pid of tree) assert.equal(await isAlive(pid), false, `process ${pid} is still there`);
    });
    await check("it leaves no PID file and no temporary files", async () => {
      assert.ok(!(await namesIn(home)).includes("worker.pid"));
      const [own, ...others] = await namesIn(join(home, "tmp")); // the folder of this home folder's tasks
      assert.deepEqual(others, []);
      if (own !== undefined) assert.deepEqual(await namesIn(join(home, "tmp", own)), []);
    });
  } finally {
    if (!ended) { for (const pid of await processTree(worker.pid)) signalProcess(pid, "SIGKILL"); }
    await status;
    await output;
  }
}

async function textOf(response: Response): Promise<{ status: number; text: string }> {
  return { status: response.status, text: await response.text() };
}

function namesIn(folder: string): Promise<string[]> {
  return Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
}

async function checkTasks({ home, run, json }: Subject, check: Check): Promise<void> {
  const wait = ["--wait", "--wait-seconds", "50"];
  await check("a task of a declared command succeeds, and its result is kept", async () => {
    const { id } = await json("enqueue", "echo_input", "--input", `{"text":"queued"}`, ...wait);
    const task = await json("tasks", "show", id);
    assert.equal(task.status, "succeeded");
    assert.match(JSON.stringify(task.output_data), /queued/);
  });
  await check("a task with bad input fails at once, and the error names the field", async () => {
    const { code, stdout } = await run("enqueue", "echo_input", "--input", `{"text":1}`, ...wait, "--json");
    assert.equal(code, 1);
    const { status, attempts, error } = JSON.parse(stdout);
    assert.deepEqual({ status, attempts }, { status: "failed", attempts: 1 });
    assert.match(error, /text/);
  });
  const { ignore } = await needs("ffmpeg", "ffprobe");
  if (ignore) return;
  await check("a real film is transcoded", async () => {
    const film = "-v error -f lavfi -i testsrc=duration=1:size=160x120:rate=10 -c:v libx264 film.mp4";
    const cwd = join(home, "files");
    const made = await new Deno.Command("ffmpeg", { args: film.split(" "), cwd, stdin: "null" }).output();
    assert.ok(made.success, new TextDecoder().decode(made.stderr));
    const input = { operation: "transcode", input: "film.mp4", format: "webm" };
    const { id } = await json("enqueue", "ffmpeg_process", "--input", JSON.stringify(input), ...wait);
    const { status, output_data } = await json("tasks", "show", id);
    assert.equal(status, "succeeded");
    assert.equal(output_data.probe.video.codec, "vp9");
    assert.equal((await Deno.stat(output_data.output)).size, output_data.bytes);
  });
}

async function checkBackground({ run, json }: Subject, check: Check): Promise<void> {
  let pid: number | undefined;
  try {
    await check("start brings it up in the background", async () => {
      pid = (await json("start")).pid;
    });
    if (pid === undefined) return;
    await check("what was done before the restart is still known", async () => {
      const { tasks } = await json("tasks", "list", "--status", "succeeded");
      assert.ok(tasks.length > 0);
    });
    await check("stop ends it, and nothing of it goes on", async () => {
      const tree = await processTree(pid!);
      assert.equal((await json("stop")).stopped, pid);
      for (const one of tree) assert.equal(await isAlive(one), false, `process ${one} is still there`);
      assert.equal((await run("status")).code, 3);
    });
  } finally {
    if (pid !== undefined) { for (const one of await processTree(pid)) signalProcess(one, "SIGKILL"); }
  }
}

if (import.meta.main) {
  const terminal = processTerminal();
  const [program] = Deno.args;
  if (program === undefined) {
    terminal.err("usage: deno run -P scripts/smoke.ts PROGRAM");
    Deno.exitCode = 2;
  } else {
    const { passed, failed } = await smoke(resolve(program), terminal.out);
    terminal.out(`${passed} passed, ${failed} failed`);
    if (failed > 0) Deno.exitCode = 1;
  }
}
