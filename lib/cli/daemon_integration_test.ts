/** The daemon as a person uses it: real processes, the embedded database, real child programs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { killBoth } from "../testing/background.ts";
import { asProcess, cliEnvironment, type CliResult } from "../testing/cli.ts";
import { readEvents } from "../testing/event_stream.ts";
import { isAlive } from "../testing/process_tree.ts";
import { tempDir } from "../testing/temp.ts";

const COMMANDS = [
  {
    name: "greet",
    program: "echo",
    args: ["hello {name}"],
    input: { name: { type: "string", maxLength: 50 } },
  },
  {
    name: "nap",
    program: "sleep",
    args: ["{seconds}"],
    input: { seconds: { type: "number", min: 0, max: 600 } },
  },
];

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await holds()) return;
    await systemClock.sleep(100);
  }
  assert.fail(`never came true: ${what}`);
}

Deno.test("the daemon from start to stop", async (t) => {
  await using home = await tempDir();
  await Deno.writeTextFile(
    join(home.path, "config.json"),
    JSON.stringify({ commands: COMMANDS, workerId: "tester" }),
  );
  const env = cliEnvironment(home.path, { WORKER_MIN_FREE_BYTES: "0", SUPERSECRET_TOKEN: "nothing" });
  const cli = (...args: string[]): Promise<CliResult> => asProcess(args, env);
  const taskStatus = async (id: string) => JSON.parse((await cli("tasks", "show", id, "--json")).stdout);

  try {
    await t.step(
      "start in the background prints the pid and where the dashboard is, once it can claim",
      async () => {
        const { code, stdout, stderr } = await cli("start");
        assert.equal(code, 0, stderr);
        assert.match(stdout, /worker tester is running \(pid \d+\)/);
        assert.match(stdout, /http:\/\/127\.0\.0\.1:\d+\/#code=/);
      },
    );

    await t.step("a second start is refused with 75", async () => {
      const { code, stderr } = await cli("start", "--foreground");
      assert.equal(code, 75);
      assert.match(stderr, /already running/);
    });

    await t.step("the files that hold secrets or state are private", async () => {
      for (const name of ["token", "worker.pid"]) {
        assert.equal((await Deno.stat(join(home.path, name))).mode! & 0o777, 0o600, name);
      }
      assert.equal((await Deno.stat(join(home.path, "db"))).mode! & 0o777, 0o700);
    });

    await t.step("a task is enqueued, run and waited for", async () => {
      const { code, stdout, stderr } = await cli(
        "enqueue",
        "greet",
        "--input",
        `{"name": "Ada; rm -rf $HOME"}`,
        "--wait",
      );
      assert.equal(code, 0, stderr);
      assert.deepEqual(JSON.parse(stdout), { exitCode: 0, stdoutTail: ["hello Ada; rm -rf $HOME"] });
    });

    await t.step(
      "a file with a list is a task for each entry, and all are waited for",
      async () => {
        await Deno.writeTextFile(join(home.path, "names.json"), `[{"name": "Ada"}, {"name": "Bob"}]`);
        const list = [
          "enqueue",
          "greet",
          "--input",
          `@${join(home.path, "names.json")}`,
          "--idempotency-key",
          "names",
        ];
        const { code, stdout, stderr } = await cli(...list, "--wait", "--json");
        assert.equal(code, 0, stderr);
        const done = JSON.parse(stdout);
        assert.deepEqual(done.map(({ input_data }: { input_data: { name: string } }) => input_data.name), [
          "Ada",
          "Bob",
        ]);
        const again = await cli(...list);
        assert.deepEqual(again.stdout.split("\n"), done.map(({ id }: { id: string }) => id));
        assert.match(again.stderr, /2 of 2 tasks were there already/);
      },
    );

    await t.step("bad input fails the task for good and names the field", async () => {
      const { code, stderr } = await cli("enqueue", "greet", "--input", `{"nome": "Ada"}`, "--wait");
      assert.equal(code, 1);
      assert.match(stderr, /failed: bad input for greet: .*name/);
    });

    await t.step("the same idempotency key makes one task", async () => {
      const [first, second] = [
        await cli("enqueue", "greet", "-i", `{"name": "x"}`, "--idempotency-key", "k", "--json"),
        await cli("enqueue", "greet", "-i", `{"name": "x"}`, "--idempotency-key", "k", "--json"),
      ].map(({ stdout }) => JSON.parse(stdout));
      assert.deepEqual(second, { id: first.id, created: false });
      const other = await cli("enqueue", "greet", "-i", `{"name": "y"}`, "--idempotency-key", "k");
      assert.equal(other.code, 1);
      assert.match(other.stderr, /idempotency key "k" was used for another task/);
    });

    await t.step("a running task is cancelled and its program is gone", async () => {
      const id = (await cli("enqueue", "nap", "-i", `{"seconds": 321}`)).stdout;
      await until("it runs", async () => (await taskStatus(id)).status === "running");
      await cli("tasks", "cancel", id, "--reason", "enough");
      await until("it is cancelled", async () => (await taskStatus(id)).status === "cancelled");
      const left = await new Deno.Command("pgrep", { args: ["-f", "^sleep 321$"] }).output();
      assert.equal(left.code, 1);
    });

    await t.step("a cancelled task can be retried", async () => {
      const id = (await cli("enqueue", "greet", "-i", `{"name": "later"}`, "--run-at", "+1h")).stdout;
      assert.equal(JSON.parse((await cli("tasks", "cancel", id, "--json")).stdout).status, "cancelled");
      assert.equal((await cli("tasks", "retry", id)).code, 0);
      await until("it succeeds", async () => (await taskStatus(id)).status === "succeeded");
      assert.match(
        (await cli("tasks", "retry", id)).stderr,
        /only failed, timed_out and cancelled tasks can be retried/,
      );
    });

    await t.step("a reload by the API tells what came of it", async () => {
      const { controlPort } = (await findDaemon(home.path))!;
      const token = (await Deno.readTextFile(join(home.path, "token"))).trim();
      const response = await fetch(`http://127.0.0.1:${controlPort}/reload`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
      });
      assert.deepEqual([response.status, await response.json()], [200, {
        applied: [],
        restart_needed: [],
        problems: [],
      }]);
    });

    await t.step("status, list, capabilities, db status and health tell the same story", async () => {
      const status = JSON.parse((await cli("status", "--json")).stdout);
      assert.equal(status.status, "online");
      assert.ok(status.capabilities.includes("greet"));
      assert.ok(status.tasks_completed >= 3, String(status.tasks_completed));
      assert.ok(status.tasks_failed >= 1);
      const health = await (await fetch(`http://127.0.0.1:${status.ports.health}/health`)).json();
      assert.equal(health.tasks_completed, status.tasks_completed);
      const listed = JSON.parse((await cli("tasks", "list", "--status", "failed", "--json")).stdout);
      assert.equal(listed.tasks.length, 1);
      assert.match((await cli("db", "status")).stdout, /up to date/);
      assert.match((await cli("capabilities")).stdout, /✓ {2}greet/);
    });

    await t.step(
      "a token sees what happens and may do what its scope allows; the log tells who did what",
      async () => {
        const { stdout: secret } = await cli("tokens", "create", "watcher", "--scope", "read");
        const url = `http://127.0.0.1:${(await findDaemon(home.path))!.controlPort}`;
        const headers = { authorization: `Bearer ${secret}` };
        const stream = readEvents((await fetch(`${url}/events`, { headers })).body!);
        assert.equal((await stream.until("snapshot")).data.status.worker_id, "tester");
        const id = (await cli("enqueue", "nap", "-i", `{"seconds": 0.5}`)).stdout;
        for (let task = { id: "", status: "" }; task.id !== id || task.status !== "succeeded";) {
          task = (await stream.until("task")).data;
        }
        await stream.close();
        const refused = await fetch(`${url}/tasks/${id}/cancel`, { method: "POST", headers });
        assert.deepEqual([refused.status, (await refused.json()).error.code], [403, "forbidden"]);
        await cli("tokens", "revoke", "watcher");
        const revoked = await fetch(`${url}/status`, { headers });
        await revoked.body?.cancel();
        assert.equal(revoked.status, 401);
        const { stdout } = await cli("audit", "--since", "1h");
        assert.match(stdout, /home token +POST \/rest\/v1\/rpc\/actp_enqueue_tasks +200/);
        assert.match(stdout, /token:watcher +POST \/tasks\/\S+\/cancel +403 +refused: forbidden/);
        assert.ok(!stdout.includes(secret));
      },
    );

    await t.step("after kill -9 the next worker finishes the task, and what ran before is gone", async () => {
      const id = (await cli("enqueue", "nap", "-i", `{"seconds": 9}`)).stdout;
      const long = (await cli("enqueue", "nap", "-i", `{"seconds": 432}`, "--max-attempts", "1")).stdout;
      await until(
        "they run",
        async () =>
          (await taskStatus(id)).status === "running" && (await taskStatus(long)).status === "running",
      );
      const { pid } = (await findDaemon(home.path))!;
      Deno.kill(pid, "SIGKILL");
      await until("it runs again by itself", async () => {
        const again = await findDaemon(home.path);
        return again !== undefined && again.pid !== pid && again.controlPort !== undefined;
      });
      assert.equal((await new Deno.Command("pgrep", { args: ["-f", "^sleep 432$"] }).output()).code, 1);
      await until("the other is given up", async () => (await taskStatus(long)).status === "failed");
      await until("it succeeds", async () => (await taskStatus(id)).status === "succeeded");
      const task = await taskStatus(id);
      assert.equal(task.attempts, 2);
      assert.equal(task.history[0].outcome, "lost");
    });

    await t.step("stop drains and leaves nothing behind", async () => {
      const { pid } = (await findDaemon(home.path))!;
      const { code, stdout } = await cli("stop");
      assert.equal(code, 0);
      assert.match(stdout, /stopped \(pid \d+\)/);
      assert.equal(await isAlive(pid), false);
      await assert.rejects(Deno.stat(join(home.path, "worker.pid")), Deno.errors.NotFound);
      const [{ name }] = await Array.fromAsync(Deno.readDir(join(home.path, "tmp")));
      assert.deepEqual(await Array.fromAsync(Deno.readDir(join(home.path, "tmp", name))), []);
      const log = await Deno.readTextFile(join(home.path, "logs", "worker.log"));
      assert.doesNotMatch(log, new RegExp(await Deno.readTextFile(join(home.path, "token"))));
    });
  } finally {
    await killBoth(home.path);
  }
});
