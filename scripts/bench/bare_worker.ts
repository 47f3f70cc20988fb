/**
 * The ceiling of this machine: the least that claims and completes rows, on the same runtime and driver. No lease,
 * token, retry, wake-up, validation or journal.
 */
import process from "node:process";
import postgres from "postgres";
import { handler, inBatches, serve } from "./peers/host.mjs";

const BATCH = 500;
const sql = postgres(process.env.DATABASE_URL!, { max: 2, onnotice: () => {} });

async function work(ran: (key: number) => unknown): Promise<void> {
  for (;;) {
    const rows = await sql<{ id: string; input: { key: number } }[]>`
      update bare set state = 'claimed' where id in (
        select id from bare where state = 'pending' order by id limit ${BATCH} for update skip locked
      ) returning id, input`;
    if (rows.length === 0) return;
    for (const row of rows) ran(row.input.key);
    await sql`update bare set state = 'done' where id = any(${rows.map((row) => row.id)}::bigint[])`;
  }
}

await serve({
  setup: () =>
    sql.unsafe(`
      create table bare (id bigint generated always as identity primary key,
        state text not null default 'pending', input jsonb not null);
      create index on bare (id) where state = 'pending'`),
  bulk: (range: { count: number; batch: number }) =>
    inBatches(range, (keys: number[]) => {
      const inputs = JSON.stringify(keys.map((key) => ({ key })));
      return sql`insert into bare (input) select jsonb_array_elements(${inputs}::text::jsonb)`;
    }),
  work({ mode }: { mode: string }) {
    void work(handler(mode));
    return Promise.resolve();
  },
});
