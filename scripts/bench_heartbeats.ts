/**
 * What the heartbeat actions' looks cost on a large table: `deno run -P scripts/bench_heartbeats.ts [--pending 1000000]
 * [--settled 1000000]`. Needs a PostgreSQL on this machine; starts its own.
 */
import { parseArgs } from "node:util";
import postgres from "postgres";
import { openPostgres } from "../lib/database/postgres.ts";
import { startPostgres } from "../lib/testing/postgres_server.ts";

const { values } = parseArgs({
  options: {
    pending: { type: "string", default: "1000000" },
    settled: { type: "string", default: "1000000" },
  },
});
const pending = count("pending", values.pending);
const settled = count("settled", values.settled);
const TYPES = ["render", "upload", "transcode"];

await using server = await startPostgres({ settings: { max_wal_size: "4GB" } });
const database = openPostgres(server.url);
await database.migrate();
await fill();
print(`${pending} pending, ${settled} settled tasks; server with 16 MB of shared buffers`);

const first = await timed("task-scan, the first: all are new", () => scan({}));
await timed("task-scan, nothing new", () => scan(first.seen));
await timed(
  "task-scan, the first, with a reward that 10 tasks pay",
  () => scan({}, { p_min_reward: "1000" }),
);
const sql = postgres(server.url, { max: 1 });
await sql.unsafe(
  `insert into public.actp_workflow_tasks (task_type) select 'render' from generate_series(1, 1000)`,
);
const second = await timed("task-scan, 1000 new", () => scan(first.seen));
if (second.count !== 1000) throw new Error(`the scan found ${second.count} tasks, not 1000`);
await timed("portfolio-monitor", () => database.call("actp_portfolio", {}, { timeoutMs: 120_000 }));
await timed("daily-summary", () => database.call("actp_activity_summary", {}, { timeoutMs: 120_000 }));
await sql.end();
await database.close();

function scan(seen: unknown, more: Record<string, unknown> = {}) {
  const args = { p_types: TYPES, p_seen: seen, ...more };
  return database.call<{ count: number; seen: unknown }>("actp_scan_tasks", args, { timeoutMs: 120_000 });
}

/** The slowest of five, since the worst is what has a limit. */
async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const times: number[] = [];
  let result!: T;
  for (let n = 0; n < 5; n++) {
    const started = performance.now();
    result = await work();
    times.push(performance.now() - started);
  }
  const [fastest, slowest] = [Math.min(...times), Math.max(...times)].map((ms) => `${ms.toFixed(0)} ms`);
  print(`${name}: ${fastest} to ${slowest}`);
  return result;
}

async function fill(): Promise<void> {
  const sql = postgres(server.url, { max: 1 });
  const type = `('{${TYPES.join(",")}}'::text[])[1 + n % ${TYPES.length}]`;
  await sql.unsafe(`
    insert into public.actp_workflow_tasks
      (task_type, status, input_data, output_data, claimed_at, completed_at, reward, currency)
    select ${type}, 'succeeded', '{"url": "https://example.com/clip.mp4"}', '{"seconds": 12}',
      now() - interval '1 minute' * (n % 100000) - interval '10 seconds', now() - interval '1 minute' * (n % 100000),
      case when n % 2 = 0 then 0.5 end, 'USD'
    from generate_series(1, ${settled}) n;
    insert into public.actp_workflow_tasks (task_type, input_data, priority, reward, currency, deadline, run_at)
    select ${type}, '{"url": "https://example.com/clip.mp4"}', n % 5, case when n % (${pending} / 10) = 0 then 1000 else 1 end,
      'USD', now() + interval '1 day' + n * interval '1 second', now() - n * interval '1 millisecond'
    from generate_series(1, ${pending}) n;`);
  await sql.unsafe("vacuum analyze public.actp_workflow_tasks");
  await sql.end();
}

function count(name: string, text: string): number {
  if (!/^\d{2,8}$/.test(text)) {
    throw new Error(`--${name} must be a whole number of at least 10, not "${text}"`);
  }
  return Number(text);
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
