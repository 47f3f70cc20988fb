import assert from "node:assert/strict";
import { answerError } from "../api_error.ts";
import { disputeRoutes } from "./dispute_routes.ts";

const ID = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";

function setUp() {
  const calls: [string, Record<string, unknown>][] = [];
  const app = disputeRoutes({
    description: "a database",
    call: <T>(fn: string, args: Record<string, unknown> = {}) => {
      calls.push([fn, args]);
      return Promise.resolve({ id: ID } as T);
    },
    close: () => Promise.resolve(),
  });
  app.onError(answerError);
  const post = (path: string, body: unknown) =>
    app.request(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  return { app, calls, post };
}

Deno.test("open disputes are listed unless another status is asked for", async () => {
  const { app, calls } = setUp();
  await app.request("/disputes");
  await app.request(`/disputes?status=all&task_id=${ID}&limit=7&before=${ID}`);
  assert.deepEqual(calls.map(([, args]) => args), [
    { p_status: "open", p_task_id: null, p_limit: 50, p_before: null },
    { p_status: null, p_task_id: ID, p_limit: 7, p_before: ID },
  ]);
});

Deno.test("a dispute is opened, voted on and resolved", async () => {
  const { app, calls, post } = setUp();
  assert.equal((await post("/disputes", { task_id: ID, reason: "silent", opened_by: "ann" })).status, 201);
  await post(`/disputes/${ID}/vote`, { voter: "bob", uphold: true, comment: "yes" });
  await post(`/disputes/${ID}/resolve`, { status: "upheld" });
  assert.equal((await app.request(`/disputes/${ID}`)).status, 200);
  assert.deepEqual(calls, [
    ["actp_open_dispute", { p_task_id: ID, p_reason: "silent", p_opened_by: "ann", p_vote_seconds: 259_200 }],
    ["actp_vote_dispute", { p_id: ID, p_voter: "bob", p_uphold: true, p_comment: "yes" }],
    ["actp_resolve_dispute", { p_id: ID, p_by: "control API", p_status: "upheld", p_resolution: null }],
    ["actp_get_dispute", { p_id: ID }],
  ]);
});

Deno.test("what cannot be meant is refused by its name before the database is asked", async () => {
  const { app, calls, post } = setUp();
  const refused: [Response, RegExp][] = [
    [await app.request("/disputes?status=maybe"), /status must be/],
    [await app.request("/disputes?limit=0"), /limit must be/],
    [await app.request("/disputes/7"), /id/],
    [await post("/disputes", { task_id: "7", reason: "x" }), /id/],
    [await post("/disputes", { task_id: ID }), /reason/],
    [await post("/disputes", { task_id: ID, reason: "x", vote_seconds: 1 }), /vote_seconds/],
    [await post(`/disputes/${ID}/vote`, { uphold: "yes" }), /uphold/],
    [await post(`/disputes/${ID}/resolve`, { status: "open" }), /status/],
    [await post(`/disputes/${ID}/resolve`, []), /object/],
  ];
  for (const [response, message] of refused) {
    assert.equal(response.status, 400);
    assert.match((await response.json()).error.message, message);
  }
  assert.deepEqual(calls, []);
});
