import assert from "node:assert/strict";
import { sqlClient } from "../database/contract/sql_client.ts";
import { openPostgres } from "../database/postgres.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { AgentRegistry } from "./registry.ts";

function agent(agent_id: string) {
  return { agent_id, name: agent_id.toUpperCase(), entry_point: "program" };
}

Deno.test({
  name: "the registry of agents",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    const database = openPostgres(server.url);
    await database.migrate();
    await using client = sqlClient(server.url);
    const { sql } = client;
    const one = new AgentRegistry(database, "one", "host-1");
    const two = new AgentRegistry(database, "two", "host-2");
    const row = async (id: string) =>
      (await sql(`select * from public.actp_agent_registry where agent_id = '${id}'`))[0]!;
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

    await step("all agents are registered at once, and again without harm", async () => {
      assert.deepEqual(await one.registerAll([agent("b"), agent("a")]), []);
      assert.deepEqual(await one.registerAll([agent("a"), agent("b")]), []);
      const { worker_id, hostname, name, status } = await row("a");
      assert.deepEqual([worker_id, hostname, name, status], ["one", "host-1", "A", "stopped"]);
    });

    await step("a status is kept with its reason, and an unknown one is refused", async () => {
      assert.equal(await one.setStatus("a", "running"), true);
      assert.equal(await one.setStatus("b", "backing off", "exited with status 1"), true);
      assert.equal((await row("b")).status_reason, "exited with status 1");
      assert.equal(await two.setStatus("a", "stopped"), false);
      assert.equal((await row("a")).status, "running");
      await assert.rejects(one.setStatus("a", "asleep" as "running"), /is none of an agent/);
    });

    await step(
      "an agent that runs on one worker is not given to another, until it is stopped or silent",
      async () => {
        assert.deepEqual(await two.registerAll([agent("a"), agent("c")]), [{
          agent_id: "a",
          held_by: "one",
        }]);
        await sql(
          `update public.actp_agent_registry set last_seen = now() - interval '91 seconds' where agent_id = 'a'`,
        );
        assert.deepEqual(await two.registerAll([agent("a")]), []);
        assert.deepEqual(await one.heartbeat([{ agent_id: "a", status: "running", alive: true }]), [
          { agent_id: "a", held_by: "two" },
        ]);
        assert.equal((await row("a")).worker_id, "two");
        assert.equal(await two.setStatus("a", "stopped"), true);
        assert.deepEqual(await one.registerAll([agent("a")]), []);
      },
    );

    await step("a heartbeat tells the health, and when the agent itself was last heard of", async () => {
      await one.setStatus("a", "running");
      await one.heartbeat([{ agent_id: "a", status: "running", alive: true, health: { status: "healthy" } }]);
      const heard = await row("a");
      assert.deepEqual(heard.health, { status: "healthy" });
      await one.heartbeat([{ agent_id: "a", status: "running", alive: false }]);
      const silent = await row("a");
      assert.deepEqual(silent.last_heartbeat, heard.last_heartbeat);
      assert.deepEqual(silent.health, { status: "healthy" });
    });

    await step("agents that have not been heard of are found", async () => {
      assert.deepEqual(await database.call("actp_stale_agents", { p_seconds: 90 }), []);
      await sql(
        `update public.actp_agent_registry set last_heartbeat = now() - interval '2 minutes' where agent_id = 'a'`,
      );
      const stale = await database.call<{ agent_id: string }[]>("actp_stale_agents");
      assert.deepEqual(stale.map(({ agent_id }) => agent_id), ["a"]);
    });

    await step(
      "a restart is asked for by anybody, and taken once, by the worker that runs the agent",
      async () => {
        const ask = (p_agent_id: string) =>
          database.call<boolean>("actp_set_agent_needs_restart", { p_agent_id, p_reason: "unhealthy" });
        assert.deepEqual([await ask("a"), await ask("nobody")], [true, false]);
        assert.deepEqual(await two.takeRestartRequests(), []);
        assert.deepEqual(await one.takeRestartRequests(), [{ agent_id: "a", reason: "unhealthy" }]);
        assert.deepEqual(await one.takeRestartRequests(), []);
      },
    );

    await step("crashes of 24 hours are remembered across restarts, each once", async () => {
      const crash = { id: crypto.randomUUID(), agentId: "a", reason: "exited", ranMs: 1500, ageMs: 60_000 };
      await one.recordCrash(crash);
      await one.recordCrash(crash);
      await one.recordCrash({ ...crash, id: crypto.randomUUID(), ageMs: 25 * 3_600_000 });
      const { a, never } = await one.past(["a", "never"]);
      assert.equal(a!.crash_ages.length, 1);
      assert.ok(Math.abs(a!.crash_ages[0]! - 60) < 30);
      assert.deepEqual(never, { crash_ages: [], cleared_age: null, last_run_at: null });
      await one.clearCrashes("a");
      assert.ok((await one.past(["a"])).a!.cleared_age! < 30);
    });

    await step(
      "the list tells crashes and the last run, and which agents' worker has fallen silent",
      async () => {
        await sql(
          `insert into public.actp_agent_runs (agent_id, goal, status, started_at) values ('a', 'g', 'succeeded', '2026-01-02')`,
        );
        await sql(
          `update public.actp_agent_registry set last_seen = now() - interval '2 minutes' where agent_id = 'b'`,
        );
        const list = await database.call<Record<string, unknown>[]>("actp_list_agents");
        assert.deepEqual(list.map(({ agent_id, status, crashes_24h }) => [agent_id, status, crashes_24h]), [
          ["a", "running", 1],
          ["b", "stale", 0],
          ["c", "stopped", 0],
        ]);
        assert.match(String(list[0]!.last_run_at), /^2026-01-02/);
      },
    );

    await step("the history has runs, crashes and what the tools did", async () => {
      const [{ id }] = await sql(
        `insert into public.actp_agent_runs (agent_id, goal, started_at) values ('a', 'h', now()) returning id`,
      ) as [
        { id: string },
      ];
      await sql(`insert into public.actp_tool_call_log (run_id, tool_name, duration_ms, success)
        values ('${id}', 'search', 10, true), ('${id}', 'search', 30, false)`);
      const history = await database.call<Record<string, Record<string, unknown>[]>>("actp_agent_history", {
        p_agent_id: "a",
      });
      assert.deepEqual(history.runs!.map(({ goal }) => goal), ["h", "g"]);
      assert.equal(history.crashes![0]!.reason, "exited");
      assert.deepEqual(history.tools, [{ tool: "search", calls: 2, failed: 1, average_ms: 20 }]);
    });

    await step("goals that a process has left are given back", async () => {
      const enqueue = { p_task: { agent_type: "a", goal: "g" } };
      await database.call("actp_enqueue_agent_task", enqueue);
      const [goal] = await database.call<{ id: string }[]>("actp_claim_agent_task", {
        p_agent_type: "a",
        p_holder: "one/a/123",
      });
      assert.equal(await two.releaseGoals("a"), 0);
      assert.equal(await one.releaseGoals("a"), 1);
      const { status } = await database.call<{ status: string }>("actp_get_agent_task", { p_id: goal!.id });
      assert.equal(status, "pending");
    });

    await step("a worker that stops leaves its agents stopped and free", async () => {
      assert.equal(await one.deregisterAll(), 2);
      const { status, worker_id } = await row("a");
      assert.deepEqual([status, worker_id], ["stopped", null]);
      assert.equal((await row("c")).worker_id, "two");
      assert.deepEqual(await two.registerAll([agent("a"), agent("b")]), []);
    });

    await step("an existing deployment's registry keeps its rows", async () => {
      const url = await server.createDatabase();
      await using old = sqlClient(url);
      await old.sql(
        `create table public.actp_agent_registry (id uuid primary key default gen_random_uuid(), agent_id text unique,
        name text, entry_point text, capabilities jsonb, health_url text, status text, registered_at timestamptz, last_seen timestamptz,
        needs_restart bool, last_heartbeat timestamptz, health jsonb)`,
      );
      await old.sql(`insert into public.actp_agent_registry (agent_id, status) values ('a', 'running')`);
      const existing = openPostgres(url);
      await existing.migrate();
      assert.deepEqual(await new AgentRegistry(existing, "one", "h").registerAll([agent("a")]), []);
      await existing.close();
    });
    await database.close();
  },
});
