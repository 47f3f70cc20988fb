import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../clock.ts";
import { sqlClient } from "../database/contract/sql_client.ts";
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
/** Every one of them is known to the daemon, and must be known to nobody else. The services are where nobody listens. */
const SECRETS = {
  ANTHROPIC_API_KEY: SECRET,
  STRIPE_SECRET_KEY: "stripe-never-to-be-seen",
  TELEGRAM_BOT_TOKEN: "telegram-never-to-be-seen",
  APPLE_PRIVATE_KEY: "apple-never-to-be-seen",
  SLACK_WEBHOOK_URL: "http://127.0.0.1:1/slack-never-to-be-seen",
  NOTIFY_WEBHOOK_SECRET: "webhook-never-to-be-seen",
  SMTP_URL: "smtp://me:mail-never-to-be-seen@127.0.0.1:1",
  SAFARI_SERVICES_KEY: "safari-never-to-be-seen",
};
const MARK = "never-to-be-seen";

function declared(id: string, ...args: string[]) {
  const { program, args: all } = selfCommand(args, { main: PROGRAM });
  return { id, command: program, args: all, health: "ndjson", env: ["DENO_DIR"] };
}

async function eventually<T>(what: string, read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 900; i++) {
    const value = await read();
    if (holds(value)) return value;
    await systemClock.sleep(100);
  }
  assert.fail(`never came true: ${what}`);
}

/** A daemon with agents on a real database; disposal kills it. */
async function daemonWith(agents: readonly unknown[]) {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startPostgres());
  const database = openPostgres(server.url);
  cleanup.defer(() => database.close());
  await database.migrate();
  const home = cleanup.use(await tempDir());
  await Deno.writeTextFile(join(home.path, "config.json"), JSON.stringify({ workerId: "tester", agents }));
  const env = cliEnvironment(home.path, {
    ...SECRETS,
    WORKER_MIN_FREE_BYTES: "0",
    DATABASE_URL: server.url,
    SUPERVISOR_WATCH_INTERVAL: "1",
    NOTIFY_EMAIL_FROM: "a@example.com",
    NOTIFY_EMAIL_TO: "b@example.com",
    TELEGRAM_CHAT_ID: "1",
    TELEGRAM_API_URL: "http://127.0.0.1:1",
    NOTIFY_WEBHOOK_URL: "http://127.0.0.1:1/",
  });
  const cli = (...args: string[]) => asProcess(args, env);
  const daemon = spawnCli(["start", "--foreground"], env);
  const log = Promise.all([new Response(daemon.stdout).text(), new Response(daemon.stderr).text()]);
  cleanup.defer(async () => {
    if (await findDaemon(home.path)) daemon.kill("SIGKILL");
    await daemon.status;
    await log;
  });
  const listed = async () => JSON.parse((await cli("agents", "list", "--json")).stdout) as AgentStatus[];
  /** The same without a process for each look. */
  const list = async () => {
    const { controlPort } = (await findDaemon(home.path))!;
    const token = (await Deno.readTextFile(join(home.path, "token"))).trim();
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${controlPort}/agents`, { headers });
    return await response.json() as AgentStatus[];
  };
  const owned = cleanup.move();
  return {
    home: home.path,
    database,
    url: server.url,
    cli,
    daemon,
    log,
    list,
    listed,
    /** Waits until all of them run. */
    run: (...ids: string[]) =>
      eventually(
        `${ids} run`,
        () => list().catch(() => []),
        (found) => ids.every((id) => find(found, id)?.status === "running"),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const find = (list: readonly AgentStatus[], id: string) => list.find(({ agent_id }) => agent_id === id);

Deno.test({
  name: "the daemon with agents, until it is killed",
  ...await needs("postgres"),
  async fn(test) {
    await using subject = await daemonWith([
      declared("well", "well"),
      { ...declared("leaky", "leaky", "STRIPE_SECRET_KEY"), env: ["DENO_DIR", "STRIPE_SECRET_KEY"] },
    ]);
    const { cli, list, daemon } = subject;

    await test.step("all agents are listed, those that are disabled too", async () => {
      await subject.run("well", "leaky");
      const found = await subject.listed();
      assert.deepEqual(found.map(({ agent_id, enabled }) => [agent_id, enabled]), [
        ["social-media-agent", false],
        ["content-agent", false],
        ["acquisition-agent", false],
        ["revenue-agent", false],
        ["well", true],
        ["leaky", true],
      ]);
      assert.equal(find(found, "leaky")?.run?.goal, "use [redacted]");
    });

    await test.step("a killed agent runs again, and the other one is left alone", async () => {
      const before = await list();
      const pid = find(before, "well")!.pid!;
      Deno.kill(pid, "SIGKILL");
      const after = await eventually("it runs again", list, (found) => {
        const well = find(found, "well")!;
        return well.status === "running" && well.pid !== pid;
      });
      assert.equal(find(after, "well")!.error_count, 1);
      assert.equal(find(after, "leaky")!.pid, find(before, "leaky")!.pid);
    });

    await test.step("people stop and start agents, and ask for a restart in the registry", async () => {
      const before = find(await list(), "well")!;
      assert.equal((await cli("--restart-agent", "well")).code, 0);
      await eventually("it is restarted", list, (found) => {
        const well = find(found, "well")!;
        return well.status === "running" && well.pid !== before.pid;
      });
      assert.match((await cli("agents", "stop", "well")).stdout, /^well: stop/);
      await eventually("it is stopped", list, (found) => find(found, "well")!.status === "stopped");
      assert.match((await cli("agents", "start", "well")).stdout, /^well: starting/);
      assert.equal((await cli("--restart-agent", "nobody")).code, 1);
      assert.match((await cli("agents", "stop", "nobody")).stderr, /there is no agent "nobody"/);
    });

    await test.step("no key is in an argument of a process, in a table or in an answer of the API", async () => {
      const { stdout } = await new Deno.Command("ps", { args: ["-A", "-ww", "-o", "args="] }).output();
      const seen: Record<string, string> = { processes: new TextDecoder().decode(stdout) };
      Object.assign(seen, await apiAnswers(subject.home), await allTables(subject.url));
      for (const args of [["config", "show", "--origin"], ["doctor"], ["notify", "test", "slack"]]) {
        const { stdout, stderr } = await cli(...args);
        seen[args.join(" ")] = stdout + stderr;
      }
      const leaks = Object.entries(seen).filter(([, text]) => text.includes(MARK));
      assert.deepEqual(leaks.map(([where, text]) => [where, around(text)]), []);
      assert.ok(seen["GET /agents"]!.includes("use [redacted]"), seen["GET /agents"]);
      assert.ok(seen.actp_agent_registry!.includes("leaky"));
      assert.match(seen["notify test slack"]!, /cannot reach Slack/);
    });

    await test.step("agents end when the worker is killed, and no key is in its log", async () => {
      const pids = (await list()).flatMap(({ pid }) => pid ?? []);
      assert.ok(pids.length > 0);
      daemon.kill("SIGKILL");
      await daemon.status;
      const alive = async () => await Promise.all(pids.map(isAlive));
      await eventually("they are gone", alive, (alive) => !alive.includes(true));
      const log = (await subject.log).join("");
      assert.ok(log.includes("log [redacted]") && log.includes("error [redacted]"), log);
      assert.equal(log.includes(MARK), false, around(log));
    });
  },
});

Deno.test({
  name: "test_graceful_shutdown_drains_in_flight",
  ...await needs("postgres"),
  async fn() {
    await using outer = await tempDir();
    const finished = join(outer.path, "finished");
    await using subject = await daemonWith([
      declared("well", "well"),
      declared("working", "working", finished),
    ]);
    const { daemon, database } = subject;
    const found = await subject.run("well", "working");
    assert.equal(find(found, "working")?.run?.goal, "the work");
    const pids = found.flatMap(({ pid }) => pid ?? []);
    assert.equal(pids.length, 2);
    await assert.rejects(Deno.stat(finished), Deno.errors.NotFound);
    daemon.kill("SIGTERM");
    assert.equal((await daemon.status).code, 0);
    assert.equal(await Deno.readTextFile(finished), "finished");
    assert.deepEqual(await Promise.all(pids.map(isAlive)), pids.map(() => false));
    const rows = await database.call<{ agent_id: string; status: string; worker_id: string | null }[]>(
      "actp_list_agents",
    );
    assert.deepEqual(rows.map(({ agent_id, status, worker_id }) => [agent_id, status, worker_id]), [
      ["well", "stopped", null],
      ["working", "stopped", null],
    ]);
    // Without the worker the list tells what is known.
    const { code, stdout } = await subject.cli("--list-agents", "--json");
    assert.equal(code, 0);
    assert.deepEqual(
      JSON.parse(stdout).map(({ status }: { status: string }) => status),
      Array(6).fill("stopped"),
    );
  },
});

/** What the servers of a daemon answer to whoever has its token, by request. */
async function apiAnswers(home: string): Promise<Record<string, string>> {
  const { controlPort, healthPort } = (await findDaemon(home))!;
  const token = (await Deno.readTextFile(join(home, "token"))).trim();
  const paths = [
    "/health",
    "/ready",
    "/status",
    "/agents",
    "/agents/leaky",
    "/agents/leaky/runs",
    "/agents/content-agent",
    "/tasks",
    "/workers",
    "/approvals",
    "/disputes",
    "/scheduler/jobs",
    "/scheduler/jobs/heartbeat.task-scan",
    "/scheduler/history",
    "/openapi.json",
    "/metrics",
    "/",
    "/app.js",
    "/nowhere",
  ];
  const answers: Record<string, string> = {};
  for (const [port, path] of [...paths.map((path) => [controlPort, path]), [healthPort, "/health"]]) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const headers = JSON.stringify([...response.headers]);
    answers[`GET ${path}`] = `${headers} ${await response.text()}`;
    // The token is a secret, too.
    assert.equal(answers[`GET ${path}`]!.includes(token), false, `${path} tells the token`);
  }
  assert.match(answers["GET /agents/leaky"]!, /"agent_id":"leaky"/);
  return answers;
}

/** The rows of every table, by its name. */
async function allTables(url: string): Promise<Record<string, string>> {
  await using client = sqlClient(url);
  const tables = await client.sql("select tablename from pg_tables where schemaname = 'public'");
  const rows = tables.map(async ({ tablename }) => {
    const found = await client.sql(`select to_jsonb(t) as row from public.${tablename} t`);
    return [String(tablename), JSON.stringify(found)];
  });
  return Object.fromEntries(await Promise.all(rows));
}

/** Where the mark stands, for a failing test. */
function around(text: string): string {
  const at = text.indexOf(MARK);
  return text.slice(Math.max(0, at - 200), at + 100);
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
