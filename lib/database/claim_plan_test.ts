import { ok } from "node:assert/strict";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { type SqlClient, sqlClient } from "./contract/sql_client.ts";
import { openPostgres } from "./postgres.ts";

/** The plans of the statements inside a claim, as the server logs them. */
async function claimPlans(client: SqlClient, worker: string): Promise<string[]> {
  client.notices.length = 0;
  await client.sql(`select public.actp_claim_tasks('${worker}', '{render,upload}', 3)`);
  return client.notices.filter((notice) => notice.includes("plan:"));
}

function assertIndexed(plans: readonly string[], what: string): void {
  const text = plans.join("\n");
  const scans = text.match(/Index (Only )?Scan using actp_workflow_tasks_claim/g) ?? [];
  ok(
    scans.length >= 2,
    `${what}: candidates and picks each read the claim index, found ${scans.length}:\n${text}`,
  );
  ok(
    text.includes("using actp_task_claims_check"),
    `${what}: the look for ended leases reads its index:\n${text}`,
  );
  ok(!/Seq Scan on (public\.)?actp_workflow_tasks/.test(text), `${what}: no sequential scan:\n${text}`);
}

Deno.test({
  name: "a claim reads its indexes and never the table, empty or full, with and without statistics",
  ...await needs("postgres"),
  async fn() {
    await using server = await startPostgres();
    const database = openPostgres(server.url);
    await database.migrate();
    await database.close();
    await using client = sqlClient(server.url);
    await client.sql(`load 'auto_explain'; set auto_explain.log_min_duration = 0;
      set auto_explain.log_nested_statements = on; set auto_explain.log_level = notice; set client_min_messages = notice`);
    // More than five times: then PostgreSQL may keep a plan for all arguments.
    for (let times = 0; times < 7; times++) assertIndexed(await claimPlans(client, "w"), "empty");
    await client.sql(`insert into public.actp_workflow_tasks (task_type, status, completed_at)
      select 'render', 'succeeded', now() from generate_series(1, 20000);
      insert into public.actp_workflow_tasks (task_type) select 'render' from generate_series(1, 2000)`);
    assertIndexed(await claimPlans(client, "w"), "full");
    await client.sql("analyze public.actp_workflow_tasks; discard plans");
    for (let times = 0; times < 7; times++) assertIndexed(await claimPlans(client, "w"), "full and analysed");
  },
});
