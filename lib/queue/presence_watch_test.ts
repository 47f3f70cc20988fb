import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { openPostgres } from "../database/postgres.ts";
import { sqlClient } from "../database/contract/sql_client.ts";
import { systemClock } from "../clock.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { presence } from "./presence.ts";
import { compare, neighbourOf, type RingWorker } from "./presence_watch.ts";

const worker = (id: string, present = true, pid = 1): RingWorker => ({ id, slot: 1, pid, present });

Deno.test("a worker waits for the next one, the last for the first, and nobody for itself", () => {
  const ring = ["c", "a", "b"].map((id) => worker(id));
  const waits = ["a", "b", "c", "bb", "z"].map((id) => neighbourOf(id, ring)?.id);
  assert.deepEqual(waits, ["b", "c", "a", "c", "a"]);
  assert.equal(neighbourOf("a", [worker("a")]), undefined);
  assert.equal(neighbourOf("a", []), undefined);
});

Deno.test("nobody waits for a worker that is not present: its lock says nothing", () => {
  assert.equal(neighbourOf("a", [worker("a"), worker("b", false), worker("c")])?.id, "c");
  assert.equal(neighbourOf("a", [worker("a"), worker("b", false)]), undefined);
});

Deno.test("only a session that was seen present can be gone", () => {
  const first = compare("a", [worker("a"), worker("b"), worker("c", false)], new Set());
  assert.deepEqual(first.gone, []);
  const dead = [worker("a", false), worker("b", false), worker("c", false)];
  const second = compare("a", dead, first.seen);
  assert.deepEqual(second.gone.map(({ id }) => id), ["b"]);
  assert.deepEqual(compare("a", dead, second.seen).gone, [], "it is told once");
  assert.deepEqual(
    compare("a", [worker("b", false, 2)], first.seen).gone,
    [],
    "another session of the worker",
  );
});

Deno.test({
  name: "workers that wait for each other send nothing to the database",
  ...await needs("postgres"),
  async fn() {
    await using server = await startPostgres();
    const url = await server.createDatabase("idle");
    await using observer = sqlClient(server.url);
    const databases = ["a", "b", "c"].map((id) => ({ id, database: openPostgres(url) }));
    await databases[0].database.migrate();
    const stop = new AbortController();
    const running = databases.map(async ({ id, database }) => {
      await database.call("actp_register_worker", { p_worker: { worker_id: id, hostname: "h" } });
      await presence({ database, workerId: id, clock: systemClock, intervalMs: 60_000 }).run(stop.signal);
    });
    const count = async (query: string) =>
      Number((await observer.sql(`select count(*) as n from ${query}`))[0].n);
    const waiters = () =>
      count("pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = 'idle'");
    while (await waiters() < 3) await systemClock.sleep(20);
    /** The beginning and end of each session's last statement. Transaction counts would be told seconds later. */
    const activity = () =>
      observer.sql(`select pid, query_start, state_change from pg_stat_activity
        where datname = 'idle' and backend_type = 'client backend' order by pid`);
    let before = await activity();
    for (let quiet = 0; quiet < 5; quiet++) {
      await systemClock.sleep(100);
      const now = await activity();
      if (!isDeepStrictEqual(now, before)) quiet = 0;
      before = now;
    }
    await systemClock.sleep(1500);
    assert.deepEqual(await activity(), before);
    assert.equal(await waiters(), 3);
    const began = performance.now();
    stop.abort();
    await Promise.all(running);
    assert.ok(performance.now() - began < 5000); // and not the 60 s between two looks
    assert.equal(await waiters(), 0);
    await Promise.all(databases.map(({ database }) => database.close()));
  },
});
