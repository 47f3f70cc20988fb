/**
 * What the control API's lists cost with a full database: `deno run -A scripts/bench_control.ts [--tasks 100000]
 * [--rounds 100] [--only embedded|postgres]`. Fills an embedded database and a PostgreSQL of its own, asks each list again
 * and again, and prints the median and the 99th percentile of whole answers, JSON included, and what an answer costs this
 * process in CPU time on average; all in ms. On a machine that is busy otherwise only the last one tells.
 */
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import postgres from "postgres";
import { controlApp, type ControlOptions } from "../lib/control/server.ts";
import type { Database } from "../lib/database/database.ts";
import { openEmbedded } from "../lib/database/embedded.ts";
import { openPostgres } from "../lib/database/postgres.ts";
import { startPostgres } from "../lib/testing/postgres_server.ts";
import { tempDir } from "../lib/testing/temp.ts";

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "100000" },
    rounds: { type: "string", default: "100" },
    only: { type: "string" },
  },
});
const TASKS = Number(values.tasks);
const ROUNDS = Number(values.rounds);
const TOKEN = "t".repeat(43);
const HEADERS = { host: "localhost", authorization: `Bearer ${TOKEN}` };
/** What issue and users expect of every list, in ms. */
const GOAL_MS = 50;

/** A day's work: most succeeded, some failed for good, some wait, a few run; and what goes with that. */
const FILL = `
insert into public.actp_workflow_tasks (task_type, status, input_data, output_data, error, created_at, run_at, claimed_at, started_at,
    completed_at, claimed_by, attempts, fence, idempotency_key)
  select ('{render,upload,transcode,research}'::text[])[1 + n % 4],
    case when n % 50 = 0 then 'failed' when n % 71 = 0 then 'timed_out' when n % 97 = 0 then 'cancelled' else 'succeeded' end,
    jsonb_build_object('url', 'https://example.com/clip.mp4', 'n', n, 'text', repeat('x', 200)), '{"seconds": 12}',
    case when n % 50 = 0 then 'the render failed: exit code ' || n % 7 end, at, at, at + interval '1 second', at + interval '1 second',
    at + interval '5 seconds' * (1 + n % 9), 'worker-' || n % 3, 1, 1, 'key-' || n
  from (select n, now() - interval '24 hours' * (${TASKS} - n) / ${TASKS} - interval '1 minute' as at from generate_series(1, ${TASKS}) n) s;
insert into public.actp_workflow_tasks (task_type, input_data, priority)
  select ('{render,upload}'::text[])[1 + n % 2], '{"url": "https://example.com/clip.mp4"}', n % 5 from generate_series(1, 2000) n;
insert into public.actp_workflow_tasks (task_type, status, claimed_by, claimed_at, attempts, fence)
  select 'render', 'running', 'worker-1', now(), 1, 1 from generate_series(1, 10);
insert into public.actp_task_claims (worker_id, check_at, task_ids)
  select 'worker-1', now() + interval '1 hour', array_agg(id) from public.actp_workflow_tasks where status = 'running';
insert into public.actp_task_attempts (task_id, fence, attempt, worker_id, started_at, ended_at, outcome, error, log_tail)
  select id, fence, 1, claimed_by, claimed_at, completed_at, case status when 'timed_out' then 'timed_out' else 'failed' end, error, 'a line'
  from public.actp_workflow_tasks where status in ('failed', 'timed_out');
insert into public.actp_task_counts (minute, worker_id, task_type, status, tasks)
  select date_trunc('minute', completed_at), claimed_by, task_type, status, count(*)
  from public.actp_workflow_tasks where completed_at is not null group by 1, 2, 3, 4;
insert into public.actp_worker_logs (worker_id, level, service, job_id, message, created_at)
  select 'worker-1', 'info', 'task', id::text, 'a line of its log', completed_at
  from public.actp_workflow_tasks where completed_at is not null and seq % 5 = 0;
insert into public.actp_worker_registrations (worker_id, hostname, capabilities)
  select 'worker-' || n, 'host', '{render,upload}' from generate_series(0, 2) n;
insert into public.actp_notifications (channel, kind, severity, title, body, status, expires_at, created_at)
  select 'telegram', 'task_failed', 'warning', 'A task failed', 'exit code 1', case when n % 100 = 0 then 'failed' else 'sent' end,
    now() + interval '1 day', now() - interval '10 seconds' * n from generate_series(1, 5000) n;
insert into public.actp_outward_acts (source, task_id, digest, kind, summary, status, expires_at, requested_at, closed_at)
  select 'workflow', gen_random_uuid(), md5(n::text), 'post', 'Post to X', case when n <= 20 then 'proposed' else 'done' end,
    now() + interval '1 day', now() - interval '1 minute' * n, now() from generate_series(1, 5000) n;
insert into public.actp_agent_runs (agent_id, agent_type, goal, status, started_at, completed_at, cost_usd)
  select 'content-agent', 'content-agent', 'write', 'succeeded', now() - interval '5 minutes' * n, now() - interval '4 minutes' * n, 0.01
  from generate_series(1, 5000) n;
insert into public.actp_tool_call_log (run_id, agent_id, tool_name, tool_input, tool_result, duration_ms, success, called_at)
  select r.id, r.agent_id, 'tool_' || n, '{}', 'ok', 10, true, r.started_at
  from public.actp_agent_runs r cross join generate_series(1, 5) n;
insert into public.anthropic_cost_log (model, input_tokens, output_tokens, cost_usd, agent_id, run_id, called_at)
  select 'm', 100, 100, 0.001, r.agent_id, r.id, r.started_at from public.actp_agent_runs r cross join generate_series(1, 5) n;
insert into public.actp_disputes (task_id, task_type, reason, opened_by, opened_at, vote_deadline)
  select gen_random_uuid(), 'render', 'silent', 'ann', now() - interval '1 minute' * n, now() + interval '1 day' from generate_series(1, 5000) n;
`;

const PATHS = [
  "/tasks",
  "/tasks?limit=500",
  "/tasks?status=failed",
  "/tasks?status=pending",
  "/tasks?status=running",
  "/tasks?status=cancelled&limit=500",
  "/tasks?dead=true&limit=500",
  "/tasks?type=transcode",
  "/tasks?type=nothing_of_it",
  "/tasks?q=exit%20code%203",
  "/tasks?q=nowhere%20to%20be%20found",
  "/tasks?worker=worker-2",
  "/tasks?since=SINCE&until=UNTIL",
  "/tasks?status=succeeded&until=UNTIL",
  "/tasks/stats?window=hour",
  "/tasks/stats?window=day",
  "/workers",
  "/queues",
  "/approvals",
  "/approvals?status=all&limit=500",
  "/disputes",
  "/disputes?limit=500",
  "/scheduler/jobs",
  "/scheduler/history",
  "/notifications",
  "/notifications?status=failed",
  "/alerts",
  "/agents",
  "/agents/content/runs",
  "/agents/content",
];

const opened: [string, () => Promise<[Database, () => Promise<void>]>][] = [
  ["embedded", embedded],
  ["postgres", postgresql],
];
for (const [name, open] of opened.filter(([name]) => !values.only || values.only === name)) {
  const [database, close] = await open();
  print(`${name}, ${TASKS} tasks:`);
  await measure(database);
  await close();
}

async function embedded(): Promise<[Database, () => Promise<void>]> {
  const dir = await tempDir();
  const folder = join(dir.path, "db");
  const first = await openEmbedded(folder);
  await first.migrate();
  await first.close();
  const raw = await PGlite.create({ dataDir: join(folder, "data") });
  await raw.exec(FILL);
  await raw.close();
  const database = await openEmbedded(folder);
  return [database, async () => {
    await database.close();
    await dir[Symbol.asyncDispose]();
  }];
}

async function postgresql(): Promise<[Database, () => Promise<void>]> {
  const server = await startPostgres();
  const database = openPostgres(server.url);
  await database.migrate();
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  await sql.unsafe(FILL);
  await sql.end();
  return [database, async () => {
    await database.close();
    await server[Symbol.asyncDispose]();
  }];
}

async function measure(database: Database): Promise<void> {
  let now = Date.now();
  const options = {
    worker: { status: () => Promise.resolve({ overall_reasons: [] }), wake() {} },
    agents: { status: () => [], statusOf: () => ({ agent_id: "content-agent" }) },
    database,
    embedded: false,
    token: TOKEN,
    // Each request in a second of its own: nothing is answered from a cache, and no rate is limited.
    clock: { now: () => now, monotonic: () => now, sleep: () => Promise.resolve() },
  } as unknown as ControlOptions;
  const app = controlApp(options, () => 80);
  const hoursAgo = (hours: number) => new Date(now - hours * 3_600_000).toISOString();
  for (const path of PATHS) {
    const url = path.replace("SINCE", hoursAgo(13)).replace("UNTIL", hoursAgo(12));
    const times: number[] = [];
    let before = process.cpuUsage();
    for (let n = 0; n < ROUNDS + 5; n++) {
      now += 10_000;
      if (n === 5) before = process.cpuUsage();
      const began = performance.now();
      const response = await app.request(url, { headers: HEADERS });
      const body = await response.text();
      if (response.status !== 200) throw new Error(`${url}: ${response.status} ${body.slice(0, 300)}`);
      if (n >= 5) times.push(performance.now() - began);
    }
    const { user, system } = process.cpuUsage(before);
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
    const mark = at(0.99) > GOAL_MS ? "  more than 50" : "";
    const figures = [at(0.5), at(0.99), (user + system) / 1000 / ROUNDS];
    print(`  ${path.padEnd(40)} ${figures.map((ms) => ms.toFixed(1).padStart(7)).join(" ")}${mark}`);
  }
}

function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
