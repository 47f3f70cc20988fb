import assert from "node:assert/strict";
import { join } from "node:path";
import { inProcess } from "../testing/cli.ts";
import { scriptedServer } from "../testing/scripted_server.ts";
import { tempDir } from "../testing/temp.ts";

const JOB = {
  run_id: "hello-1",
  state: "Succeeded",
  worker_id: "w1",
  attempt: 1,
  max_attempts: 3,
  result: { type: "success", response: { status: "ok", outputs: { "hello.greeting": "hi" } } },
  attempts: [],
};

async function withWdl(use: (wdl: string, env: Record<string, string>) => Promise<void>): Promise<void> {
  await using home = await tempDir();
  const wdl = join(home.path, "x.wdl");
  await Deno.writeTextFile(wdl, `import "t.wdl"\nworkflow hello {}`);
  await Deno.writeTextFile(join(home.path, "t.wdl"), "task t {}");
  await Deno.writeTextFile(join(home.path, "in.json"), `{"hello.a": 1}`);
  await use(wdl, { ACTP_HOME: home.path, HOME: home.path });
}

Deno.test("submit sends the file, its imports, its inputs and its options", () =>
  withWdl(async (wdl, env) => {
    await using server = scriptedServer(() => Response.json({ run_id: "hello-1", created: true }));
    const args = [
      "-i",
      "in.json",
      "--base-dir",
      "data",
      "--run-id",
      "hello-1",
      "--task",
      "t",
      "--max-attempts",
      "2",
    ];
    const { code, stdout, stderr } = await inProcess(
      ["jobs", "submit", wdl, ...args, "--server", server.url],
      env,
    );
    assert.deepEqual([code, stdout], [0, "hello-1"], stderr);
    assert.deepEqual(server.asked[0]!.body, {
      wdl: `import "t.wdl"\nworkflow hello {}`,
      imports: { "t.wdl": "task t {}" },
      inputs: { "hello.a": 1 },
      options: { task: "t", run_id: "hello-1", base_dir: join(env.ACTP_HOME!, "data") },
      max_attempts: 2,
    });
    assert.equal(server.asked[0]!.headers.get("authorization"), null);
  }));

Deno.test("submit --wait prints the changes, then the outputs", () =>
  withWdl(async (wdl, env) => {
    const states = [
      { ...JOB, state: "Pending", worker_id: null, attempt: 0, result: null },
      { ...JOB, state: "Running", result: null },
      { ...JOB, state: "Running", result: null },
      JOB,
    ];
    await using server = scriptedServer(({ method }) =>
      Response.json(method === "POST" ? { run_id: "hello-1" } : states.shift())
    );
    const { code, stdout, stderr } = await inProcess([
      "jobs",
      "submit",
      wdl,
      "--wait",
      "--server",
      server.url,
    ], env);
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { "hello.greeting": "hi" });
    assert.deepEqual(stderr.split("\n"), [
      "hello-1  Pending",
      "hello-1  Running  on w1",
      "hello-1  Succeeded  on w1",
    ]);
  }));

Deno.test("a job that failed is told with its exit code and its last lines, and ends with 1", () =>
  withWdl(async (_, env) => {
    const result = { type: "failure", message: "task t failed", stderr: "one\ntwo\x1b[31m\n", exit_code: 3 };
    await using server = scriptedServer(() => Response.json({ ...JOB, state: "Failed", result }));
    const { code, stdout, stderr } = await inProcess(
      ["jobs", "wait", "hello-1", "--server", server.url],
      env,
    );
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /Job hello-1 Failed: task t failed \(exit code 3\)\n {4}one\n {4}two \[31m$/);
    const json = await inProcess(["jobs", "wait", "hello-1", "--json", "--server", server.url], env);
    assert.deepEqual([json.code, JSON.parse(json.stdout).state], [1, "Failed"]);
  }));

Deno.test("waiting ends at its time, and the job goes on", () =>
  withWdl(async (_, env) => {
    await using server = scriptedServer(() => Response.json({ ...JOB, state: "Running", result: null }));
    const { code, stderr } = await inProcess(
      ["jobs", "wait", "hello-1", "--timeout", "1s", "--server", server.url],
      env,
    );
    assert.equal(code, 1);
    assert.match(
      stderr,
      /Not done after 1 s: job hello-1 is Running and goes on\. See `actp-worker jobs wait hello-1`/,
    );
  }));

Deno.test("get, cancel and list show what the server says", () =>
  withWdl(async (_, env) => {
    await using server = scriptedServer(({ path }) =>
      Response.json(
        path.endsWith("/cancel")
          ? { run_id: "hello-1", state: "Running", cancel_requested: true }
          : path.includes("?")
          ? { jobs: [JOB], next_cursor: "17" }
          : JOB,
      )
    );
    const run = async (...args: string[]) => await inProcess(["jobs", ...args, "--server", server.url], env);
    assert.match((await run("get", "hello-1")).stdout, /state +Succeeded[\s\S]*"hello.greeting": "hi"/);
    assert.equal(JSON.parse((await run("get", "hello-1", "--json")).stdout).run_id, "hello-1");
    assert.equal(
      (await run("cancel", "hello-1", "--reason", "no need", "--within", "1m")).stdout,
      "hello-1 is Running; its worker has been asked to stop",
    );
    assert.deepEqual(server.asked.at(-1)!.body, { reason: "no need", within_seconds: 60 });
    const list = await run("list", "--state", "failed", "TimedOut");
    assert.match(list.stdout, /hello-1 +Succeeded +1\/3/);
    assert.match(list.stderr, /more: --cursor '17'/);
    assert.equal(server.asked.at(-1)!.path, "/api/v1/jobs?state=Failed%2CTimedOut&limit=20");
  }));

Deno.test("the server is named by --server, JOBS_SERVER_URL or ~/.flowy, in this order", () =>
  withWdl(async (_, env) => {
    await using flowy = scriptedServer(() => Response.json(JOB));
    await using named = scriptedServer(() => Response.json(JOB));
    await Deno.writeTextFile(join(env.HOME!, ".flowy"), `SERVER_URL = "${flowy.url}"`);
    const get = (extra: Record<string, string>, ...args: string[]) =>
      inProcess(["jobs", "get", "hello-1", ...args], { ...env, ...extra });
    assert.equal((await get({})).code, 0);
    assert.equal((await get({ JOBS_SERVER_URL: named.url, JOBS_TOKEN: "t" })).code, 0);
    assert.equal((await get({ JOBS_SERVER_URL: flowy.url }, "--server", named.url)).code, 0);
    assert.deepEqual([flowy.asked.length, named.asked.length], [1, 2]);
    assert.equal(named.asked[0]!.headers.get("authorization"), "Bearer t");
  }));

Deno.test("what is wrong with a command is told before anything is sent", () =>
  withWdl(async (wdl, env) => {
    const cases: [string[], number, RegExp][] = [
      [["get", "hello-1"], 3, /No jobs server is named and none runs here/],
      [["get", "../x"], 2, /is not a job's name/],
      [["submit", "none.wdl"], 2, /Cannot read .*none\.wdl/],
      [["submit", wdl, "--run-id", "a b"], 2, /is not a job's name/],
      [["submit", wdl, "-i", "none.json"], 2, /--inputs .*none\.json/],
      [["submit", wdl, "--timeout", "soon"], 2, /30s, 5m, 1h/],
      [["list", "--state", "Odd"], 2, /is none of Pending Running/],
      [["get", "a", "--server", "ftp://x"], 78, /must be an http/],
      [["get", "a", "--server", "http://127.0.0.1:1"], 69, /cannot be reached/],
    ];
    for (const [args, expected, message] of cases) {
      const more = args.includes("--server") || expected === 3 ? [] : ["--server", "http://127.0.0.1:1"];
      const { code, stderr } = await inProcess(["jobs", ...args, ...more], env);
      assert.equal(code, expected, `${args.join(" ")}: ${stderr}`);
      assert.match(stderr, message);
    }
    const { code, stderr } = await inProcess(["jobs", "get", "a", "--server", "http://jobs.example"], {
      ...env,
      JOBS_TOKEN: "secret-word",
    });
    assert.equal(code, 2);
    assert.match(stderr, /Use https/);
    assert.doesNotMatch(stderr, /secret-word/);
  }));
