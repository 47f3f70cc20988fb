import assert from "node:assert/strict";
import postgres from "postgres";
import { needs } from "./requirements.ts";
import { startPostgres } from "./postgres_server.ts";
import { isAlive } from "./process_tree.ts";

const present = await needs("postgres");

Deno.test({
  name: "a server serves databases that are copies of a template, and nothing of it stays behind",
  ...present,
  fn: async () => {
    let pid, port;
    {
      await using server = await startPostgres({ settings: { timezone: "Asia/Tokyo" } });
      ({ pid, port } = server);
      const template = postgres(await server.createDatabase("template"), { max: 1 });
      await template`create table t as select 42 as n`;
      await template.end();
      const sql = postgres(await server.createDatabase(undefined, "template"), { max: 1 });
      assert.deepEqual([...await sql`select n, current_setting('timezone') as zone from t`], [{
        n: 42,
        zone: "Asia/Tokyo",
      }]);
      await sql.end();
    }
    assert.equal(await isAlive(pid), false);
    await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port }), Deno.errors.ConnectionRefused);
  },
});

Deno.test({
  name: "a crashed server recovers what was committed, on the same port",
  ...present,
  fn: async () => {
    await using server = await startPostgres({ fsync: true });
    const sql = postgres(server.url, { max: 1, onnotice: () => {} });
    await sql`create table t as select 1 as n`;
    const before = server.pid;
    await server.restart("immediate");
    assert.notEqual(server.pid, before);
    await sql`select 1`.catch(() => {});
    assert.equal((await sql`select n from t`)[0]!.n, 1);
    await sql.end();
    await server.stop();
    await server.stop();
  },
});

Deno.test({
  name: "a suspended server does not answer until it is resumed, and can be stopped while suspended",
  ...present,
  fn: async () => {
    await using server = await startPostgres();
    const sql = postgres(server.url, { max: 1 });
    await sql`select 1`;
    await server.pause();
    let answered = false;
    const query = sql`select 1`.then(() => answered = true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(answered, false);
    await server.resume();
    await query;
    await sql.end();
    await server.pause();
  },
});

Deno.test({
  name: "a server that cannot start says why",
  ...present,
  fn: async () => {
    await assert.rejects(
      startPostgres({ settings: { max_connections: "many" } }),
      /postgres ended at start: .*max_connections/s,
    );
  },
});
