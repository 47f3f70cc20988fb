import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { needs } from "../testing/requirements.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { startTcpProxy } from "../testing/tcp_proxy.ts";
import { explainPostgresError, openPostgres } from "./postgres.ts";
import { contractSuite } from "./contract/suite.ts";
import { sqlClient } from "./contract/sql_client.ts";

contractSuite("PostgreSQL", async () => {
  await using cleanup = new AsyncDisposableStack();
  // A server elsewhere in the world: times must come out in UTC all the same.
  const server = cleanup.use(await startPostgres({ settings: { timezone: "Asia/Tokyo" } }));
  const [database, other] = [openPostgres(server.url), openPostgres(server.url)];
  cleanup.defer(() => other.close());
  cleanup.defer(() => database.close());
  await database.migrate();
  const client = cleanup.use(sqlClient(server.url));
  const owned = cleanup.move();
  return { database, other, sql: client.sql, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}, await needs("postgres"));

Deno.test({
  name: "PostgreSQL's outages",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    await using proxy = startTcpProxy(server.port);
    const url = new URL(server.url);
    url.port = `${proxy.port}`;
    const database = openPostgres(url.href, { connections: 2 });
    await database.migrate();
    const claim = (timeoutMs = 5000, signal?: AbortSignal) =>
      database.call("actp_claim_tasks", { p_worker_id: "w", p_types: ["x"], p_room: 1 }, {
        timeoutMs,
        signal,
      });
    const outage = { name: "DatabaseError", transient: true };
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

    await step("a server that crashes is an outage, and serves again after its restart", async () => {
      await claim();
      await server.stop("immediate");
      await rejects(claim(1000), outage);
      await server.restart();
      await claim();
    });
    await step("a server that hangs is an outage when the time is up, and serves again", async () => {
      await server.pause();
      const started = performance.now();
      await Promise.all([1, 2, 3, 4].map(() => rejects(claim(300), { ...outage, message: /within 300 ms/ })));
      ok(performance.now() - started < 5000); // and not the 15 s of a call without a limit
      await server.resume();
      await claim();
    });
    await step("a call that is given up on the way frees its caller at once", async () => {
      await server.pause();
      const giveUp = new AbortController();
      const call = claim(60_000, giveUp.signal);
      giveUp.abort();
      await rejects(call, outage);
      await server.resume();
      await claim();
    });
    await step("a cut connection is an outage, and the next call connects again", async () => {
      const blocker = sqlClient(server.url);
      await blocker.sql("begin; lock table public.actp_workflow_tasks");
      const call = claim();
      while (!(await blocker.sql("select from pg_locks where not granted")).length);
      proxy.cut();
      await rejects(call, outage);
      await blocker.sql("rollback");
      await blocker[Symbol.asyncDispose]();
      await claim();
    });
    await step("connections that died without a word are left behind", async () => {
      const blocker = sqlClient(server.url);
      await blocker.sql("begin; lock table public.actp_workflow_tasks");
      // Two calls hold both connections, as on a network that went away; the server cannot be asked to cancel them.
      const calls = Promise.all([claim(300), claim(300)].map((call) => rejects(call, outage)));
      while ((await blocker.sql("select from pg_locks where not granted")).length < 2);
      proxy.freeze();
      await calls;
      proxy.thaw();
      await blocker.sql("rollback");
      await blocker[Symbol.asyncDispose]();
      await claim(2000);
    });
    await step("a port that refuses is an outage, told at once", async () => {
      await proxy.accept(false);
      proxy.cut();
      await rejects(claim(1000), outage);
      await proxy.accept(true);
      await claim();
    });
    await step("a listener hears again after its connection was cut", async () => {
      const heard = Promise.withResolvers<void>();
      const stop = await database.listen!("actp_tasks", () => heard.resolve());
      proxy.cut();
      const poke = setInterval(
        () => void database.call("actp_wake", { p_payload: "pending" }).catch(() => {}),
        50,
      );
      await heard.promise;
      clearInterval(poke);
      await stop();
    });
    await database.close();
  },
});

Deno.test("errors that a person must fix are no outages, and name the setting", () => {
  const error = explainPostgresError({ code: "28P01", message: "password authentication failed" });
  deepEqual([error.transient, error.code], [false, "28P01"]);
  match(error.message, /check DATABASE_URL/);
  equal(explainPostgresError({ code: "ECONNREFUSED", message: "refused" }).transient, true);
  equal(explainPostgresError({ code: "EPIPE", message: "broken pipe" }).transient, true);
});
