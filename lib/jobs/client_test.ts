import assert from "node:assert/strict";
import { aborted } from "../clock.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { type Asked, scriptedServer } from "../testing/scripted_server.ts";
import { until } from "../testing/until.ts";
import { type ClaimedJob, jobsClient, JobsError } from "./client.ts";

const refuse = (status: number, code?: string, headers?: HeadersInit) =>
  code
    ? Response.json({ error: { code, message: `it is ${code}` } }, { status, headers })
    : new Response(null, { status, headers });
const empty = () => new Response(null, { status: 204 });
const CLAIMED = { run_id: "j1", request: { wdl: "x", inputs: null, options: {} } };

/** A client whose waits are over at once. */
const eager = (url: string, more: { token?: string; tries?: number; timeoutMs?: number } = {}) => {
  const slept: number[] = [];
  const clock = fakeClock();
  const sleep = (ms: number, signal?: AbortSignal) => {
    if (ms >= (more.timeoutMs ?? 30_000)) return clock.sleep(ms, signal); // a time limit
    slept.push(ms);
    return Promise.resolve();
  };
  return { client: jobsClient({ url, clock: { ...clock, sleep }, ...more }), slept };
};

Deno.test("every call is sent as the protocol has it, with the token", async () => {
  const answers: Record<string, () => Response> = {
    "POST /api/v1/jobs": () => Response.json({ run_id: "j1", created: true }),
    "POST /api/v1/jobs/claim?wait=20": () => Response.json({ ...CLAIMED, token: "7", lease_seconds: 300 }),
    "GET /api/v1/jobs/j1": () =>
      Response.json({ run_id: "j1", state: "Running", worker_id: "w", result: null }),
    "POST /api/v1/jobs/j1/cancel": () =>
      Response.json({ run_id: "j1", state: "Running", cancel_requested: true }),
    "GET /api/v1/jobs?state=Failed%2CTimedOut&limit=3": () => Response.json({ jobs: [], next_cursor: null }),
    "GET /api/v1/jobs/running?worker_id=w": () => Response.json({ jobs: [CLAIMED] }),
    "POST /api/v1/workers/register": () =>
      Response.json({
        worker_id: "w",
        lease_seconds: 300,
        heartbeat_seconds: 150,
        poll_seconds: 5,
        max_wait_seconds: 60,
      }),
  };
  await using server = scriptedServer(({ method, path }) => (answers[`${method} ${path}`] ?? empty)());
  const { client } = eager(`${server.url}/`, { token: "secret" });
  assert.equal((await client.register({ workerId: "w", maxJobs: 2 })).heartbeat_seconds, 150);
  assert.equal((await client.submit({ wdl: "x", options: { run_id: "j1" } })).run_id, "j1");
  assert.equal((await client.claim({ workerId: "w", waitSeconds: 20 }))?.token, "7");
  assert.equal(await client.claim({ workerId: "w" }), undefined);
  assert.equal(await client.heartbeat("j1", { workerId: "w", token: "7", progress: { percent: 1 } }), "ok");
  assert.equal(
    await client.complete("j1", { workerId: "w", token: "7", response: { status: "ok" } }),
    "settled",
  );
  assert.equal(
    await client.fail("j1", {
      workerId: "w",
      token: "7",
      message: "no",
      stderr: "e",
      exit_code: 2,
      retry: true,
    }),
    "settled",
  );
  assert.equal(await client.release("j1", { workerId: "w", token: "7", reason: "stop" }), "settled");
  assert.equal((await client.running("w")).length, 1);
  assert.equal((await client.get("j1")).state, "Running");
  assert.equal((await client.cancel("j1", { reason: "r", withinSeconds: 5 })).cancel_requested, true);
  assert.deepEqual((await client.list({ states: ["Failed", "TimedOut"], limit: 3 })).jobs, []);
  assert.deepEqual(server.asked.map(({ method, path, body }) => [method, path.slice(7), body]), [
    ["POST", "/workers/register", { worker_id: "w", max_jobs: 2 }],
    ["POST", "/jobs", { wdl: "x", options: { run_id: "j1" } }],
    ["POST", "/jobs/claim?wait=20", { worker_id: "w" }],
    ["POST", "/jobs/claim", { worker_id: "w" }],
    ["POST", "/jobs/j1/heartbeat", { worker_id: "w", token: "7", progress: { percent: 1 } }],
    ["POST", "/jobs/j1/complete", { worker_id: "w", token: "7", response: { status: "ok" } }],
    ["POST", "/jobs/j1/failed", {
      worker_id: "w",
      token: "7",
      message: "no",
      stderr: "e",
      exit_code: 2,
      retry: true,
    }],
    ["POST", "/jobs/j1/release", { worker_id: "w", token: "7", reason: "stop" }],
    ["GET", "/jobs/running?worker_id=w", ""],
    ["GET", "/jobs/j1", ""],
    ["POST", "/jobs/j1/cancel", { reason: "r", within_seconds: 5 }],
    ["GET", "/jobs?state=Failed%2CTimedOut&limit=3", ""],
  ]);
  assert.ok(server.asked.every(({ headers }) => headers.get("authorization") === "Bearer secret"));
});

Deno.test("a job without a name is given one, so that it can be sent again", async () => {
  await using server = scriptedServer((asked, nth) =>
    nth === 1 ? refuse(503) : Response.json({ run_id: idOf(asked) })
  );
  const idOf = ({ body }: Asked) => (body as { options: { run_id: string } }).options.run_id;
  const { client } = eager(server.url);
  const { run_id } = await client.submit({ wdl: "x" });
  assert.match(run_id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(server.asked.map(idOf), [run_id, run_id]);
});

Deno.test("what an old server leaves out is not missed", async () => {
  await using server = scriptedServer(({ path }) =>
    path.endsWith("/claim") ? Response.json(CLAIMED) : empty()
  );
  const { client } = eager(server.url);
  const job = await client.claim({ workerId: "w" });
  assert.deepEqual(job, CLAIMED);
  assert.equal(await client.heartbeat("j1", { workerId: "w", token: (job as ClaimedJob).token }), "ok");
  assert.deepEqual(server.asked[1]!.body, { worker_id: "w" });
});

Deno.test("cancel rides on the heartbeat's reply", async () => {
  await using server = scriptedServer(() => Response.json({ cancel: true, reason: "r" }));
  assert.equal(await eager(server.url).client.heartbeat("j1", { workerId: "w" }), "cancel");
});

Deno.test("404, 403 and 409 say that the claim has passed on, with or without a word for it", async () => {
  for (
    const [status, code] of [
      [404, "unknown_job"],
      [403, "not_owner"],
      [409, "stale_token"],
      [404, undefined],
      [403, undefined],
      [409, undefined],
    ] as const
  ) {
    await using server = scriptedServer(() => refuse(status, code));
    const { client } = eager(server.url);
    assert.equal(await client.heartbeat("j1", { workerId: "w" }), "lost");
    assert.equal(await client.complete("j1", { workerId: "w", response: {} }), "lost");
    assert.equal(await client.fail("j1", { workerId: "w", message: "no" }), "lost");
    const released = client.release("j1", { workerId: "w" });
    if (code) assert.equal(await released, "lost");
    else await assert.rejects(released, { name: "JobsError", status }, "an old server knows no release");
    assert.equal(server.asked.length, 4, "none is repeated");
  }
});

Deno.test("a wrong token is no lost job", async () => {
  await using server = scriptedServer(() => refuse(403, "forbidden"));
  const { client } = eager(server.url);
  await assert.rejects(client.heartbeat("j1", { workerId: "w" }), { status: 403, code: "forbidden" });
  await assert.rejects(client.complete("j1", { workerId: "w", response: {} }), { transient: false });
});

Deno.test("refusals are told in one line, with the server's words and without the token", async () => {
  await using server = scriptedServer(() => refuse(401, "unauthorized"));
  const { client } = eager(server.url, { token: "very-secret" });
  await assert.rejects(client.get("j1"), (error) => {
    assert.ok(error instanceof JobsError);
    assert.equal(
      error.message,
      `Cannot look at job j1: ${server.url} answered 401: it is unauthorized (check JOBS_TOKEN)`,
    );
    return true;
  });
});

Deno.test("what may be repeated is, with growing pauses, and Retry-After is honoured", async () => {
  await using server = scriptedServer((_, nth) =>
    nth === 1
      ? refuse(500)
      : nth === 2
      ? refuse(503, "database_unavailable", { "retry-after": "7" })
      : empty()
  );
  const { client, slept } = eager(server.url);
  assert.equal(await client.heartbeat("j1", { workerId: "w" }), "ok");
  assert.equal(server.asked.length, 3);
  assert.ok(slept[0]! <= 500 && slept[1] === 7000, String(slept));
});

Deno.test("after the last try, or when asked to wait for long, the error is told", async () => {
  await using server = scriptedServer(() => refuse(500, "internal"));
  await assert.rejects(eager(server.url, { tries: 3 }).client.get("j1"), { transient: true, status: 500 });
  assert.equal(server.asked.length, 3);
  await using busy = scriptedServer(() => refuse(429, "slow_down", { "retry-after": "3600" }));
  await assert.rejects(eager(busy.url).client.get("j1"), { retryAfterSeconds: 3600 });
  assert.equal(busy.asked.length, 1);
});

Deno.test("a claim is never repeated", async () => {
  await using server = scriptedServer(() => refuse(503));
  await assert.rejects(eager(server.url).client.claim({ workerId: "w" }), { transient: true });
  assert.equal(server.asked.length, 1);
});

Deno.test("a server that cannot be reached is a passing failure", async () => {
  const server = scriptedServer(empty);
  await server[Symbol.asyncDispose]();
  await assert.rejects(eager(server.url).client.get("j1"), {
    transient: true,
    status: undefined,
    message: new RegExp(`^Cannot look at job j1: ${server.url} cannot be reached: `),
  });
});

Deno.test("a server that does not answer is given up, a waiting claim only after its wait", async () => {
  await using server = scriptedServer(async (_, __, signal) => (await aborted(signal), empty()));
  const clock = fakeClock();
  const client = jobsClient({ url: server.url, clock, timeoutMs: 1000 });
  let ended = false;
  const waiting = assert.rejects(client.claim({ workerId: "w", waitSeconds: 20 }), /no answer within 21 s/)
    .then(() => ended = true);
  await until("the claim has arrived", () => server.asked.length === 1);
  await clock.advance(20_900);
  assert.equal(ended, false);
  await clock.advance(100);
  await waiting;
});

Deno.test("an abort ends a call, and what it would have repeated", async () => {
  await using server = scriptedServer(() => refuse(503));
  const clock = fakeClock();
  const stop = new AbortController();
  const asking = assert.rejects(
    jobsClient({ url: server.url, clock }).get("j1", stop.signal),
    { name: "AbortError" },
  );
  await until("the first answer has come", () => server.asked.length === 1);
  await until("it waits for the next try", () => clock.pending() === 1);
  stop.abort();
  await asking;
  assert.equal(server.asked.length, 1);
});

Deno.test("an answer that is none of a jobs server's is an error that says so", async () => {
  for (
    const body of ["<html>welcome</html>", "{}", "[]", `{"run_id": 7}`, `{"run_id": "j", "state": "Odd"}`]
  ) {
    await using server = scriptedServer(() => new Response(body));
    await assert.rejects(eager(server.url).client.get("j1"), {
      transient: false,
      message: /is it a jobs server\?/,
    });
  }
  await using silent = scriptedServer(empty);
  await assert.rejects(eager(silent.url).client.get("j1"), { message: /without a body/ });
});

Deno.test("redirects are not followed: the token is for this server", async () => {
  await using other = scriptedServer(empty);
  await using server = scriptedServer(() => Response.redirect(`${other.url}/api/v1/jobs/j1`));
  await assert.rejects(eager(server.url, { token: "t" }).client.get("j1"), { status: 302 });
  assert.equal(other.asked.length, 0);
});

Deno.test("an address that is none, or that would show the token to the network, is refused", () => {
  for (const url of ["", "jobs", "ftp://x", "http://user:pass@x", "http://x/?a=b"]) {
    assert.throws(() => jobsClient({ url }), (error: Error) => !error.message.includes("pass"));
  }
  assert.throws(() => jobsClient({ url: "http://jobs.example", token: "t" }), /Use https/);
  for (const url of ["http://127.0.0.1:1", "http://localhost:1", "https://jobs.example/base/"]) {
    jobsClient({ url, token: "t" });
  }
  assert.equal(jobsClient({ url: "http://10.0.0.5:3030/" }).url, "http://10.0.0.5:3030");
});
