import assert from "node:assert/strict";
import { jobsClient } from "../../jobs/client.ts";
import type { Outcome, Settlement, Task } from "../../task/task.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { jobsStandIn } from "../../testing/jobs_stand_in.ts";
import { jobsLeaseTiming, jobsSource } from "./jobs.ts";

const signal = new AbortController().signal;
const TYPES = ["ffmpeg_process", "wdl_run"];

function bench(
  protocol: "first" | "leases",
  options: { waitSeconds?: number; token?: string; toldInterval?: boolean } = {},
) {
  const server = jobsStandIn(protocol);
  const clock = fakeClock();
  const client = jobsClient({ url: server.url, tries: 1, token: options.token });
  const { waitSeconds = 0, toldInterval } = options;
  const source = jobsSource({ client, workerId: "worker-1", waitSeconds, toldInterval, clock });
  return {
    server,
    clock,
    source,
    claim: (room: number, types = TYPES) => source.claim(types, room, signal),
    async claimOne(runId: string): Promise<Task> {
      server.add(runId);
      return (await source.claim(TYPES, 1, signal))[0];
    },
    settle: (task: Task, outcome: Outcome) =>
      source.settle([{ task, outcome, durationMs: 5 } as Settlement], signal),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const RESPONSE = { status: "ok", outputs: { "w.x": 1 }, duration_ms: 5 };

for (const protocol of ["first", "leases"] as const) {
  Deno.test(`a job is claimed, kept alive and reported as done (protocol: ${protocol})`, async () => {
    await using b = bench(protocol);
    const task = await b.claimOne("run-1");
    assert.deepEqual([task.id, task.type, task.attempt], ["run-1", "wdl_run", 1]);
    assert.equal((task.input as { wdl: string }).wdl, "version 1.0\nworkflow w {}");
    assert.deepEqual(await b.source.heartbeat([{ task, progress: { percent: 40, message: "m" } }], signal), [
      "ok",
    ]);
    assert.deepEqual(await b.settle(task, { kind: "done", output: RESPONSE }), ["settled"]);
    const { state, result } = b.server.jobs.get("run-1")!;
    assert.deepEqual([state, result?.response], ["Succeeded", RESPONSE]);
    const beat = b.server.calls.find(({ path }) => path.endsWith("/heartbeat"))!.body;
    assert.deepEqual(beat.progress, { percent: 40, message: "m" });
  });

  Deno.test(`only as many jobs are claimed as there is room for, one by a call (protocol: ${protocol})`, async () => {
    await using b = bench(protocol);
    for (const id of ["a", "b", "c"]) b.server.add(id);
    assert.deepEqual((await b.claim(2)).map(({ id }) => id), ["a", "b"]);
    assert.deepEqual((await b.claim(5)).map(({ id }) => id), ["c"]);
    assert.equal(b.server.paths().filter((path) => path === "/jobs/claim").length, 4);
    assert.deepEqual(await b.claim(0), []);
    assert.deepEqual(await b.claim(5, ["ffmpeg_process"]), []);
    assert.deepEqual(await b.source.claim(TYPES, 5, signal, { "wdl_*": 0 }), []);
    assert.equal(b.server.paths().filter((path) => path === "/jobs/claim").length, 4);
  });

  Deno.test(`a job that has passed on is lost, by 403, 404 or 409 (protocol: ${protocol})`, async () => {
    await using b = bench(protocol);
    const task = await b.claimOne("run-1");
    const beat = () => b.source.heartbeat([{ task }], signal);
    const job = b.server.jobs.get("run-1")!;
    job.worker = "worker-2";
    assert.deepEqual(await beat(), ["lost"]);
    assert.deepEqual(await b.settle(task, { kind: "done", output: RESPONSE }), ["lost"]);
    job.worker = "worker-1";
    job.state = "Canceled";
    assert.deepEqual(await beat(), ["lost"]);
    b.server.jobs.delete("run-1");
    assert.deepEqual(await beat(), ["lost"]);
  });

  Deno.test(`a run_id that is a path is refused, and the other jobs go on (protocol: ${protocol})`, async () => {
    await using b = bench(protocol);
    for (const id of ["../../etc/cron", "..", ".hidden", "a b", "-x", "fine"]) b.server.add(id);
    assert.deepEqual((await b.claim(10)).map(({ id }) => id), ["fine"]);
    assert.equal(b.server.jobs.get("../../etc/cron")!.state, "Failed");
    assert.match(String(b.server.jobs.get("a b")!.result?.message), /not fit for a file's name/);
    assert.equal(b.server.jobs.get("..")!.state, "Running", "there is no address for it");
  });
}

Deno.test("outcomes are told in the protocol's words", async () => {
  const cases: [Outcome, Record<string, unknown>, string][] = [
    [
      { kind: "failed", error: "no", retry: false, logTail: "tail", exitCode: 3 } as Outcome,
      { message: "no", retry: false, stderr: "tail", exit_code: 3 },
      "Failed",
    ],
    [{ kind: "failed", error: "disk full", retry: true }, { message: "disk full", retry: true }, "Pending"],
    [
      { kind: "timedOut", error: "too long", logTail: "tail" },
      { message: "too long", retry: false, timed_out: true, stderr: "tail" },
      "TimedOut",
    ],
    [{ kind: "released", reason: "stopping" }, { reason: "stopping" }, "Pending"],
  ];
  for (const [outcome, told, state] of cases) {
    await using b = bench("leases");
    const task = await b.claimOne("run-1");
    assert.deepEqual(await b.settle(task, outcome), ["settled"]);
    const job = b.server.jobs.get("run-1")!;
    assert.deepEqual(job.result, { worker_id: "worker-1", token: task.token, ...told });
    assert.equal(job.state, state);
  }
});

Deno.test("a cancellation rides on the heartbeat, and the job ends as canceled", async () => {
  await using b = bench("leases");
  const task = await b.claimOne("run-1");
  b.server.jobs.get("run-1")!.cancel = true;
  assert.deepEqual(await b.source.heartbeat([{ task }], signal), ["cancel"]);
  assert.deepEqual(await b.settle(task, { kind: "cancelled", reason: "no need" }), ["settled"]);
  assert.equal(b.server.jobs.get("run-1")!.state, "Canceled");
});

Deno.test("leases, attempts and tokens are the server's; a stale token is told as lost", async () => {
  await using b = bench("leases");
  const task = await b.claimOne("run-1");
  assert.deepEqual([task.token, task.leaseMs, task.timeoutMs, task.maxAttempts], [
    "1",
    300_000,
    3_600_000,
    3,
  ]);
  b.server.jobs.get("run-1")!.token = 2;
  assert.deepEqual(await b.source.heartbeat([{ task }], signal), ["lost"]);
  assert.deepEqual(await b.settle(task, { kind: "done", output: RESPONSE }), ["lost"]);
});

Deno.test("a server of the first protocol is sent no tokens, asked for no waiting, and given back jobs as failed", async () => {
  await using b = bench("first", { waitSeconds: 10 });
  const task = await b.claimOne("run-1");
  assert.equal(task.leaseMs, undefined, "it has no leases, so none ends");
  await b.source.heartbeat([{ task }], signal);
  assert.deepEqual(await b.settle(task, { kind: "released", reason: "stopping" }), ["settled"]);
  assert.deepEqual(b.server.paths(), [
    "/workers/register",
    "/jobs/claim",
    "/jobs/run-1/heartbeat",
    "/jobs/run-1/release",
    "/jobs/run-1/failed",
  ]);
  assert.ok(b.server.calls.every(({ body }) => body.token === undefined));
  assert.equal(b.server.jobs.get("run-1")!.result?.message, "stopping");
});

Deno.test("two claims of one job in a server without tokens are told apart", async () => {
  await using b = bench("first");
  const first = await b.claimOne("run-1");
  const second = await b.claimOne("run-1");
  assert.ok(BigInt(second.token) > BigInt(first.token));
});

Deno.test("a claim waits at the server where it can, and only for the first job of a call", async () => {
  await using b = bench("leases", { waitSeconds: 30 });
  for (const id of ["a", "b"]) b.server.add(id);
  await b.claim(3);
  assert.deepEqual(b.server.paths(/register/), ["/jobs/claim?wait=10", "/jobs/claim", "/jobs/claim"]);
});

Deno.test("the server's interval holds where none is configured", async () => {
  for (
    const [protocol, toldInterval, pollMs] of [
      ["leases", true, 5000],
      ["leases", false, undefined],
      ["first", true, undefined],
    ] as const
  ) {
    await using b = bench(protocol, { toldInterval });
    assert.equal(b.source.pollMs!(), undefined);
    await b.claim(1);
    assert.equal(b.source.pollMs!(), pollMs);
  }
});

Deno.test("the name that the worker's token stands for is used in every call", async () => {
  await using b = bench("leases", { token: "secret" });
  b.server.intercept = ({ path }) =>
    path === "/workers/register"
      ? Response.json({
        worker_id: "bound-1",
        lease_seconds: 300,
        heartbeat_seconds: 150,
        poll_seconds: 5,
        max_wait_seconds: 60,
      })
      : undefined;
  const task = await b.claimOne("run-1");
  await b.source.heartbeat([{ task }], signal);
  await b.settle(task, { kind: "done", output: RESPONSE });
  assert.deepEqual(b.server.calls.slice(1).map(({ body }) => body.worker_id), [
    "bound-1",
    "bound-1",
    "bound-1",
  ]);
  assert.ok(b.server.calls.every(({ authorization }) => authorization === "Bearer secret"));
});

Deno.test("after a restart the jobs still held are known, and given back as lost attempts", async () => {
  await using b = bench("leases");
  for (const id of ["a", "b", "c"]) b.server.add(id);
  await b.claim(2);
  assert.deepEqual((await b.source.held!(signal)).map(({ id, token }) => [id, token]), [["a", "1"], [
    "b",
    "2",
  ]]);
  assert.equal(await b.source.abandonHeld!(signal), 2);
  assert.deepEqual([...b.server.jobs.values()].map(({ state }) => state), ["Pending", "Pending", "Pending"]);
  assert.match(String(b.server.jobs.get("a")!.result?.message), /stopped in the middle/);
});

Deno.test("a server of the first protocol cannot tell what is held, which is no error", async () => {
  await using b = bench("first");
  await b.claimOne("run-1");
  assert.deepEqual(await b.source.held!(signal), []);
  assert.equal(await b.source.abandonHeld!(signal), 0);
  await b.source.ping!(signal);
});

Deno.test("what is claimed is not lost because the next claim fails", async () => {
  await using b = bench("leases");
  for (const id of ["a", "b"]) b.server.add(id);
  let claims = 0;
  b.server.intercept = ({ path }) =>
    path === "/jobs/claim" && ++claims === 2 ? new Response(null, { status: 500 }) : undefined;
  assert.deepEqual((await b.claim(5)).map(({ id }) => id), ["a"]);
});

Deno.test("a server that asks to wait is left alone for that long", async () => {
  await using b = bench("leases");
  b.server.add("a");
  let busy = true;
  b.server.intercept = ({ path }) =>
    busy && path === "/jobs/claim"
      ? new Response(null, { status: 429, headers: { "retry-after": "20" } })
      : undefined;
  const refused = { name: "SourceError", message: /answered 429/, transient: true };
  await assert.rejects(b.claim(1), refused);
  busy = false;
  await assert.rejects(b.claim(1), refused);
  assert.equal(b.server.paths(/register/).length, 1);
  await b.clock.advance(20_000);
  assert.equal((await b.claim(1)).length, 1);
});

Deno.test("errors say what failed, and whether it may pass", async () => {
  await using b = bench("leases", { token: "secret" });
  const task = await b.claimOne("run-1");
  const answers: [number, RegExp, boolean][] = [
    [401, /answered 401.*JOBS_TOKEN/, false],
    [503, /answered 503/, true],
    [413, /answered 413/, false],
  ];
  for (const [status, message, transient] of answers) {
    b.server.intercept = () => new Response(null, { status });
    const failure = { name: "SourceError", message, transient };
    await assert.rejects(b.source.heartbeat([{ task }], signal), failure);
    await assert.rejects(b.settle(task, { kind: "done", output: RESPONSE }), failure);
    await assert.rejects(b.claim(1), failure);
    await assert.rejects(b.source.ping!(signal), failure);
  }
  b.server.intercept = undefined;
  assert.deepEqual(await b.source.settle([], signal), [], "only this outcome is at fault");
});

Deno.test("a report that is repeated after a doubtful failure is taken once", async () => {
  await using b = bench("leases");
  const task = await b.claimOne("run-1");
  const job = b.server.jobs.get("run-1")!;
  b.server.intercept = ({ path, body }) => {
    if (!path.endsWith("/complete")) return undefined;
    if (job.state === "Succeeded") return new Response(null, { status: 204 });
    Object.assign(job, { state: "Succeeded", result: body });
    return new Response(null, { status: 502 });
  };
  await assert.rejects(b.settle(task, { kind: "done", output: RESPONSE }), { transient: true });
  assert.deepEqual(await b.settle(task, { kind: "done", output: RESPONSE }), ["settled"]);
});

Deno.test("heartbeats come every half lease, or as often as is configured", () => {
  assert.equal(jobsLeaseTiming().intervalMs, 150_000);
  assert.equal(jobsLeaseTiming(20).intervalMs, 20_000);
});
