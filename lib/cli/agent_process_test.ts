import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { enqueueGoal } from "../agent/goals.ts";
import { formatOrder, parseReport } from "../agent/protocol.ts";
import { systemClock } from "../clock.ts";
import { selfCommand } from "../daemon/self.ts";
import type { Database } from "../database/database.ts";
import { sqlClient } from "../database/contract/sql_client.ts";
import { serverDatabase } from "../testing/agent_databases.ts";
import { type AnthropicServer, anthropicServer, type Turn } from "../testing/anthropic_server.ts";
import { cliEnvironment } from "../testing/cli.ts";
import { TextLineStream } from "../testing/lines.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";

const MAIN = fileURLToPath(new URL("../testing/agent_main.ts", import.meta.url));
const AGENT = "test-agent";
const PATIENCE_MS = 30_000;

/** A process of ours with these arguments. */
function spawn(args: string[], env: Record<string, string>, home: string): Deno.ChildProcess {
  const self = selfCommand(args, { main: MAIN });
  return new Deno.Command(self.program, {
    args: self.args,
    env: cliEnvironment(home, env),
    clearEnv: true,
    cwd: home,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function environment(url: string, api: AnthropicServer): Record<string, string> {
  return { DATABASE_URL: url, ANTHROPIC_API_KEY: api.key, ANTHROPIC_BASE_URL: api.url, WORKER_ID: "w" };
}

/** An agent's process and what it reports. */
function startAgent(env: Record<string, string>, home: string) {
  const child = spawn(["agent", "run", AGENT], env, home);
  const reports: NonNullable<ReturnType<typeof parseReport>>[] = [];
  const stderr = new Response(child.stderr).text();
  const reading = (async () => {
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      const report = parseReport(line);
      ok(report, `this is no report: ${line}`);
      reports.push(report);
    }
  })();
  const input = child.stdin.getWriter();
  const of = (type: string) => reports.filter((report) => report.type === type);
  return {
    pid: child.pid,
    reports,
    of,
    order: (type: "drain" | "wake") => input.write(new TextEncoder().encode(formatOrder({ type }))),
    leave: () => input.close(),
    kill: (signal: Deno.Signal) => child.kill(signal),
    async ended() {
      const status = await child.status;
      await reading;
      await input.close().catch(() => {});
      return { ...status, stderr: await stderr };
    },
  };
}

async function eventually<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = systemClock.monotonic() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (systemClock.monotonic() > deadline) throw new Error(`this did not happen: ${what}`);
    await systemClock.sleep(20);
  }
}

async function add(database: Database, goal: string): Promise<string> {
  return (await enqueueGoal(database, { agent_type: AGENT, goal })).id;
}

function goalRow(
  database: Database,
  id: string,
): Promise<{ status: string; attempts: number; result: unknown }> {
  return database.call("actp_get_agent_task", { p_id: id });
}

const settled = (database: Database, id: string, status: string) =>
  eventually(`goal ${status}`, async () => (await goalRow(database, id)).status === status);

function call(name: string, input: unknown = {}): Turn {
  return { calls: [{ name, input }] };
}

Deno.test({
  name: "the process of an agent",
  ...await needs("postgres"),
  async fn(test) {
    await using subject = await serverDatabase();
    const { database, url } = subject;
    const step = (name: string, fn: (home: string) => Promise<void>) =>
      test.step({
        name,
        sanitizeOps: false,
        sanitizeResources: false,
        async fn() {
          await using folder = await tempDir();
          await fn(folder.path);
        },
      });

    await step("it runs goals, reports them, and ends well when it is drained", async (home) => {
      await using api = anthropicServer([call("echo", { text: "hi" }), { say: "reached" }]);
      const id = await add(database, "say hi");
      const agent = startAgent(environment(url, api), home);
      await settled(database, id, "succeeded");
      await agent.order("drain");
      const { code, stderr } = await agent.ended();
      deepEqual([code, stderr], [0, ""]);
      deepEqual(agent.of("ready").length, 1);
      match(JSON.stringify(agent.of("run_started")), /say hi/);
      match(JSON.stringify(agent.of("run_ended")), /"outcome":"end_turn"/);
      const told = agent.of("run_event").map((report) => report.type === "run_event" && report.event.kind);
      deepEqual(told, ["model_call", "tool_call", "tool_result", "text", "model_call"]);
      ok(agent.of("heartbeat").length >= 1);
    });

    await step("killed in the middle, its goal is done by its successor at once", async (home) => {
      await using api = anthropicServer((_, nth) => nth === 1 ? call("hang") : { say: "second try" });
      const id = await add(database, "survive");
      const killed = startAgent(environment(url, api), home);
      await eventually("it works", () => killed.of("run_started").length > 0 && api.requests.length > 0);
      killed.kill("SIGKILL");
      await killed.ended();
      equal((await goalRow(database, id)).status, "running");
      const successor = startAgent(environment(url, api), home);
      await settled(database, id, "succeeded");
      equal((await goalRow(database, id)).attempts, 2);
      await successor.order("drain");
      await successor.ended();
    });

    await step("when its supervisor is gone it gives its goal back and ends", async (home) => {
      await using api = anthropicServer(() => call("hang"));
      const id = await add(database, "wait");
      const agent = startAgent(environment(url, api), home);
      await eventually("it works", () => agent.of("run_started").length > 0 && api.requests.length > 0);
      await agent.leave();
      equal((await agent.ended()).code, 0);
      deepEqual(await goalRow(database, id).then(({ status, attempts }) => [status, attempts]), [
        "pending",
        0,
      ]);
      await database.call("actp_cancel_agent_task", { p_id: id });
    });

    await step("a signal to stop gives its goal back within a second or two", async (home) => {
      await using api = anthropicServer([{ hang: true }]);
      const id = await add(database, "wait");
      const agent = startAgent(environment(url, api), home);
      await eventually("it works", () => api.requests.length > 0);
      agent.kill("SIGTERM");
      equal((await agent.ended()).code, 0);
      equal((await goalRow(database, id)).status, "pending");
      await database.call("actp_cancel_agent_task", { p_id: id });
    });

    await step("a cancelled goal stops its run", async (home) => {
      await using api = anthropicServer([{ hang: true }]);
      const id = await add(database, "never mind");
      const agent = startAgent(environment(url, api), home);
      await eventually("it works", () => api.requests.length > 0);
      await database.call("actp_cancel_agent_task", { p_id: id });
      await agent.order("wake"); // as the supervisor passes the database's hint on
      await settled(database, id, "cancelled");
      await agent.order("drain");
      await agent.ended();
    });

    await step("what has been approved is done while it waits for goals, once", async (home) => {
      await using api = anthropicServer([call("post", { text: "hello" }), { say: "it waits" }]);
      const id = await add(database, "post hello");
      const agent = startAgent(environment(url, api), home);
      await settled(database, id, "succeeded");
      const [act] = await database.call<{ id: string }[]>("actp_list_acts", { p_status: "open" });
      await database.call("actp_decide_act", { p_id: act!.id, p_approve: true, p_by: "ann" });
      await agent.order("wake");
      const done = await eventually("it is done", async () => {
        const row = await database.call<{ status: string; result: unknown }>("actp_get_act", {
          p_id: act!.id,
        });
        return row.status === "done" ? row : undefined;
      });
      deepEqual(done.result, { posted: "hello" });
      await agent.order("drain");
      await agent.ended();
    });

    await step("it has given up what it does not need, and the key is nowhere to be found", async (home) => {
      const mischief = ["write_file", "read_file", "run_program", "read_key"];
      await using api = anthropicServer([
        { calls: mischief.map((name) => ({ name, input: {} })) },
        { say: "I tried" },
      ]);
      const id = await add(database, "misbehave");
      const agent = startAgent(environment(url, api), home);
      await settled(database, id, "succeeded");
      const { stdout } = await new Deno.Command("ps", { args: ["-ww", "-o", "args=", "-p", `${agent.pid}`] })
        .output();
      await agent.order("drain");
      await agent.ended();
      const results = api.requests[1]!.messages.at(-1)!.content as { content: string }[];
      for (const at of [0, 1, 2]) match(results[at]!.content, /Requires (write|read|run) access|NotCapable/);
      equal(results[3]!.content, "(unset)");
      await using client = sqlClient(url);
      const tables = ["actp_agent_runs", "actp_tool_call_log", "anthropic_cost_log", "actp_agent_tasks"];
      const rows = await Promise.all(tables.map((table) => client.sql(`select to_jsonb(t) from ${table} t`)));
      const everything = JSON.stringify([rows, agent.reports, new TextDecoder().decode(stdout)]);
      ok(everything.includes("misbehave") && !everything.includes(api.key));
    });

    await step("`agents run` shows what it says, does and costs", async (home) => {
      await using api = anthropicServer([
        { say: "First I look.\nThen", calls: [{ name: "echo", input: { text: "x" } }] },
        { status: 529 },
        { say: "It is done." },
      ]);
      const child = spawn(["agents", "run", AGENT, "do it"], environment(url, api), home);
      await child.stdin.close();
      const { code, stdout, stderr } = await child.output();
      const [said, did] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      deepEqual([code, said], [0, "First I look.\nThen\nIt is done.\n"]);
      match(did!, /→ echo \{"text":"x"\}/);
      match(did!, /← echo \(.*\) echo: x/);
      match(did!, /529.*asking again in/);
      match(did!, /claude-sonnet-5-5: \d+ tokens read \(\d+ cached\), 20 written, \$0\.0/);
      match(did!, /^end_turn: 2 model calls, \$0\.\d+, tools: echo \(run [0-9a-f-]{36}\)$/m);
    });

    await step(
      "with --json every event is a line, and a goal that was not reached is exit code 1",
      async (home) => {
        await using api = anthropicServer([{ refusal: "not that" }]);
        const child = spawn(["--json", "agents", "run", AGENT, "do harm"], environment(url, api), home);
        await child.stdin.close();
        const { code, stdout, stderr } = await child.output();
        equal(code, 1);
        const events = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
        deepEqual(events.map(({ type }) => type), ["model_call", "run_ended"]);
        deepEqual([events[1].stop, events[1].error], ["refusal", "the model refused: not that"]);
        match(new TextDecoder().decode(stderr), /The goal was not reached \(refusal\): the model refused/);
      },
    );

    await step("without a key it says so, with the code for a bad configuration", async (home) => {
      const child = spawn(["agents", "run", AGENT, "do it"], { DATABASE_URL: url }, home);
      await child.stdin.close();
      const { code, stderr } = await child.output();
      equal(code, 78);
      match(new TextDecoder().decode(stderr), /ANTHROPIC_API_KEY is not set/);
    });
  },
});
