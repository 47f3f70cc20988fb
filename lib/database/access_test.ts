import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { startPostgres } from "../testing/postgres_server.ts";
import { createSupabaseRoles, startPostgrest } from "../testing/postgrest.ts";
import { needs } from "../testing/requirements.ts";
import { type SqlClient, sqlClient } from "./contract/sql_client.ts";
import { openPostgres } from "./postgres.ts";

const OUR_TABLES =
  `from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm', 'p')`;
const OUR_FUNCTIONS = `from pg_proc p where p.pronamespace = 'public'::regnamespace`;

/** A database with Supabase's roles, which hand out privileges on whatever is made later; then our migrations. */
async function startMigrated() {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startPostgres());
  await createSupabaseRoles(server.url);
  const database = openPostgres(server.url);
  await database.migrate();
  await database.close();
  const client = cleanup.use(sqlClient(server.url));
  const owned = cleanup.move();
  return { server, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Runs the statement as another role, and takes back what it did. */
async function as(role: string, client: SqlClient, statement: string): Promise<Record<string, unknown>[]> {
  await client.sql(`begin; set local role ${role}`);
  try {
    return await client.sql(statement);
  } finally {
    await client.sql("rollback");
  }
}

Deno.test({
  name: "who may do what in the database",
  ...await needs("postgres", "postgrest"),
  async fn(test) {
    await using migrated = await startMigrated();
    const { client, server } = migrated;
    const { sql } = client;
    const functions = (await sql(`select p.oid::regprocedure::text as name ${OUR_FUNCTIONS} order by 1`))
      .map(({ name }) => String(name));
    const tables = (await sql(`select c.oid::regclass::text as name ${OUR_TABLES} order by 1`))
      .map(({ name }) => String(name));
    ok(functions.length >= 20 && tables.length >= 5);
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

    await step("every function pins its search path, and none is overloaded", async () => {
      deepEqual(
        await sql(
          `select p.proname ${OUR_FUNCTIONS} and 'search_path=""' <> all (coalesce(p.proconfig, '{}'))`,
        ),
        [],
      );
      deepEqual(await sql(`select p.proname ${OUR_FUNCTIONS} group by 1 having count(*) > 1`), []);
    });
    await step("every table has row-level security", async () => {
      deepEqual(await sql(`select c.relname ${OUR_TABLES} and not c.relrowsecurity`), []);
    });
    await step(
      "anon and authenticated may execute no function and touch no table; service_role may",
      async () => {
        for (
          const [role, may] of [["anon", false], ["authenticated", false], ["service_role", true]] as const
        ) {
          for (const name of functions) {
            const [row] = await sql(`select has_function_privilege('${role}', '${name}', 'execute') as may`);
            equal(row!.may, may, `${role} ${name}`);
          }
          for (const name of tables) {
            for (const privilege of ["select", "insert", "update", "delete"]) {
              const [row] = await sql(
                `select has_table_privilege('${role}', '${name}', '${privilege}') as may`,
              );
              equal(row!.may, may, `${role} ${privilege} ${name}`);
            }
          }
        }
      },
    );
    await step("the roles find it so", async () => {
      for (const role of ["anon", "authenticated"]) {
        const attempts = [
          "select * from public.actp_workflow_tasks",
          "select public.actp_list_tasks()",
          `select public.actp_enqueue_tasks('[]')`,
          "select * from supabase_migrations.schema_migrations",
        ];
        for (const attempt of attempts) {
          await rejects(as(role, client, attempt), { code: "42501" }, `${role}: ${attempt}`);
        }
      }
      deepEqual(await as("service_role", client, `select public.actp_enqueue_tasks('[]') as made`), [{
        made: [],
      }]);
      ok((await as("service_role", client, "select public.actp_database_status() as status"))[0]!.status);
    });
    await step(
      "a role that may only insert tasks can do so: waking the workers asks nothing more of it",
      async () => {
        await sql(`create role feeder nologin; grant insert on public.actp_workflow_tasks to feeder;
        create policy feed on public.actp_workflow_tasks for insert to feeder with check (true)`);
        await as("feeder", client, "insert into public.actp_workflow_tasks (task_type) values ('x')");
      },
    );
    await step("through PostgREST a browser's key reads and calls nothing", async () => {
      await using rest = await startPostgrest(server.url);
      const ask = async (path: string, key: string) => {
        const method = path.startsWith("rpc/") ? "POST" : "GET";
        const response = await fetch(`${rest.url}/rest/v1/${path}`, { method, headers: { apikey: key } });
        await response.body?.cancel();
        return response.status;
      };
      for (const table of tables) equal(await ask(table, rest.publishableKey), 401, table);
      for (const fn of ["actp_database_status", "actp_list_tasks", "actp_rescue_tasks"]) {
        equal(await ask(`rpc/${fn}`, rest.publishableKey), 401, fn);
        equal(await ask(`rpc/${fn}`, rest.secretKey), 200, fn);
      }
    });
  },
});
