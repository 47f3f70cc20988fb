import assert from "node:assert/strict";
import { Hono } from "hono";
import type { Database } from "../../database/database.ts";
import { capturedLog } from "../../testing/captured_log.ts";
import { answerError, ApiError } from "../api_error.ts";
import type { GuardedEnv } from "../guard.ts";
import { idempotent } from "./idempotency.ts";

interface Kept {
  readonly digest: unknown;
  status?: number;
  answer?: string;
}

/** The middleware before a route that counts, on a database of one table in memory. */
function setUp(caller = "token", failing: string[] = []) {
  const kept = new Map<string, Kept>();
  const functions: Record<string, (args: Record<string, string & number>) => unknown> = {
    actp_begin_request({ p_caller, p_key, p_digest }) {
      const known = kept.get(`${p_caller} ${p_key}`);
      if (!known) {
        kept.set(`${p_caller} ${p_key}`, { digest: p_digest });
        return { state: "new", token: "t" };
      }
      if (known.digest !== p_digest) return { state: "conflict" };
      return known.status === undefined ? { state: "in_progress" } : { state: "replay", ...known };
    },
    actp_end_request({ p_caller, p_key, p_status, p_answer }) {
      if (p_status === undefined) kept.delete(`${p_caller} ${p_key}`);
      else Object.assign(kept.get(`${p_caller} ${p_key}`)!, { status: p_status, answer: p_answer });
    },
  };
  const database = {
    call: (fn: string, args: never) =>
      failing.includes(fn) ? Promise.reject(new Error("away")) : Promise.resolve(functions[fn]!(args)),
  } as unknown as Database;
  let done = 0;
  const app = new Hono<GuardedEnv>();
  app.onError(answerError);
  app.use(async (c, next) => {
    c.set("credential", caller as "token");
    await next();
  }, idempotent(database));
  app.post("/tasks", async (c) => c.json({ done: ++done, body: await c.req.json() }, 201));
  app.post("/other", (c) => c.json({ done: ++done }));
  app.post("/broken", () => {
    done++;
    throw new Error("no");
  });
  app.post("/refused", () => {
    done++;
    throw new ApiError(409, "conflict", "it is running");
  });
  app.post("/tokens", (c) => c.json({ secret: "s" }));
  app.get("/tasks", (c) => c.json({ done: ++done }));
  const post = async (path: string, body: unknown, key?: string, method = "POST") => {
    const response = await app.request(path, {
      method,
      headers: key === undefined ? {} : { "idempotency-key": key },
      body: method === "GET" ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    return {
      status: response.status,
      replayed: response.headers.get("idempotency-replayed"),
      code: answer.error?.code,
      answer,
    };
  };
  return { post, kept, done: () => done };
}

Deno.test("the same request with the same key is done once and answered alike", async () => {
  const { post, done } = setUp();
  const first = await post("/tasks", { a: 1 }, "k");
  const again = await post("/tasks", { a: 1 }, "k");
  assert.deepEqual([first.status, first.replayed, first.answer], [201, null, { done: 1, body: { a: 1 } }]);
  assert.deepEqual([again.status, again.replayed, again.answer, done()], [201, "true", first.answer, 1]);
});

Deno.test("another body, path or query under the same key is refused and not done", async () => {
  const { post, done } = setUp();
  await post("/tasks", { a: 1 }, "k");
  for (
    const [path, body] of [["/tasks", { a: 2 }], ["/other", { a: 1 }], ["/tasks?x=1", { a: 1 }]] as const
  ) {
    const { status, code } = await post(path, body, "k");
    assert.deepEqual([status, code], [409, "idempotency_conflict"]);
  }
  assert.equal(done(), 1);
});

Deno.test("while the first is being answered the second is told so", async () => {
  const { post, kept, done } = setUp();
  await post("/tasks", {}, "k");
  Object.assign([...kept.values()][0]!, { status: undefined });
  assert.deepEqual([(await post("/tasks", {}, "k")).code, done()], ["in_progress", 1]);
});

Deno.test("without a key, and for what only reads, nothing is kept", async () => {
  const { post, kept, done } = setUp();
  await post("/tasks", {});
  await post("/tasks", {});
  await post("/tasks", {}, "k", "GET");
  assert.deepEqual([kept.size, done()], [0, 3]);
});

Deno.test("a refusal is an answer like others; a failure of the worker may be tried again", async () => {
  const { post, done } = setUp();
  assert.equal((await post("/refused", {}, "k")).status, 409);
  assert.deepEqual([(await post("/refused", {}, "k")).replayed, done()], ["true", 1]);
  await using _log = capturedLog();
  assert.equal((await post("/broken", {}, "b")).status, 500);
  assert.deepEqual([(await post("/broken", {}, "b")).status, done()], [500, 3]);
});

Deno.test("a key that cannot be, and one for an answer with a secret, is refused", async () => {
  const { post, kept } = setUp();
  for (const [path, key] of [["/tasks", ""], ["/tasks", "x".repeat(201)], ["/tokens", "k"]] as const) {
    assert.deepEqual((await post(path, {}, key)).status, 400);
  }
  assert.equal(kept.size, 0);
});

Deno.test("a change whose answer cannot be kept is told as made", async () => {
  await using log = capturedLog();
  const { post } = setUp("token", ["actp_end_request"]);
  assert.equal((await post("/tasks", {}, "k")).status, 201);
  assert.match(JSON.stringify(log.records), /could not be kept: away/);
});

Deno.test("where keys cannot be looked up nothing is done", async () => {
  await using _log = capturedLog();
  const { post, done } = setUp("token", ["actp_begin_request"]);
  assert.deepEqual([(await post("/tasks", {}, "k")).status, done()], [500, 0]);
});
