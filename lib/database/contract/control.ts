/** What the control API asks beyond the queue itself: searches, figures, requests that are done once, what needs a person. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Database } from "../database.ts";
import { type Case, claim, claimNew, enqueue, get, settle, unique } from "./case.ts";

interface Page {
  readonly tasks: readonly { readonly id: string; readonly [column: string]: unknown }[];
  readonly next_cursor: string | null;
}

interface Begun {
  readonly state: string;
  readonly token?: string;
  readonly status?: number;
  readonly answer?: string;
}

function search(database: Database, args: Record<string, unknown>): Promise<Page> {
  return database.call<Page>("actp_search_tasks", args);
}

/** All pages of a search: a page may be short and yet not the last. */
async function ids(database: Database, args: Record<string, unknown>): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await search(database, { ...args, ...(cursor && { p_cursor: cursor }) });
    found.push(...page.tasks.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}

export const controlCases: Case[] = [
  {
    name:
      "a search finds tasks by state, type, text, worker and time, newest first, without what may be large",
    async run({ database }) {
      const type = unique("search");
      const worker = unique("w");
      const [first, second, third] = await enqueue(database, type, 3, { max_attempts: 1 });
      const [held] = await claim(database, worker, type);
      equal(held!.id, first);
      const p_types = [type];
      deepEqual(await ids(database, { p_types }), [third, second, first]);
      deepEqual(await ids(database, { p_types, p_status: ["claimed", "running"] }), [first]);
      deepEqual(await ids(database, { p_types, p_status: ["pending"] }), [third, second]);
      deepEqual(await ids(database, { p_worker: worker }), [first]);
      await settle(database, worker, held!, { outcome: "failed", error: `The Disk Is Full (${type})` });
      deepEqual(await ids(database, { p_status: ["failed", "timed_out"], p_types }), [first]);
      deepEqual(await ids(database, { p_types, p_status: [] }), []);
      deepEqual(await ids(database, { p_query: `disk is FULL (${type})` }), [first]);
      deepEqual(await ids(database, { p_query: type.toUpperCase() }), [third, second, first]);
      deepEqual(await ids(database, { p_query: second }), [second]);
      deepEqual(await ids(database, { p_query: second!.slice(0, 20), p_types }), [second]);
      deepEqual(await ids(database, { p_query: "100%_", p_types }), []);
      const soon = new Date(Date.now() + 3_600_000).toISOString();
      deepEqual((await ids(database, { p_types, p_until: soon })).length, 3);
      deepEqual(await ids(database, { p_types, p_since: soon }), []);
      const { tasks: [line] } = await search(database, { p_types, p_status: ["failed"] });
      const whole: Record<string, unknown> = { ...await get(database, first!) };
      for (const large of ["input_data", "output_data", "history"]) delete whole[large];
      deepEqual(line, whole);
    },
  },
  {
    name: "a search goes on from page to page, sees each task once, and refuses what is no cursor",
    async run({ database }) {
      const type = unique("pages");
      const made = await enqueue(database, type, 7);
      const args = { p_types: [type], p_limit: 3 };
      deepEqual((await search(database, args)).tasks.length, 3);
      deepEqual(await ids(database, args), made.toReversed());
      // Without any patience: page by page through however many others there are.
      deepEqual(await ids(database, { ...args, p_patience_ms: 0 }), made.toReversed());
      await rejects(search(database, { p_cursor: "x" }), { code: "PT400" });
      deepEqual(await search(database, { p_cursor: "0" }), { tasks: [], next_cursor: null });
    },
  },
  {
    name: "an execution's tasks are found without looking at others",
    async run({ database }) {
      const p_execution_id = crypto.randomUUID();
      const made = await enqueue(database, unique("type"), 2, { execution_id: p_execution_id });
      deepEqual(await ids(database, { p_execution_id }), made.toReversed());
    },
  },
  {
    name: "who waits for tasks is told which are settled or gone",
    async run({ database }) {
      const [pending] = await enqueue(database, unique("type"));
      const done = await claimNew(database, "w");
      await settle(database, "w", done, { outcome: "done" });
      const missing = crypto.randomUUID();
      const p_task_ids = [pending, done.id, missing];
      const settled = await database.call<string[]>("actp_settled_tasks", { p_task_ids });
      deepEqual(settled.toSorted(), [done.id, missing].toSorted());
    },
  },
  {
    name: "figures tell what is in the queue and what was settled, in buckets that are all there",
    async run({ database }) {
      const type = unique("stats");
      await enqueue(database, type, 3, { max_attempts: 1 });
      for (const outcome of ["done", "failed"]) {
        const [held] = await claim(database, "w", type);
        await settle(database, "w", held!, { outcome });
      }
      await claim(database, "w", type);
      interface Stats {
        readonly by_status: Record<string, number>;
        readonly by_type: readonly Record<string, unknown>[];
        readonly buckets: readonly { readonly at: string; readonly [figure: string]: unknown }[];
      }
      const stats = await database.call<Stats>("actp_task_stats", {});
      deepEqual(stats.by_type.find(({ task_type }) => task_type === type), {
        task_type: type,
        pending: 0,
        running: 1,
        succeeded: 1,
        failed: 1,
      });
      equal(Object.keys(stats.by_status).length, 7);
      ok(stats.by_status.claimed! >= 1 && stats.by_status.succeeded! >= 1);
      equal(stats.buckets.length, 60);
      const gaps = stats.buckets.slice(1).map(({ at }, n) =>
        Date.parse(at) - Date.parse(stats.buckets[n]!.at)
      );
      deepEqual(new Set(gaps), new Set([60_000]));
      const full = stats.buckets.filter(({ succeeded }) => Number(succeeded) > 0);
      ok(
        full.length > 0 &&
          full.some(({ run_ms_p50, wait_ms_p95 }) => run_ms_p50 !== null && wait_ms_p95 !== null),
      );
      deepEqual([stats.buckets[0]!.succeeded, stats.buckets[0]!.run_ms_p95], [0, null]);
      const day = await database.call<Stats>("actp_task_stats", {
        p_window_seconds: 86_400,
        p_bucket_seconds: 900,
      });
      equal(day.buckets.length, 96);
      await rejects(database.call("actp_task_stats", { p_window_seconds: 1 }), { code: "PT400" });
    },
  },
  {
    name: "a task's log is what its workers wrote and what its failed attempts left, oldest first",
    async run({ database }) {
      const task = await claimNew(database, "w");
      await database.call("actp_write_worker_logs", {
        p_worker_id: "w",
        p_rows: [
          {
            level: "info",
            service: "task",
            job_id: task.id,
            message: "begins",
            created_at: "2026-01-01T00:00:00Z",
          },
          {
            level: "warn",
            service: "task",
            job_id: task.id,
            message: "slow",
            created_at: "2026-01-01T00:00:01Z",
          },
          {
            level: "info",
            service: "task",
            job_id: null,
            message: "another's",
            created_at: "2026-01-01T00:00:02Z",
          },
        ],
      });
      await settle(database, "w", task, {
        outcome: "failed",
        error: "exit 1",
        log_tail: "line one\nline two",
      });
      const log = (more = {}) =>
        database.call<{ lines: string[] }>("actp_task_log", { p_task_id: task.id, ...more });
      deepEqual((await log()).lines, [
        "2026-01-01T00:00:00.000Z INFO begins",
        "2026-01-01T00:00:01.000Z WARN slow",
        "attempt 1: line one",
        "attempt 1: line two",
      ]);
      deepEqual((await log({ p_limit: 1 })).lines, ["attempt 1: line two"]);
      await rejects(database.call("actp_task_log", { p_task_id: crypto.randomUUID() }), { code: "PT404" });
    },
  },
  {
    name: "a request under a key is done once: then it is told again, for its own caller only",
    async run({ database }) {
      const p_key = unique("key");
      const begin = (p_digest = "d", more = {}) =>
        database.call<Begun>("actp_begin_request", { p_caller: "a", p_key, p_digest, ...more });
      const end = (token: string, more = {}) =>
        database.call<boolean>("actp_end_request", { p_caller: "a", p_key, p_token: token, ...more });
      const first = await begin();
      equal(first.state, "new");
      deepEqual(await begin(), { state: "in_progress" });
      deepEqual(await begin("other"), { state: "conflict" });
      equal((await begin("d", { p_caller: "b" })).state, "new");
      equal(await end(first.token!, { p_status: 201, p_answer: '{"id": 1}' }), true);
      deepEqual(await begin(), { state: "replay", status: 201, answer: '{"id": 1}' });
      equal(await end(first.token!), false, "what is kept is not given up");
      equal((await begin("d", { p_keep_seconds: -1 })).state, "new", "a day later it is another request");
    },
  },
  {
    name: "a request that was given up, or has died with its worker, may be done again",
    async run({ database }) {
      const p_key = unique("key");
      const begin = (more = {}) =>
        database.call<Begun>("actp_begin_request", { p_caller: "a", p_key, p_digest: "d", ...more });
      const end = (token: string, more = {}) =>
        database.call<boolean>("actp_end_request", { p_caller: "a", p_key, p_token: token, ...more });
      const first = await begin();
      equal(await end(first.token!), true);
      const second = await begin();
      equal(second.state, "new");
      const third = await begin({ p_patience_seconds: -1 });
      equal(third.state, "new");
      equal(await end(second.token!, { p_status: 200, p_answer: "late" }), false);
      equal(await end(third.token!, { p_status: 200, p_answer: "{}" }), true);
      deepEqual(await database.call("actp_prune_requests", { p_seconds: 3600 }), { deleted: 0 });
      for (const bad of ["", "x".repeat(201)]) {
        await rejects(begin({ p_key: bad }), { code: "PT400" });
      }
    },
  },
  {
    name: "an agent's runs are paged, told with their calls and costs, and are nobody else's",
    async run({ database }) {
      const agent_id = unique("agent");
      const runs: string[] = [];
      for (let n = 0; n < 3; n++) {
        const { id } = await database.call<{ id: string }>("actp_begin_agent_run", {
          p_run: { agent_id, goal: `goal ${n}` },
        });
        runs.unshift(id);
      }
      const p_run_id = runs[0];
      const { call_id } = await database.call<{ call_id: string }>("actp_begin_model_call", {
        p_call: { run_id: p_run_id, agent_id, model: "m", estimate_usd: 0.5 },
        p_limits: {},
      });
      await database.call("actp_end_model_call", {
        p_call_id: call_id,
        p_end: { status: "done", cost_usd: 0.25 },
      });
      await database.call("actp_log_tool_call", {
        p_call: {
          run_id: p_run_id,
          agent_id,
          tool_name: "t",
          tool_input: {},
          tool_result: "ok",
          success: true,
        },
      });
      const list = (more = {}) =>
        database.call<{ id: string }[]>("actp_list_agent_runs", { p_agent_id: agent_id, ...more });
      deepEqual((await list()).map(({ id }) => id), runs);
      deepEqual((await list({ p_limit: 2 })).map(({ id }) => id), runs.slice(0, 2));
      deepEqual((await list({ p_before: runs[1] })).map(({ id }) => id), runs.slice(2));
      interface Run {
        readonly cost_usd: number;
        readonly tool_calls: readonly { readonly tool_name: string }[];
        readonly model_calls: readonly { readonly model: string; readonly cost_usd: number }[];
      }
      const run = await database.call<Run>("actp_view_agent_run", { p_agent_id: agent_id, p_run_id });
      equal(run.cost_usd, 0.25);
      deepEqual(run.tool_calls.map(({ tool_name }) => tool_name), ["t"]);
      deepEqual(run.model_calls.map(({ model, cost_usd }) => [model, cost_usd]), [["m", 0.25]]);
      await rejects(database.call("actp_view_agent_run", { p_agent_id: "another", p_run_id }), {
        code: "PT404",
      });
      await rejects(list({ p_before: crypto.randomUUID() }), { code: "PT404" });
      interface Costs {
        readonly month_usd: number;
        readonly agents: Record<string, unknown>;
      }
      const costs = await database.call<Costs>("actp_agent_costs");
      deepEqual(costs.agents[agent_id], { day_usd: 0.25, month_usd: 0.25 });
      ok(costs.month_usd >= 0.25);
      interface History {
        readonly runs: readonly unknown[];
        readonly tools: readonly { readonly tool: string; readonly calls: number }[];
      }
      const history = await database.call<History>("actp_agent_history", { p_agent_id: agent_id });
      deepEqual([history.runs.length, history.tools.map(({ tool, calls }) => [tool, calls])], [3, [[
        "t",
        1,
      ]]]);
    },
  },
  {
    name: "what needs a person is counted: tasks that failed for good and were not retried since",
    async run({ database }) {
      interface Attention {
        readonly tasks: { readonly count: number; readonly newest: readonly { readonly id: string }[] };
        readonly notifications: { readonly count: number };
        readonly routines: readonly unknown[];
        readonly approvals: { readonly count: number };
      }
      const attention = () => database.call<Attention>("actp_attention", { p_limit: 100 });
      const task = await claimNew(database, "w", { max_attempts: 1 });
      await settle(database, "w", task, { outcome: "failed", error: "no" });
      const before = await attention();
      ok(before.tasks.newest.some(({ id }) => id === task.id));
      ok(before.notifications.count >= 0 && before.approvals.count >= 0 && Array.isArray(before.routines));
      await database.call("actp_retry_task", { p_task_id: task.id });
      ok(!(await attention()).tasks.newest.some(({ id }) => id === task.id));
    },
  },
];
