import assert from "node:assert/strict";
import { Hono } from "hono";
import { etags } from "./etag.ts";

let tasks = ["a"];
const app = new Hono().use(etags())
  .get("/tasks", (c) => c.json({ tasks }))
  .get("/missing", (c) => c.json({}, 404))
  .get("/events", (c) => c.body(new ReadableStream(), 200, { "Content-Type": "text/event-stream" }))
  .post("/tasks", (c) => c.json({ tasks }));
const ask = (given?: string, path = "/tasks") =>
  app.request(path, { headers: given === undefined ? {} : { "if-none-match": given } });

Deno.test("an answer that is known is not sent again, one that has changed is", async () => {
  const first = await ask();
  const etag = first.headers.get("etag")!;
  assert.match(etag, /^"[A-Za-z0-9_-]{27}"$/);
  for (const given of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const again = await ask(given);
    assert.deepEqual([again.status, await again.text(), again.headers.get("etag")], [304, "", etag]);
  }
  tasks = ["b"];
  const changed = await ask(etag);
  assert.deepEqual([changed.status, await changed.json()], [200, { tasks: ["b"] }]);
  assert.notEqual(changed.headers.get("etag"), etag);
});

Deno.test("errors, streams and changes have none, and a stream is not waited for", async () => {
  const answers = [
    await ask("*", "/missing"),
    await ask("*", "/events"),
    await app.request("/tasks", { method: "POST", headers: { "if-none-match": "*" } }),
  ];
  assert.deepEqual(answers.map(({ status, headers }) => [status, headers.get("etag")]), [
    [404, null],
    [200, null],
    [200, null],
  ]);
  await answers[1]!.body!.cancel();
});
