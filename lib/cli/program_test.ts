import assert from "node:assert/strict";
import { join } from "node:path";
import { selfCommand } from "../daemon/self.ts";
import { cliEnvironment, inProcess } from "../testing/cli.ts";
import { tempDir } from "../testing/temp.ts";
import { VERSION } from "../version.ts";

Deno.test("the version is printed to standard output", async () => {
  await using home = await tempDir();
  assert.deepEqual(await inProcess(["--version"], { ACTP_HOME: home.path }), {
    code: 0,
    stdout: VERSION,
    stderr: "",
  });
});

Deno.test("a reader that has had enough, as `| head` has, is no failure", async () => {
  await using home = await tempDir();
  const self = selfCommand(["config", "show", "--json"]);
  const child = new Deno.Command(self.program, {
    args: [...self.args],
    env: cliEnvironment(home.path),
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  const [{ code }, said] = await Promise.all([child.status, new Response(child.stderr).text()]);
  assert.deepEqual([code, said], [0, ""]);
});

Deno.test("help lists the commands and the settings", async () => {
  await using home = await tempDir();
  const { code, stdout } = await inProcess(["--help"], { ACTP_HOME: home.path });
  assert.equal(code, 0);
  for (
    const word of [
      "demo",
      "start",
      "stop",
      "status",
      "enqueue",
      "tasks",
      "queues",
      "run",
      "capabilities",
      "doctor",
      "db",
      "config",
      "--worker-id",
    ]
  ) {
    assert.match(stdout, new RegExp(`^\\s+${word}\\b`, "m"), word);
  }
  assert.doesNotMatch(stdout, /demo-task|prepare-database/);
});

Deno.test("an unknown command, a missing argument and a bad number are usage errors", async () => {
  await using home = await tempDir();
  const env = { ACTP_HOME: home.path };
  assert.equal((await inProcess(["tsks"], env)).code, 2);
  assert.equal((await inProcess(["enqueue"], env)).code, 2);
  const { code, stderr } = await inProcess(["enqueue", "x", "--priority", "high"], env);
  assert.equal(code, 2);
  assert.match(stderr, /--priority "high" is not a whole number/);
});

Deno.test("what steers tasks says which of its arguments go together", async () => {
  await using home = await tempDir();
  const id = crypto.randomUUID();
  const cases: [string[], RegExp][] = [
    [["tasks", "cancel"], /a task's id or --execution/],
    [["tasks", "cancel", id, "--execution", id], /one of them/],
    [["tasks", "cancel", "--execution", "seven"], /not an execution's id/],
    [["tasks", "cancel", id, "--within", "soon"], /30s, 5m, 1h/],
    [["tasks", "cancel", id, "--within", "25h"], /at most 24h/],
    [["tasks", "retry"], /a task's id or --dead/],
    [["tasks", "retry", id, "--limit", "3"], /go with --dead/],
    [["tasks", "list", "--dead", "--status", "failed"], /exclude each other/],
    [["queues", "limit", "render", "few"], /neither a whole number nor `none`/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await inProcess(args, { ACTP_HOME: home.path });
    assert.equal(code, 2, args.join(" "));
    assert.match(stderr, message);
  }
});

Deno.test("input that is not a JSON object is refused with the option's name", async () => {
  await using home = await tempDir();
  const env = { ACTP_HOME: home.path };
  for (
    const [input, reason] of [["{", /--input is not valid JSON/], ["[1]", /--input must be a JSON object/], [
      "@none.json",
      /--input .*none\.json/,
    ]] as const
  ) {
    const { code, stderr } = await inProcess(["enqueue", "x", "--input", input], env);
    assert.equal(code, 2, input);
    assert.match(stderr, reason);
  }
});

Deno.test("input over the limit is refused before anything is sent", async () => {
  await using home = await tempDir();
  const env = { ACTP_HOME: home.path, TASK_MAX_INPUT_BYTES: "100" };
  const { code, stderr } = await inProcess([
    "enqueue",
    "x",
    "--input",
    JSON.stringify({ text: "x".repeat(100) }),
  ], env);
  assert.equal(code, 2);
  assert.match(stderr, /111 bytes, more than 100 \(TASK_MAX_INPUT_BYTES\)/);
});

Deno.test("a bad configuration ends with 78 and all problems", async () => {
  await using home = await tempDir();
  await Deno.writeTextFile(join(home.path, "config.json"), `{"maxConcurent": 3, "logLevel": "loud"}`);
  const { code, stderr } = await inProcess(["status"], {
    ACTP_HOME: home.path,
    TASK_POLL_INTERVAL_SECONDS: "often",
  });
  assert.equal(code, 78);
  for (const name of ["maxConcurent", "logLevel", "taskPollSeconds"]) assert.match(stderr, new RegExp(name));
});

Deno.test("without a running worker the embedded database cannot be reached, and how to start one is said", async () => {
  await using home = await tempDir();
  for (
    const args of [["status"], ["stop"], ["tasks", "list"], ["enqueue", "x"], ["db", "status"], ["dashboard"]]
  ) {
    const { code, stderr } = await inProcess(args, { ACTP_HOME: home.path });
    assert.equal(code, 3, args.join(" "));
    assert.match(stderr, /is not running/);
  }
});

Deno.test("with --json errors are JSON too", async () => {
  await using home = await tempDir();
  const { stderr } = await inProcess(["status", "--json"], { ACTP_HOME: home.path });
  assert.equal(JSON.parse(stderr).error.code, 3);
});

Deno.test("an unreachable Postgres is a dependency that is down", async () => {
  await using home = await tempDir();
  const env = { ACTP_HOME: home.path, DATABASE_URL: "postgres://nobody:secret-word@127.0.0.1:1/none" };
  const { code, stderr } = await inProcess(["tasks", "list"], env);
  assert.equal(code, 69, stderr);
  assert.doesNotMatch(stderr, /secret-word/);
});

Deno.test("config show masks secrets and tells where values come from", async () => {
  await using home = await tempDir();
  const env = {
    ACTP_HOME: home.path,
    SUPABASE_URL: "https://x.example",
    SUPABASE_SERVICE_ROLE_KEY: "sb_secret_abcdefghijklmnop",
  };
  const { code, stdout } = await inProcess(["config", "show", "--origin", "--max-concurrent", "7"], env);
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /abcdefgh/);
  assert.match(stdout, /supabaseKey\s+••••mnop\s+environment SUPABASE_SERVICE_ROLE_KEY/);
  assert.match(stdout, /maxConcurrent\s+7\s+flag --max-concurrent/);
  assert.match(stdout, /leaseSeconds\s+60\s+default/);
});

Deno.test("db migrate --print prints every migration and needs no database", async () => {
  await using home = await tempDir();
  const { code, stdout } = await inProcess(["db", "migrate", "--print"], { ACTP_HOME: home.path });
  assert.equal(code, 0);
  assert.match(stdout, /create table if not exists public\.actp_workflow_tasks/);
  assert.match(stdout, /function public\.actp_claim_tasks/);
});

Deno.test("db migrate on Supabase without SUPABASE_DB_URL says both ways to do it", async () => {
  await using home = await tempDir();
  const env = {
    ACTP_HOME: home.path,
    SUPABASE_URL: "https://x.example",
    SUPABASE_SECRET_KEY: "sb_secret_abcdefgh",
  };
  const { code, stderr } = await inProcess(["db", "migrate"], env);
  assert.equal(code, 78);
  assert.match(stderr, /SUPABASE_DB_URL.*--print/);
});
