import assert from "node:assert/strict";
import { Hono } from "hono";
import { fakeClock } from "../../testing/fake_clock.ts";
import { answerError } from "../api_error.ts";
import type { GuardedEnv } from "../guard.ts";
import { rateLimited, TokenBuckets } from "./rate_limit.ts";

Deno.test("a caller may ask so often at once, and then so often a second", async () => {
  const clock = fakeClock();
  const buckets = new TokenBuckets({ requestsPerSecond: 10, burst: 3 }, clock);
  const take = () => buckets.take("a");
  assert.deepEqual([take(), take(), take(), take()], [undefined, undefined, undefined, 100]);
  await clock.advance(50);
  assert.equal(take(), 50);
  await clock.advance(50);
  assert.deepEqual([take(), take()], [undefined, 100]);
  await clock.advance(3_600_000);
  assert.deepEqual([take(), take(), take(), take()], [undefined, undefined, undefined, 100]);
});

Deno.test("one that runs wild takes nothing from the others", () => {
  const buckets = new TokenBuckets({ requestsPerSecond: 1, burst: 1 }, fakeClock());
  for (let n = 0; n < 100; n++) buckets.take("wild");
  assert.notEqual(buckets.take("wild"), undefined);
  assert.equal(buckets.take("calm"), undefined);
});

Deno.test("more callers than can be remembered do not fill the memory, and the busiest is remembered", () => {
  const buckets = new TokenBuckets({ requestsPerSecond: 1, burst: 1 }, fakeClock());
  for (let n = 0; n < 5000; n++) {
    buckets.take(`once ${n}`);
    buckets.take("busy");
  }
  assert.notEqual(buckets.take("busy"), undefined);
});

Deno.test("what is too much is 429 with when to ask again; streams and the database's rpc are not counted", async () => {
  const clock = fakeClock();
  const app = new Hono<GuardedEnv>();
  app.onError(answerError);
  app.use(async (c, next) => {
    c.set("credential", "token");
    await next();
  }, rateLimited({ requestsPerSecond: 0.5 as number, burst: 1 }, clock));
  app.all("*", (c) => c.text("ok"));
  const ask = async (path: string) => {
    const { status, headers } = await app.request(path);
    return [status, headers.get("retry-after")];
  };
  assert.deepEqual(await ask("/tasks"), [200, null]);
  assert.deepEqual(await ask("/tasks"), [429, "2"]);
  for (const path of ["/events", "/rest/v1/rpc/actp_claim_tasks"]) {
    assert.deepEqual(await ask(path), [200, null]);
  }
  await clock.advance(2000);
  assert.deepEqual(await ask("/tasks"), [200, null]);
});
