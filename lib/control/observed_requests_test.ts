import assert from "node:assert/strict";
import { Hono } from "hono";
import { answerError, ApiError } from "./api_error.ts";
import { metricsRoutes } from "./metrics_routes.ts";
import { type AnsweredRequest, observedRequests } from "./observed_requests.ts";

Deno.test("requests are told by the route as declared and the status, refusals and errors included", async () => {
  const told: Omit<AnsweredRequest, "ms">[] = [];
  const inner = new Hono().get("/tasks/:id", (c) => c.text("a task")).post("/tasks", () => {
    throw new ApiError(400, "bad_request", "no");
  });
  const app = new Hono();
  app.onError(answerError);
  app.use(observedRequests(({ ms, ...request }) => {
    assert.ok(ms >= 0);
    told.push(request);
  }));
  app.use(async (c, next) => {
    if (c.req.query("guest")) throw new ApiError(401, "unauthorized", "no");
    await next();
  });
  app.route("/", inner);
  app.route("/", metricsRoutes(() => Promise.resolve("x 1\n")));
  app.all("/api/v1/*", (c) => c.text("jobs"));
  const ask = (path: string, method = "GET") => app.request(path, { method });
  await ask("/tasks/0c5b5a3e?x=1");
  await ask("/tasks", "POST");
  await ask("/tasks/7?guest=1");
  await ask("/never/heard/of/it");
  await ask("/api/v1/jobs/5/heartbeat", "POST");
  const metrics = await ask("/metrics");
  assert.equal(await metrics.text(), "x 1\n");
  assert.equal(metrics.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.deepEqual(told.map(({ method, route, status }) => `${method} ${route} ${status}`), [
    "GET /tasks/:id 200",
    "POST /tasks 400",
    "GET /tasks/:id 401",
    "GET unmatched 404",
    "POST /api/v1/* 200",
    "GET /metrics 200",
  ]);
});
