import assert from "node:assert/strict";
import { type Database, DatabaseError } from "../database/database.ts";
import { MIGRATIONS } from "../database/migrations.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { databaseChecks, judgeClock, judgeSchema } from "./database.ts";

const ALL = MIGRATIONS.map(({ version }) => version);
const answer = (migrations: string[]) => ({
  description: "Postgres at db.example",
  serverVersion: "15.8",
  migrations,
  aheadMs: 0,
  uncertaintyMs: 0,
});

Deno.test("a schema with all migrations is fine", () => {
  const { status, detail } = judgeSchema(answer(ALL));
  assert.deepEqual([status, detail], ["ok", `Postgres at db.example, PostgreSQL 15.8, schema ${ALL.at(-1)}`]);
});

Deno.test("missing migrations are a failure, unknown ones a warning to update", () => {
  const behind = judgeSchema(answer(ALL.slice(0, -2)));
  assert.equal(behind.status, "fail");
  assert.match(behind.detail, new RegExp(`2 of ${ALL.length} migrations are missing`));
  assert.match(behind.fix!, /db migrate/);
  const ahead = judgeSchema(answer([...ALL, "20990101000000"]));
  assert.deepEqual([ahead.status, ahead.fix], ["warn", "update actp-worker on this machine"]);
});

Deno.test("clocks that differ are told with which one is late; what the network hides is not held against them", () => {
  const judge = (aheadMs: number, uncertaintyMs = 0) => judgeClock({ aheadMs, uncertaintyMs });
  assert.equal(judge(1900).status, "ok");
  assert.equal(judge(-4000, 2500).status, "ok");
  const behind = judge(5000);
  assert.deepEqual([behind.status, behind.detail], [
    "warn",
    "this machine's clock is 5.0 s behind the database's",
  ]);
  const ahead = judge(-90_000);
  assert.deepEqual([ahead.status, ahead.detail], [
    "fail",
    "this machine's clock is 90.0 s ahead of the database's",
  ]);
  assert.match(ahead.fix!, /time/);
});

/** A database whose answers take 200 ms and whose clock is `aheadMs` before ours. */
function database(clock: ReturnType<typeof fakeClock>, aheadMs: number) {
  const seen = { calls: 0, closed: 0 };
  const port: Database = {
    description: "a database",
    async call<T>() {
      seen.calls++;
      await clock.sleep(100);
      const now = new Date(clock.now() + aheadMs).toISOString();
      await clock.sleep(100);
      return { server_version: "15", migrations: ALL, now } as T;
    },
    close: () => Promise.resolve(void seen.closed++),
  };
  return { port, seen };
}

Deno.test("both checks share one connection, which is closed; half the journey is reckoned in", async () => {
  const clock = fakeClock();
  const { port, seen } = database(clock, 7000);
  let opened = 0;
  const checks = databaseChecks(() => (opened++, Promise.resolve(port)), clock);
  const running = Promise.all(checks.map(({ run }) => run()));
  await clock.advance(1000);
  const [schema, time] = await running;
  assert.equal(schema!.status, "ok");
  assert.equal(time!.detail, "this machine's clock is 7.0 s behind the database's");
  assert.deepEqual([opened, seen.closed], [1, 1]);
});

Deno.test("a database that cannot be reached fails with why, and the clock is not judged", async () => {
  const fault = async (error: Error) => {
    const checks = databaseChecks(() => Promise.reject(error), fakeClock());
    return await Promise.all(checks.map(({ run }) => run()));
  };
  const [down, clock] = await fault(new DatabaseError("connection refused", { transient: true }));
  assert.deepEqual(down, {
    status: "fail",
    detail: "connection refused",
    fix: "check that it runs, and the network",
  });
  assert.equal(clock!.status, "warn");
  const [refused] = await fault(new DatabaseError("invalid key", { transient: false }));
  assert.match(refused!.fix!, /address and key/);
  const [bare] = await fault(new DatabaseError("no function", { code: "PGRST202", transient: false }));
  assert.deepEqual([bare!.detail, bare!.fix], [
    "the database has no schema of actp-worker's",
    "run actp-worker db migrate",
  ]);
});
