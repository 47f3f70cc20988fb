import assert from "node:assert/strict";
import { Hono } from "hono";
import { DatabaseError } from "../database/database.ts";
import { answerError, ApiError, restStatus } from "./api_error.ts";

const database = (code: string | undefined, transient = false) =>
  new DatabaseError("the driver says: no", { code, transient, answer: "no" });

Deno.test("database errors get the status that PostgREST gives them", () => {
  const cases: [string | undefined, boolean, number][] = [
    ["PT404", false, 404],
    ["PT409", false, 409],
    ["PT503", true, 503],
    ["PT999", false, 400],
    ["PGRST202", false, 404],
    ["23505", false, 409],
    ["23514", false, 400],
    ["22P02", false, 400],
    ["42501", false, 403],
    ["42P01", false, 400],
    ["40P01", true, 503],
    [undefined, true, 503],
    [undefined, false, 500],
  ];
  for (const [code, transient, status] of cases) {
    assert.equal(restStatus(database(code, transient)), status, code);
  }
});

async function answer(path: string, error: Error) {
  const app = new Hono();
  app.onError(answerError);
  app.get("*", () => {
    throw error;
  });
  const response = await app.request(path);
  return [response.status, await response.json()];
}

Deno.test("below /rest/v1 errors have PostgREST's form and the database's own words", async () => {
  assert.deepEqual(await answer("/rest/v1/rpc/actp_x", database("PT404")), [
    404,
    { code: "PT404", message: "no", details: null, hint: null },
  ]);
  assert.deepEqual(await answer("/rest/v1/rpc/actp_x", new ApiError(413, "too_large", "big")), [
    413,
    { code: "too_large", message: "big", details: null, hint: null },
  ]);
});

Deno.test("elsewhere only what the request got wrong is the asker's fault", async () => {
  const cases: [Error, number, unknown][] = [
    [database("PT404"), 404, { code: "not_found", message: "no" }],
    [database("PT409"), 409, { code: "conflict", message: "no" }],
    [database("22P02"), 400, { code: "bad_request", message: "no" }],
    [database(undefined, true), 503, { code: "database_unavailable", message: "the driver says: no" }],
    [database("PGRST202"), 500, { code: "database_failed", message: "the driver says: no" }],
    [database("42501"), 500, { code: "database_failed", message: "the driver says: no" }],
    [new ApiError(400, "bad", "why", { field: "x" }), 400, {
      code: "bad",
      message: "why",
      details: { field: "x" },
    }],
  ];
  for (const [error, status, body] of cases) {
    assert.deepEqual(await answer("/tasks", error), [status, { error: body }]);
  }
});

Deno.test("an unexpected error keeps its words to itself", async () => {
  const [status, body] = await answer("/tasks", new TypeError("reading /secret/place"));
  assert.equal(status, 500);
  assert.doesNotMatch(JSON.stringify(body), /secret/);
});

Deno.test("while the database is away clients are told when to come back", async () => {
  const app = new Hono();
  app.onError(answerError);
  app.get("*", () => {
    throw database(undefined, true);
  });
  const { status, headers } = await app.request("/tasks");
  assert.deepEqual([status, headers.get("retry-after")], [503, "5"]);
});
