/**
 * What a claim costs on an empty and a small table, and on one full of history: `deno run -P scripts/bench_claim.ts
 * [--settled 1000000] [--pending 100000] [--later 0] [--claims 300]`. Needs a PostgreSQL on this machine; starts its own.
 */
import { parseArgs } from "node:util";
import postgres from "postgres";
import { openPostgres } from "../lib/database/postgres.ts";
import { startPostgres } from "../lib/testing/postgres_server.ts";

const ROOM = 3;
const WARM_UP = 20;
const TYPES = ["render", "upload", "transcode"];

/** How many rows of each kind, and how many claims are timed. */
interface Sizes {
  readonly settled: number;
  readonly pending: number;
  /** Pending with a due time to come, at a high priority: they lie before the due ones. */
  readonly later: number;
  readonly claims: number;
}

const { values } = parseArgs({
  options: {
    settled: { type: "string", default: "1000000" },
    pending: { type: "string", default: "100000" },
    later: { type: "string", default: "0" },
    claims: { type: "string", default: "300" },
  },
});
const sizes = Object.fromEntries(
  Object.entries(values).map(([name, text]) => [name, count(name, text)]),
) as unknown as Sizes;

await using server = await startPostgres({ settings: { shared_buffers: "256MB", max_wal_size: "4GB" } });
const database = openPostgres(server.url);
await database.migrate();
print(`empty table, nothing to claim: ${(await timeClaims()).toFixed(2)} ms per claim`);
await fill({ settled: 0, pending: (sizes.claims + WARM_UP) * ROOM * 2, later: 0 });
const small = await timeClaims();
print(`small table, ${ROOM} tasks a claim: ${small.toFixed(2)} ms per claim`);
await fill(sizes);
const full = await timeClaims();
print(
  `${sizes.settled} settled, ${sizes.pending} pending, ${sizes.later} for later: ${
    full.toFixed(2)
  } ms per claim`,
);
print(`ratio ${(full / small).toFixed(2)}`);
await database.close();

/** The median, in ms, of a claim with room for a few tasks, after some to warm up. */
async function timeClaims(): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < sizes.claims + WARM_UP; n++) {
    const started = performance.now();
    await database.call("actp_claim_tasks", {
      p_worker_id: "bench",
      p_types: TYPES,
      p_room: ROOM,
      p_lease_seconds: 3600,
    });
    if (n >= WARM_UP) times.push(performance.now() - started);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

async function fill(sizes: Omit<Sizes, "claims">): Promise<void> {
  const sql = postgres(server.url, { max: 1 });
  const kind = (n: string) => `('{${TYPES.join(",")}}'::text[])[1 + ${n} % ${TYPES.length}]`;
  await sql.unsafe(`
    insert into public.actp_workflow_tasks (task_type, status, input_data, output_data, completed_at)
      select ${kind("n")}, 'succeeded', '{"url": "https://example.com/clip.mp4"}', '{"seconds": 12}', now()
      from generate_series(1, ${sizes.settled}) n;
    insert into public.actp_workflow_tasks (task_type, input_data, priority, run_at)
      select ${
    kind("n")
  }, '{"url": "https://example.com/clip.mp4"}', n % 5, now() from generate_series(1, ${sizes.pending}) n;
    insert into public.actp_workflow_tasks (task_type, priority, run_at)
      select ${
    kind("n")
  }, 9, now() + interval '1 day' + n * interval '1 second' from generate_series(1, ${sizes.later}) n;`);
  await sql.unsafe("vacuum analyze public.actp_workflow_tasks");
  await sql.end();
}

function count(name: string, text: string): number {
  if (!/^\d{1,8}$/.test(text)) throw new Error(`--${name} must be a whole number, not "${text}"`);
  return Number(text);
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
