import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { claim, get, type TaskRow } from "./contract/case.ts";
import { type SqlClient, sqlClient } from "./contract/sql_client.ts";
import { openEmbedded } from "./embedded.ts";
import { migrationPrintout, pendingMigrations } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";
import { openPostgres, type PostgresDatabase } from "./postgres.ts";

const ALL = MIGRATIONS.map(({ version }) => version);
const migrateAll = async (database: PostgresDatabase) =>
  (await database.migrate()).map(({ version }) => version);

/** The existing deployment's tables: no `cancelled`, none of our columns, rows of its own workers. */
const OLD_DEPLOYMENT = `
create table public.actp_workflow_tasks (
  id uuid primary key default gen_random_uuid(), execution_id uuid, step_id uuid, task_type text, status text,
  input_data jsonb not null, output_data jsonb, claimed_by text, claimed_at timestamptz, completed_at timestamptz,
  timeout_minutes int default 30, error text, created_at timestamptz default now(),
  constraint old_status check (status in ('pending', 'claimed', 'running', 'succeeded', 'failed', 'timed_out'))
);
create index old_pending on public.actp_workflow_tasks (task_type, status, created_at) where status = 'pending';
create table public.actp_worker_registrations (
  id uuid primary key default gen_random_uuid(), worker_id text unique not null, hostname text,
  capabilities text[] not null, max_concurrent integer default 3, status text default 'online', version text,
  system_info jsonb, registered_at timestamptz default now(), last_heartbeat timestamptz default now()
);
insert into public.actp_workflow_tasks (id, task_type, status, input_data, claimed_by, created_at) values
  ('00000000-0000-4000-8000-000000000001', 'old', 'pending', '{"n": 1}', null, '2025-01-01'),
  ('00000000-0000-4000-8000-000000000002', 'old', 'running', '{"n": 2}', 'python-worker', null),
  ('00000000-0000-4000-8000-000000000003', 'old', 'succeeded', '{"n": 3}', 'python-worker', '2025-01-02');
insert into public.actp_worker_registrations (worker_id, capabilities) values ('python-worker', '{old}');`;

/** Runs on an empty database of a server that the whole file shares. */
Deno.test({
  name: "migrations of a PostgreSQL database",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    const step = (name: string, run: (url: string, client: SqlClient) => Promise<void>) =>
      test.step({
        name,
        async fn() {
          const url = await server.createDatabase();
          await using client = sqlClient(url);
          await run(url, client);
        },
        sanitizeOps: false,
        sanitizeResources: false,
      });
    const opened = async (url: string, use: (database: PostgresDatabase) => Promise<void>) => {
      const database = openPostgres(url);
      try {
        await use(database);
      } finally {
        await database.close();
      }
    };

    await step("a new database gets all, and the second time none", (url) =>
      opened(url, async (database) => {
        deepEqual(await migrateAll(database), ALL);
        deepEqual(await migrateAll(database), []);
      }));
    await step("of workers that start together, one migrates", async (url) => {
      const databases = Array.from({ length: 4 }, () => openPostgres(url));
      const applied = await Promise.all(databases.map(migrateAll));
      deepEqual(applied.flat(), ALL);
      await Promise.all(databases.map((database) => database.close()));
    });
    await step(
      "an existing deployment keeps its rows, and its tasks can be claimed and cancelled",
      async (url, { sql }) => {
        await sql(OLD_DEPLOYMENT);
        const rows =
          `select id, task_type, status, input_data, claimed_by from public.actp_workflow_tasks order by id`;
        const before = await sql(rows);
        await opened(url, async (database) => {
          deepEqual(await migrateAll(database), ALL);
          deepEqual(await sql(rows), before);
          const { tasks } = await database.call<{ tasks: TaskRow[] }>("actp_list_tasks", {
            p_types: ["old"],
          });
          equal(tasks.length, 3);
          deepEqual(
            await database.call("actp_rescue_tasks"),
            [],
            "a task of the old workers has no lease to run out",
          );
          const id = String(before[0]!.id);
          const [task] = await claim(database, "w", "old", 9);
          deepEqual([task!.id, task!.input_data], [id, { n: 1 }]);
          await database.call("actp_cancel_task", { p_task_id: id });
          await database.call("actp_rescue_tasks", { p_held_by: "w" });
          equal((await get(database, id)).status, "cancelled");
          await sql(
            `insert into public.actp_workflow_tasks (task_type, status, input_data) values ('old', 'pending', '{}')`,
          );
          equal((await claim(database, "w", "old", 9)).length, 1);
          await rejects(sql("update public.actp_workflow_tasks set status = 'nonsense'"), { code: "23514" });
        });
      },
    );
    await step(
      "the printout brings everything as one script, may be run again, and is known to the program",
      async (
        url,
        { sql },
      ) => {
        await sql(OLD_DEPLOYMENT);
        await sql(migrationPrintout());
        await sql(migrationPrintout());
        await opened(url, async (database) => {
          deepEqual(await migrateAll(database), []);
          equal((await claim(database, "w", "old")).length, 1);
        });
      },
    );
    await step("a migration that fails leaves nothing behind, and says why", async (url, { sql }) => {
      await sql("create view public.actp_workflow_tasks as select 1 as id");
      await opened(url, async (database) => {
        await rejects(database.migrate(), { name: "DatabaseError", transient: false, code: "42809" });
      });
      deepEqual(await sql("select 1 from pg_namespace where nspname = 'supabase_migrations'"), []);
    });
    await step(
      "a schema that is newer than the program shows in the status, and is left alone",
      async (url, { sql }) => {
        await opened(url, async (database) => {
          await database.migrate();
          await sql(`insert into supabase_migrations.schema_migrations (version, name) values
          ('29990101000000', 'actp_of_the_future'), ('29990101000001', 'somebody_elses')`);
          deepEqual(await migrateAll(database), []);
          const { migrations } = await database.call<{ migrations: string[] }>("actp_database_status");
          deepEqual(migrations, [...ALL, "29990101000000"]);
        });
      },
    );
  },
});

Deno.test("the embedded database migrates once, whoever else asks at the same time", async () => {
  await using folder = await tempDir();
  const database = await openEmbedded(join(folder.path, "db"));
  try {
    const applied = await Promise.all([migrateAll(database), migrateAll(database)]);
    deepEqual(applied.flat(), ALL);
  } finally {
    await database.close();
  }
});

Deno.test("migrations are in order, named for us, and those applied are not pending", () => {
  deepEqual(ALL, ALL.toSorted());
  equal(new Set(ALL).size, ALL.length);
  for (const { version, name } of MIGRATIONS) {
    equal(/^\d{14}$/.test(version) && /^actp_[a-z_]+$/.test(name), true, name);
  }
  deepEqual(pendingMigrations(new Set(ALL.slice(0, -1))).map(({ version }) => version), ALL.slice(-1));
});

Deno.test("a migration's file is named as `supabase db push` would record it", async () => {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(new URL("migrations", import.meta.url))) files.push(name);
  deepEqual(files.toSorted(), MIGRATIONS.map(({ version, name }) => `${version}_${name}.sql`));
});
