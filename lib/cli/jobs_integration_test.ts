/** The jobs server and its client as people use them: real processes, the embedded database, a crash in between. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findDaemon } from "../daemon/pid_file.ts";
import { type JobsClient, jobsClient } from "../jobs/client.ts";
import { asProcess, cliEnvironment, spawnCli } from "../testing/cli.ts";
import { homeWithDatabase } from "../testing/embedded_database.ts";
import { TextLineStream } from "../testing/lines.ts";
import { startJobsServer } from "../testing/jobs_server.ts";
import { onFreePort } from "../testing/server_process.ts";
import { tempDir } from "../testing/temp.ts";

const WDL = "version 1.0\nworkflow hello { output { String greeting = 'hello' } }\n";
const RESPONSE = { status: "ok", outputs: { "hello.greeting": "hello" }, duration_ms: 5 };

async function claimSoon(client: JobsClient, workerId: string) {
  const job = await client.claim({ workerId, waitSeconds: 30 });
  assert.ok(job, "there is no job");
  return job;
}

/** What a started command says until it ends. */
async function ended(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("jobs outlive their server: killed in the middle and started again, nothing is lost or done twice", async (test) => {
  await using home = await homeWithDatabase();
  const wdl = join(home.path, "hello.wdl");
  await Deno.writeTextFile(wdl, WDL);
  const env = cliEnvironment(home.path);
  const args = await onFreePort((port) => Promise.resolve(["--port", `${port}`]));
  await using first = await startJobsServer(home.path, { args });
  const worker = jobsClient({ url: first.url, token: first.token, tries: 30 }); // a restart may take its time

  await test.step("a job is put in, waited for, and survives kill -9 of the server", async (test) => {
    const waiting = spawnCli(["jobs", "submit", wdl, "--run-id", "crash-1", "--wait"], {
      ...env,
      JOBS_SERVER_URL: first.url,
      JOBS_TOKEN: first.token,
    });
    const result = ended(waiting);
    const job = await claimSoon(worker, "w1");
    assert.equal(job.run_id, "crash-1");
    await first.stop("SIGKILL");
    const beat = worker.heartbeat("crash-1", { workerId: "w1", token: job.token }); // tried until it is back
    await using second = await startJobsServer(home.path, { args });
    assert.equal(second.url, first.url);
    assert.equal(await beat, "ok");
    assert.equal(
      await worker.complete("crash-1", { workerId: "w1", token: job.token, response: RESPONSE }),
      "settled",
    );
    assert.equal(
      await worker.complete("crash-1", { workerId: "w1", token: job.token, response: RESPONSE }),
      "settled",
    );
    const { code, stdout, stderr } = await result;
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), RESPONSE.outputs);
    assert.match(stderr, /crash-1 {2}Succeeded {2}on w1/);
    const { attempts } = await worker.get("crash-1");
    assert.deepEqual(attempts?.map(({ outcome }) => outcome), ["succeeded"]);

    await test.step("the commands of the home folder find the server and its database by themselves", async () => {
      const list = await asProcess(["jobs", "list", "--json"], env);
      assert.equal(list.code, 0, list.stderr);
      assert.equal(JSON.parse(list.stdout).jobs[0].run_id, "crash-1");
      const tasks = await asProcess(["tasks", "list", "--json"], env);
      assert.equal(JSON.parse(tasks.stdout).tasks[0].task_type, "wdl_run");
      const second = await asProcess(["server", "--port", "0"], env);
      assert.deepEqual([second.code, /already running/.test(second.stderr)], [75, true]);
    });

    await test.step("Ctrl-C ends the waiting and leaves the job", async () => {
      const child = spawnCli(["jobs", "submit", wdl, "--run-id", "left-1", "--wait"], env);
      await claimSoon(worker, "w1");
      const lines = child.stderr.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
        .getReader();
      const first = await lines.read(); // by now it waits
      assert.match(first.value!, /^left-1 {2}(Pending|Running)/);
      child.kill("SIGINT");
      const rest: string[] = [];
      for (let line = await lines.read(); !line.done; line = await lines.read()) rest.push(line.value);
      await child.stdout.cancel();
      assert.equal((await child.status).code, 1);
      assert.match(rest.join("\n"), /No longer waiting: job left-1 is \w+ and goes on/);
      assert.equal((await worker.get("left-1")).state, "Running");
      await worker.fail("left-1", { workerId: "w1", message: "enough" });
    });

    await test.step("a token lets its worker in until it is revoked", async () => {
      const made = JSON.parse(
        (await asProcess(["server", "tokens", "create", "--worker", "w2", "--json"], env)).stdout,
      );
      const other = jobsClient({ url: second.url, token: made.secret });
      assert.equal((await other.register({})).worker_id, "w2");
      await assert.rejects(other.claim({ workerId: "w1" }), { status: 403, code: "forbidden" });
      assert.equal((await asProcess(["server", "tokens", "revoke", made.id], env)).code, 0);
      await assert.rejects(other.claim({ workerId: "w2" }), { status: 401 });
      assert.equal(second.token, first.token);
    });

    await test.step("it stops in good order", async () => {
      assert.equal(await second.stop(), 0);
      assert.doesNotMatch(await second.log(), new RegExp(second.token));
    });
  });

  await test.step("tokens can be listed while nothing runs, and nothing secret is shown", async () => {
    const { code, stdout, stderr } = await asProcess(["server", "tokens", "list"], env);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /of worker w2 .* revoked /);
  });
});

Deno.test("what is wrong with the server's options is told before it starts", async () => {
  await using home = await tempDir();
  const env = cliEnvironment(home.path);
  for (
    const [args, code, message] of [
      [["--open", "--host", "0.0.0.0"], 2, /--open lets in whoever reaches 0\.0\.0\.0/],
      [["--port", "70000"], 2, /is not a port/],
      [["tokens", "create"], 2, /give --worker <id> or --submit/],
      [["tokens", "revoke", "x"], 2, /is not a token's id/],
    ] as const
  ) {
    const result = await asProcess(["server", ...args], env);
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, message);
  }
  const away = await asProcess(["server", "--port", "0"], {
    ...env,
    DATABASE_URL: "postgres://nobody:secret-word@127.0.0.1:1/none",
  });
  assert.equal(away.code, 69, away.stderr);
  assert.doesNotMatch(away.stderr, /secret-word/);
});

Deno.test("the daemon serves jobs below its control port where that is enabled", async () => {
  await using home = await homeWithDatabase();
  const env = cliEnvironment(home.path, { ENABLE_JOBS_SERVER: "true", WORKER_MIN_FREE_BYTES: "0" });
  const start = await asProcess(["start"], env);
  assert.equal(start.code, 0, start.stderr);
  try {
    const { controlPort } = (await findDaemon(home.path))!;
    const url = `http://127.0.0.1:${controlPort}`;
    const token = (await Deno.readTextFile(join(home.path, "token"))).trim();
    const client = jobsClient({ url, token });
    const wdl = join(home.path, "hello.wdl");
    await Deno.writeTextFile(wdl, WDL);
    assert.equal((await asProcess(["queues", "pause", "wdl_run"], env)).code, 0); // its own worker must not take it
    assert.equal((await asProcess(["jobs", "submit", wdl, "--run-id", "d1"], env)).stdout, "d1");
    assert.equal((await client.get("d1")).state, "Pending");
    assert.equal(await client.claim({ workerId: "w1" }), undefined, "a pause holds at this door too");
    assert.equal((await client.cancel("d1")).state, "Canceled");
    for (const path of ["/api/v1/jobs", "/api/v1/jobs/d1"]) {
      const response = await fetch(url + path);
      assert.deepEqual([response.status, (await response.json()).error.code], [401, "unauthorized"]);
    }
    const foreign = await fetch(`${url}/api/v1/jobs`, {
      headers: { authorization: `Bearer ${token}`, origin: "https://evil.example" },
    });
    assert.deepEqual([foreign.status, (await foreign.json()).error.code], [403, "foreign_origin"]);
    const other = await fetch(`${url}/api/v1/nothing`, { headers: { authorization: `Bearer ${token}` } });
    assert.deepEqual([other.status, (await other.json()).error.code], [404, "not_found"]);
  } finally {
    await asProcess(["stop", "--now"], env);
  }
});
