/**
 * WDL jobs from end to end as people run them: the jobs server, a worker with the real Toil, and the client, each a
 * process of its own that speaks HTTP; also when the server or the worker is killed in between.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { jobsClient } from "../jobs/client.ts";
import { asProcess, cliEnvironment, spawnCli } from "../testing/cli.ts";
import { homeWithDatabase } from "../testing/embedded_database.ts";
import { startJobsServer } from "../testing/jobs_server.ts";
import { needs } from "../testing/requirements.ts";
import { onFreePort } from "../testing/server_process.ts";
import { tempDir } from "../testing/temp.ts";

/** The marker file tells that the command has begun; the pause file holds it up. */
const WDL = `version 1.0
workflow hello {
  input { String name  String folder }
  call greet { input: name = name, folder = folder }
  output { File greeting = greet.out }
}
task greet {
  input { String name  String folder }
  command <<<
    echo begun >> "~{folder}/begun"
    while [ -e "~{folder}/pause" ]; do sleep 0.1; done
    echo "hello ~{name}" > greeting.txt
  >>>
  output { File out = "greeting.txt" }
}
`;

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 90_000;
  while (!await holds()) {
    if (performance.now() > deadline) throw new Error(`this did not happen: ${what}`);
    await systemClock.sleep(100);
  }
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test({
  name: "a WDL job goes from the client through the server to a worker with the real Toil, and back",
  ...await needs("toil"),
  async fn(test) {
    await using serverHome = await homeWithDatabase();
    await using folder = await tempDir();
    const wdl = join(folder.path, "hello.wdl");
    const inputs = join(folder.path, "inputs.json");
    await Deno.writeTextFile(wdl, WDL);
    await Deno.writeTextFile(inputs, JSON.stringify({ "hello.name": "you", "hello.folder": folder.path }));
    const args = await onFreePort((port) => Promise.resolve(["--port", `${port}`]));
    const startServer = (leaseSeconds: number) =>
      startJobsServer(serverHome.path, { args, env: { JOBS_LEASE_SECONDS: `${leaseSeconds}` } });
    let server = await startServer(60);

    const told = { JOBS_SERVER_URL: server.url, JOBS_TOKEN: server.token };
    const cli = (...words: string[]) => asProcess(words, cliEnvironment(serverHome.path, told));
    const submit = (...words: string[]) => cli("jobs", "submit", wdl, "-i", inputs, "--json", ...words);
    const greeting = async (outputs: Record<string, string>) =>
      await Deno.readTextFile(outputs["hello.greeting"]!);

    /** A worker that only has the jobs server. */
    async function startWorker(id: string) {
      const home = await homeWithDatabase();
      const worker = spawnCli(
        ["start", "--foreground"],
        cliEnvironment(home.path, {
          ...told,
          WORKER_ID: id,
          ENABLE_WORKFLOW_TASKS: "false",
          WDL_RUNNER: "toil",
          POLL_SECS: "0.5",
          WORKER_MIN_FREE_BYTES: "0",
        }),
      );
      const output = worker.output();
      return {
        home: home.path,
        async kill() {
          worker.kill("SIGKILL");
          await output;
        },
        async [Symbol.asyncDispose]() {
          try {
            worker.kill("SIGTERM");
          } catch { /* it is gone */ }
          await output;
          await home[Symbol.asyncDispose]();
        },
      };
    }

    await test.step("submitted, done, and fetched with its output file", async () => {
      await using _worker = await startWorker("toil-1");
      const { code, stdout, stderr } = await submit("--run-id", "plain", "--wait");
      assert.equal(code, 0, stderr);
      const job = JSON.parse(stdout.split("\n").at(-1)!);
      assert.equal(job.state, "Succeeded");
      assert.equal(await greeting(job.result.response.outputs), "hello you\n");
    });

    await test.step("the worker is killed in the middle, then the server: another worker's result arrives", async () => {
      await Deno.writeTextFile(join(folder.path, "pause"), "");
      await Deno.remove(join(folder.path, "begun"));
      await server.stop();
      server = await startServer(3); // so that the job is put back soon
      await using first = await startWorker("toil-2");
      assert.equal((await submit("--run-id", "crash")).code, 0);
      await until("the command runs", () => exists(join(folder.path, "begun")));
      await first.kill();
      const client = jobsClient({ url: server.url, token: server.token });
      await until("the job is put back", async () => (await client.get("crash")).state === "Pending");
      await Deno.remove(join(folder.path, "begun"));
      await server.stop();
      server = await startServer(60); // so that the lease outlasts the server's restart
      await using _second = await startWorker("toil-3");
      await until("the command runs again", () => exists(join(folder.path, "begun")));
      await server.stop("SIGKILL");
      await Deno.remove(join(folder.path, "pause"));
      server = await startServer(60);
      const { code, stdout, stderr } = await cli("jobs", "wait", "crash", "--json", "--timeout", "90s");
      assert.equal(code, 0, stderr);
      const job = JSON.parse(stdout.split("\n").at(-1)!);
      assert.deepEqual([job.state, job.worker_id, job.attempt], ["Succeeded", "toil-3", 2]);
      assert.equal(await greeting(job.result.response.outputs), "hello you\n");
    });
    await server.stop();
  },
});
