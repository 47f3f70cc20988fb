import { equal, rejects } from "node:assert/strict";
import { startPostgres } from "../testing/postgres_server.ts";
import { startPostgrest } from "../testing/postgrest.ts";
import { needs } from "../testing/requirements.ts";
import { sqlClient } from "./contract/sql_client.ts";
import { contractSuite } from "./contract/suite.ts";
import { openPostgres } from "./postgres.ts";
import { explainRestError, openSupabase } from "./supabase.ts";

const SERVER = { name: "Supabase at x.supabase.co", keySetting: "SUPABASE_SECRET_KEY" };

/** A migrated database behind a real PostgREST, with Supabase's roles. */
async function startSupabase() {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startPostgres());
  const rest = cleanup.use(await startPostgrest(server.url));
  const owner = openPostgres(server.url);
  await owner.migrate();
  await owner.close();
  await rest.reloadSchema();
  const open = (key = rest.secretKey) => openSupabase({ url: rest.url, key, realtime: false });
  const owned = cleanup.move();
  return { server, rest, open, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

contractSuite("Supabase", async () => {
  await using cleanup = new AsyncDisposableStack();
  const { server, open } = cleanup.use(await startSupabase());
  const [database, other] = [open(), open()];
  const client = cleanup.use(sqlClient(server.url));
  cleanup.defer(() => other.close());
  cleanup.defer(() => database.close());
  const owned = cleanup.move();
  return { database, other, sql: client.sql, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}, await needs("postgres", "postgrest"));

Deno.test({
  name: "Supabase's outages and refusals",
  ...await needs("postgres", "postgrest"),
  async fn(test) {
    await using supabase = await startSupabase();
    const { rest, server } = supabase;
    const database = supabase.open();
    const claim = (timeoutMs = 5000) =>
      database.call("actp_claim_tasks", { p_worker_id: "w", p_types: ["x"], p_room: 1 }, { timeoutMs });
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

    await step("every fault of the gateway is an outage, also an empty 404, and passes", async () => {
      for (const fault of ["refuse", "empty404", "500", "hang"] as const) {
        await rest.setFault(fault);
        await rejects(claim(200), { name: "DatabaseError", transient: true, code: undefined }, fault);
        await rest.setFault(undefined);
        await claim();
      }
    });
    await step("a database that stops behind PostgREST is an outage, and passes", async () => {
      await server.stop("immediate");
      await rejects(claim(), { name: "DatabaseError", transient: true });
      await server.restart();
      for (let tries = 0;; tries++) {
        try {
          await claim();
          break;
        } catch (error) {
          // PostgREST connects again in its own time.
          if (tries === 100 || !(error as { transient?: boolean }).transient) throw error;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    });
    await step("a wrong key is refused with what to check, and never shown", async () => {
      const wrong = supabase.open("sb_secret_wrong");
      const error = await wrong.call("actp_database_status").catch((error: Error) => error) as Error;
      equal((error as { transient?: boolean }).transient, false);
      equal(
        /SUPABASE_SECRET_KEY/.test(error.message) && !error.message.includes("sb_secret_wrong"),
        true,
        error.message,
      );
      await wrong.close();
    });
    await step("the publishable key may call nothing", async () => {
      const anon = supabase.open(rest.publishableKey);
      await rejects(anon.call("actp_database_status"), { transient: false, code: "42501" });
      await anon.close();
    });
    await database.close();
  },
});

Deno.test("a gateway's page of HTML becomes one short line", () => {
  const error = explainRestError(SERVER, 503, { message: `<html>\n${"<p>sorry</p>\n".repeat(999)}` });
  equal(error.transient, true);
  equal(error.message.length <= 500 && !error.message.includes("\n"), true);
});

Deno.test("SQLSTATEs mean the same through PostgREST as they do directly", () => {
  const transient = (status: number, code: string) =>
    explainRestError(SERVER, status, { code, message: "m" }).transient;
  const expected: [number, string, boolean][] = [
    [500, "57014", true],
    [500, "40P01", true],
    [503, "53300", true],
    [500, "XX000", false],
    [503, "PGRST001", true],
    [504, "PGRST003", true],
    [409, "PT409", false],
    [400, "22P05", false],
  ];
  for (const [status, code, is] of expected) equal(transient(status, code), is, code);
});
