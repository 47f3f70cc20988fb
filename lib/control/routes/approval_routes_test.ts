import assert from "node:assert/strict";
import { answerError } from "../api_error.ts";
import { approvalRoutes } from "./approval_routes.ts";

const ID = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";

function setUp(result: unknown = null) {
  const calls: [string, Record<string, unknown>][] = [];
  let woken = 0;
  const app = approvalRoutes({
    description: "a database",
    call: <T>(fn: string, args: Record<string, unknown> = {}) => {
      calls.push([fn, args]);
      return Promise.resolve(result as T);
    },
    close: () => Promise.resolve(),
  }, () => woken++);
  app.onError(answerError);
  const post = (path: string, body: unknown) =>
    app.request(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  return { app, calls, post, woken: () => woken };
}

Deno.test("what waits for a word is listed unless another status is asked for", async () => {
  const { app, calls } = setUp([]);
  assert.deepEqual(await (await app.request("/approvals")).json(), {
    approvals: [],
    next_cursor: null,
  });
  await app.request(`/approvals?status=all&limit=7&before=${ID}`);
  assert.deepEqual(calls, [
    ["actp_list_acts", { p_status: "open", p_limit: 50, p_before: null }],
    ["actp_list_acts", { p_status: null, p_limit: 7, p_before: ID }],
  ]);
});

Deno.test("a word is recorded with its reason, and wakes the worker", async () => {
  const { post, calls, woken } = setUp({ status: "rejected" });
  assert.equal((await post(`/approvals/${ID}/reject`, { reason: "no" })).status, 200);
  assert.deepEqual(calls[0], [
    "actp_decide_act",
    { p_id: ID, p_approve: false, p_by: "control API", p_reason: "no" },
  ]);
  assert.equal(woken(), 1);
});

Deno.test("what cannot be meant is refused before the database is asked", async () => {
  const { app, post, calls } = setUp();
  const refused = [
    await app.request("/approvals?status=maybe"),
    await app.request("/approvals?limit=0"),
    await post("/approvals/7/approve", {}),
    await post(`/approvals/${ID}/approve`, { reason: 7 }),
  ];
  assert.deepEqual(refused.map(({ status }) => status), [400, 400, 400, 400]);
  assert.equal((await post(`/approvals/${ID}/maybe`, {})).status, 404);
  assert.deepEqual(calls, []);
});

Deno.test("an approval that is not there is a 404", async () => {
  assert.equal((await setUp(null).app.request(`/approvals/${ID}`)).status, 404);
});
