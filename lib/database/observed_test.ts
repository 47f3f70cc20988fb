import assert from "node:assert/strict";
import { fakeClock } from "../testing/fake_clock.ts";
import { type Database, DatabaseError } from "./database.ts";
import { type CallObserver, observedDatabase } from "./observed.ts";

type Call = Parameters<CallObserver>[0];

Deno.test("calls go through, and are told with their time and their error", async () => {
  const clock = fakeClock();
  const told: Call[] = [];
  const error = new DatabaseError("no", { transient: true });
  const given: unknown[] = [];
  const inner: Database = {
    description: "inner",
    async call<T>(fn: string, args?: Record<string, unknown>, options?: unknown): Promise<T> {
      given.push(args, options);
      await clock.sleep(50);
      if (fn === "bad") throw error;
      return 7 as T;
    },
    close: () => Promise.resolve(),
  };
  const database = observedDatabase(inner, (call) => told.push(call), clock);
  const good = database.call("good", { p_a: 1 }, { timeoutMs: 5 });
  await clock.advance(50);
  assert.equal(await good, 7);
  const bad = database.call("bad");
  const refused = assert.rejects(bad, error);
  await clock.advance(50);
  await refused;
  assert.deepEqual(told, [{ fn: "good", ms: 50 }, { fn: "bad", ms: 50, error }]);
  assert.deepEqual(given, [{ p_a: 1 }, { timeoutMs: 5 }, undefined, undefined]);
  assert.deepEqual([database.description, "listen" in database, "presence" in database], [
    "inner",
    false,
    false,
  ]);
});
