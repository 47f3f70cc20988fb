import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../clock.ts";
import { findDaemon } from "../daemon/pid_file.ts";
import { selfCommand } from "../daemon/self.ts";
import { openPostgres } from "../database/postgres.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import { asProcess, cliEnvironment, spawnCli } from "../testing/cli.ts";
import { isAlive } from "../testing/process_tree.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";

const PROGRAM = fileURLToPath(import.meta.resolve("../testing/agent_program.ts"));
const SECRET = "sk-ant-api03-never-to-be-seen";

function declared(id: string, ...args: string[]) {
  const { program, args: all } = selfCommand(args, { main: PROGRAM });
  return { id, command: program, args: all, health: "ndjson", env: ["DENO_DIR"] };
}

async function eventually<T>(what: string, read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 300; i++) {
    const value = await read();
    if (holds(value)) return value;
    await systemClock.sleep(100);
  }
  assert.fail(`never came true: ${what}`);
}

Deno.test({
  name: "the daemon with agents, from start to stop",
  ...await needs("postgres"),
  fn: daemonWithAgents,
});

async function daemonWithAgents(test: Deno.TestContext): Promise<void> {
  await using server = await startPostgres();
  const database = openPostgres(server.url);
  await database.migrate();
  await using home = await tempDir();
  const finished = join(home.path, "finished");
  await Deno.writeTextFile(
    join(home.path, "config.json"),
    JSON.stringify({
      workerId: "tester",
      agents: [declared("well", "well"), declared("working", "working", finished)],
    }),
  );
  const env = cliEnvironment(home.path, {
    WORKER_MIN_FREE_BYTES: "0",
    DATABASE_URL: server.url,
    ANTHROPIC_API_KEY: SECRET,
    SUPERVISOR_WATCH_INTERVAL: "1",
  });
  const cli = (...args: string[]) => asProcess(args, env);
  const agents = async () => JSON.parse((await cli("agents", "list", "--json")).stdout) as AgentStatus[];
  const find = (list: AgentStatus[], id: string) => list.find(({ agent_id }) => agent_id === id);

  const daemon = spawnCli(["start", "--foreground"], env);
  const log = Promise.all([new Response(daemon.stdout).text(), new Response(daemon.stderr).text()]);
  try {
    await test.step("all agents are listed, those that are disabled too", async () => {
      const list = await eventually(
        "both run",
        () => agents().catch(() => []),
        (list) => ["well", "working"].every((id) => find(list, id)?.status === "running"),
      );
      assert.deepEqual(list.map(({ agent_id, enabled }) => [agent_id, enabled]), [
        ["social-media-agent", false],
        ["content-agent", false],
        ["acquisition-agent", false],
        ["revenue-agent", false],
        ["well", true],
        ["working", true],
      ]);
      assert.equal(find(list, "working")?.run?.goal, "the work");
    });

    await test.step("a killed agent runs again, and the other one is left alone", async () => {
      const before = await agents();
      const pid = find(before, "well")!.pid!;
      Deno.kill(pid, "SIGKILL");
      const after = await eventually("it runs again", agents, (list) => {
        const well = find(list, "well")!;
        return well.status === "running" && well.pid !== pid;
      });
      assert.equal(find(after, "well")!.error_count, 1);
      assert.equal(find(after, "working")!.pid, find(before, "working")!.pid);
    });

    await test.step("people stop and start agents, and ask for a restart in the registry", async () => {
      const before = find(await agents(), "well")!;
      assert.equal((await cli("--restart-agent", "well")).code, 0);
      await eventually("it is restarted", agents, (list) => {
        const well = find(list, "well")!;
        return well.status === "running" && well.pid !== before.pid;
      });
      assert.match((await cli("agents", "stop", "well")).stdout, /^well: stop/);
      await eventually("it is stopped", agents, (list) => find(list, "well")!.status === "stopped");
      assert.match((await cli("agents", "start", "well")).stdout, /^well: starting/);
      assert.equal((await cli("--restart-agent", "nobody")).code, 1);
      assert.match((await cli("agents", "stop", "nobody")).stderr, /there is no agent "nobody"/);
    });

    await test.step("a secret of the worker is in no process's arguments", async () => {
      const { stdout } = await new Deno.Command("ps", { args: ["-A", "-ww", "-o", "args="] }).output();
      assert.equal(new TextDecoder().decode(stdout).includes(SECRET), false);
    });

    await test.step("test_graceful_shutdown_drains_in_flight", async () => {
      const pids = (await agents()).flatMap(({ pid }) => pid ?? []);
      assert.ok(pids.length > 0);
      await assert.rejects(Deno.stat(finished), Deno.errors.NotFound);
      daemon.kill("SIGTERM");
      assert.equal((await daemon.status).code, 0);
      assert.equal(await Deno.readTextFile(finished), "finished");
      assert.deepEqual(await Promise.all(pids.map(isAlive)), pids.map(() => false));
    });

    await test.step("after it the registry has them stopped, and no secret is in it or in the log", async () => {
      const rows = await database.call<{ agent_id: string; status: string; worker_id: string | null }[]>(
        "actp_list_agents",
      );
      assert.deepEqual(rows.map(({ agent_id, status, worker_id }) => [agent_id, status, worker_id]), [
        ["well", "stopped", null],
        ["working", "stopped", null],
      ]);
      const history = await database.call("actp_agent_history", { p_agent_id: "well" });
      assert.equal(JSON.stringify([rows, history, await log]).includes(SECRET), false);
    });

    await test.step("without the worker the list tells what is known", async () => {
      const { code, stdout } = await cli("--list-agents", "--json");
      assert.equal(code, 0);
      assert.deepEqual(
        JSON.parse(stdout).map(({ status }: { status: string }) => status),
        Array(6).fill("stopped"),
      );
    });

    await test.step("agents end when the worker is killed", async () => {
      const again = spawnCli(["start", "--foreground"], env);
      const output = Promise.all([again.stdout.cancel(), again.stderr.cancel()]);
      const list = await eventually(
        "both run again",
        () => agents().catch(() => []),
        (list) => ["well", "working"].every((id) => find(list, id)?.status === "running"),
      );
      again.kill("SIGKILL");
      await Promise.all([again.status, output]);
      const pids = list.flatMap(({ pid }) => pid ?? []);
      const alive = async () => await Promise.all(pids.map(isAlive));
      await eventually("they are gone", alive, (alive) => !alive.includes(true));
    });
  } finally {
    if (await findDaemon(home.path)) daemon.kill("SIGKILL");
    await daemon.status;
    await log;
    await database.close();
  }
}

Deno.test("a dry run checks everything and starts nothing", async () => {
  await using home = await tempDir();
  const cli = (args: string[], extra: Record<string, string> = {}) =>
    asProcess(args, cliEnvironment(home.path, extra));
  const good = await cli(["--dry-run", "--agents", "content,revenue"], { ANTHROPIC_API_KEY: SECRET });
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /the configuration is in order/);
  assert.match(good.stdout, /agent content-agent: enabled/);
  assert.match(good.stdout, /agent social-media-agent: disabled \(not in --agents\)/);
  assert.match(good.stderr, /STRIPE_SECRET_KEY is not set: revenue-agent goes without Stripe revenue/);
  const keyless = await cli(["start", "--dry-run"], {
    ENABLE_CONTENT_AGENT: "yes",
    MAX_CONCURRENT_TASKS: "x",
  });
  assert.equal(keyless.code, 78);
  assert.match(keyless.stderr, /maxConcurrent[^]*anthropicKey/);
  const away = await cli(["--dry-run"], { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" });
  assert.equal(away.code, 69);
  assert.equal((await cli(["--dry-run", "--agents", "nobody"])).code, 78);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(home.path)), []);
});
