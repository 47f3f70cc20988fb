import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { startPostgres } from "./postgres_server.ts";
import { createSupabaseRoles, startPostgrest } from "./postgrest.ts";
import { needs } from "./requirements.ts";

const client = (url: string, key: string) =>
  createClient(url, key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });

async function execute(url: string, statements: string): Promise<void> {
  const sql = postgres(url, { max: 1 });
  await sql.unsafe(statements);
  await sql.end();
}

Deno.test({
  name: "PostgREST behind its gateway",
  ...await needs("postgres", "postgrest"),
  fn: async (t) => {
    await using server = await startPostgres();
    const database = await server.createDatabase();
    await createSupabaseRoles(database);
    await execute(
      database,
      `create table secrets (word text); alter table secrets enable row level security;
       insert into secrets values ('swordfish');
       create function read_secrets() returns jsonb language sql as 'select jsonb_agg(word) from secrets';
       create function whoami() returns text language sql as 'select current_user::text';
       revoke execute on function whoami from public, anon;`,
    );
    await using rest = await startPostgrest(database);
    const service = client(rest.url, rest.secretKey);
    const anon = client(rest.url, rest.publishableKey);

    await t.step("the secret key acts as service_role, past row-level security", async () => {
      assert.equal((await service.rpc("whoami")).data, "service_role");
      assert.deepEqual((await service.rpc("read_secrets")).data, ["swordfish"]);
    });

    await t.step("the publishable key acts as anon, which sees and may do less", async () => {
      assert.equal((await anon.rpc("read_secrets")).data, null);
      const { error, status } = await anon.rpc("whoami");
      assert.deepEqual([error?.code, status], ["42501", 401]);
    });

    await t.step("another key is refused in Supabase's form", async () => {
      const { error, status } = await client(rest.url, "sb_secret_wrong").rpc("whoami");
      assert.deepEqual([error?.message, status], ["Invalid API key", 401]);
    });

    await t.step("a new function is known after the schema was reloaded", async () => {
      await execute(database, "create function added(n int) returns int language sql as 'select n + 1'");
      assert.equal((await service.rpc("added", { n: 1 })).error?.code, "PGRST202");
      await rest.reloadSchema();
      assert.equal((await service.rpc("added", { n: 1 })).data, 2);
    });

    await t.step("each fault shows, and ends", async () => {
      await rest.setFault("refuse");
      assert.equal((await service.rpc("whoami")).status, 0);
      await rest.setFault("empty404");
      const empty = await service.rpc("whoami");
      assert.deepEqual([empty.status, empty.data], [204, null]);
      await rest.setFault("500");
      assert.equal((await service.rpc("whoami")).status, 500);
      await rest.setFault("hang");
      assert.match(
        (await service.rpc("whoami").abortSignal(AbortSignal.timeout(50))).error!.message,
        /Timeout/,
      );
      await rest.setFault(undefined);
      assert.equal((await service.rpc("whoami")).data, "service_role");
    });

    await t.step("a hanging request does not keep it from being disposed of", async () => {
      await rest.setFault("hang");
      const hanging = service.rpc("whoami").then(({ status }) => status);
      await rest[Symbol.asyncDispose]();
      assert.equal(await hanging, 0);
    });
  },
});

Deno.test({
  name: "roles may be created again and by several databases at once",
  ...await needs("postgres"),
  fn: async () => {
    await using server = await startPostgres();
    const databases = await Promise.all([1, 2, 3, 4].map(() => server.createDatabase()));
    await Promise.all(databases.map(createSupabaseRoles));
    await Promise.all(databases.map(createSupabaseRoles));
  },
});

Deno.test({
  name: "a PostgREST is not started without its database",
  ...await needs("postgrest"),
  fn: async () => {
    await assert.rejects(startPostgrest("postgres://postgres@127.0.0.1:1/none"), /ECONNREFUSED/);
  },
});
