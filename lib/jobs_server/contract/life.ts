/** The protocol: what becomes of jobs. */
import assert from "node:assert/strict";
import { drain, type Reply, RESPONSE, type Steps, WDL } from "./client.ts";

/** In the order in which they are run. */
export const LIFE: Steps = {
  async "a job goes from Pending over Running to Succeeded"(client) {
    const submitted = await client.submit({ wdl: WDL, inputs: { "hello.name": "Ada" } });
    assert.equal(submitted.status, 200);
    const { run_id } = submitted.body;
    const pending = await client.get(run_id);
    assert.equal(pending.status, 200);
    assert.deepEqual(
      [pending.body.run_id, pending.body.state, pending.body.worker_id, pending.body.result],
      [run_id, "Pending", null, null],
    );
    const claimed = await client.claim("w1");
    assert.equal(claimed.status, 200);
    assert.equal(claimed.body.run_id, run_id);
    assert.deepEqual(claimed.body.request, { wdl: WDL, inputs: { "hello.name": "Ada" }, options: {} });
    const running = await client.get(run_id);
    assert.deepEqual([running.body.state, running.body.worker_id, running.body.result], [
      "Running",
      "w1",
      null,
    ]);
    assert.equal((await client.tell(run_id, "heartbeat", { worker_id: "w1" })).status, 204);
    const complete = await client.tell(run_id, "complete", { worker_id: "w1", response: RESPONSE });
    assert.deepEqual([complete.status, complete.body], [204, ""]);
    const { body } = await client.get(run_id);
    assert.deepEqual([body.state, body.worker_id], ["Succeeded", "w1"]);
    assert.deepEqual(body.result, { type: "success", response: RESPONSE });
  },
  async "a job that failed tells why, with its stderr and exit code"(client) {
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    await client.claim("w1");
    const report = {
      worker_id: "w1",
      message: "task hello failed",
      stderr: "hello: not found\n",
      exit_code: 127,
    };
    assert.equal((await client.tell(run_id, "failed", report)).status, 204);
    const { body } = await client.get(run_id);
    assert.equal(body.state, "Failed");
    assert.deepEqual(body.result, {
      type: "failure",
      message: "task hello failed",
      stderr: "hello: not found\n",
      exit_code: 127,
    });
  },
  async "what old clients leave out comes as null"(client) {
    const { run_id } = (await client.submit({
      wdl: WDL,
      inputs: null,
      options: { task: null, run_id: null, base_dir: null },
    })).body;
    const { body } = await client.claim("w1");
    assert.deepEqual([body.run_id, body.request.options], [run_id, {}]);
    assert.equal((await client.tell(run_id, "failed", { worker_id: "w1", message: "no" })).status, 204);
  },
  async "without a job a claim is answered 204, with the time to come back"(client) {
    await drain(client);
    const { status, body, headers } = await client.claim("w1");
    assert.deepEqual([status, body, headers.get("retry-after")], [204, "", "5"]);
  },
  async "jobs are claimed in the order in which they came, one worker each"(client) {
    await drain(client);
    const ids = [];
    for (let n = 0; n < 3; n++) ids.push((await client.submit({ wdl: WDL, inputs: { n } })).body.run_id);
    const claimed = [await client.claim("w1"), await client.claim("w2"), await client.claim("w1")];
    assert.deepEqual(claimed.map(({ body }) => body.run_id), ids);
    assert.equal((await client.claim("w2")).status, 204);
  },
  async "concurrent claims never give one job to two"(client) {
    await drain(client);
    for (let n = 0; n < 20; n++) await client.submit({ wdl: WDL, inputs: { n } });
    const replies = await Promise.all(Array.from({ length: 30 }, (_, n) => client.claim(`w${n}`)));
    const ids = replies.filter(({ status }) => status === 200).map(({ body }) => body.run_id);
    assert.equal(ids.length, 20);
    assert.equal(new Set(ids).size, 20);
  },
  async "the worker's options come back as they were given"(client) {
    await drain(client);
    const options = { task: "hi", run_id: "named-1.a_b", base_dir: "/data" };
    assert.equal((await client.submit({ wdl: WDL, options })).body.run_id, "named-1.a_b");
    const { body } = await client.claim("w1");
    assert.deepEqual([body.run_id, body.request.options], ["named-1.a_b", options]);
  },
  async "a worker's own trouble is tried again, the workflow's is not"(client) {
    await drain(client);
    const { run_id } = (await client.submit({ wdl: WDL, max_attempts: 2 })).body;
    const { token } = (await client.claim("w1")).body;
    const report = { worker_id: "w1", token, message: "the disk is full", retry: true };
    assert.equal((await client.tell(run_id, "failed", report)).status, 204);
    assert.equal((await client.tell(run_id, "failed", report)).status, 204, "the same again");
    const { body } = await client.get(run_id);
    assert.deepEqual([body.state, body.worker_id, body.result], ["Pending", null, null]);
    assert.deepEqual(
      body.attempts.map((each: Reply["body"]) => [each.outcome, each.message, each.worker_id]),
      [["failed", "the disk is full", "w1"]],
    );
    await client.tell(run_id, "cancel", {}); // it comes due in a while
  },
  async "a waiting job is canceled at once, a running one when its worker has stopped"(client) {
    await drain(client);
    const waiting = (await client.submit({ wdl: WDL })).body.run_id;
    const canceled = await client.tell(waiting, "cancel", { reason: "no need" });
    assert.deepEqual([canceled.status, canceled.body.state], [200, "Canceled"]);
    assert.deepEqual((await client.get(waiting)).body.result.message, "canceled: no need");
    assert.equal((await client.claim("w1")).status, 204);

    const running = (await client.submit({ wdl: WDL })).body.run_id;
    await client.claim("w1");
    assert.equal((await client.tell(running, "heartbeat", { worker_id: "w1" })).status, 204);
    const asked = await client.tell(running, "cancel", {});
    assert.deepEqual([asked.body.state, asked.body.cancel_requested], ["Running", true]);
    const beat = await client.tell(running, "heartbeat", { worker_id: "w1" });
    assert.deepEqual([beat.status, beat.body.cancel], [200, true]);
    assert.equal((await client.tell(running, "failed", { worker_id: "w1", message: "stopped" })).status, 204);
    assert.equal((await client.get(running)).body.state, "Canceled");
    assert.equal((await client.tell(running, "cancel", {})).body.state, "Canceled");
  },
  async "a job that ran out of time says so"(client) {
    await drain(client);
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    await client.claim("w1");
    const report = { worker_id: "w1", message: "longer than an hour", timed_out: true };
    assert.equal((await client.tell(run_id, "failed", report)).status, 204);
    const { body } = await client.get(run_id);
    assert.deepEqual([body.state, body.result.type, body.result.message], [
      "TimedOut",
      "failure",
      "longer than an hour",
    ]);
  },
  async "a worker that was restarted finds what it holds"(client) {
    await drain(client);
    const { run_id } = (await client.submit({ wdl: WDL, inputs: { a: 1 } })).body;
    const claimed = (await client.claim("w-restarted")).body;
    const { status, body } = await client.call("GET", "/jobs/running?worker_id=w-restarted");
    assert.equal(status, 200);
    assert.deepEqual(body.jobs, [claimed]);
    assert.deepEqual((await client.call("GET", "/jobs/running?worker_id=w-idle")).body, { jobs: [] });
    assert.equal((await client.call("GET", "/jobs/running")).status, 400);
    await client.tell(run_id, "failed", { worker_id: "w-restarted", message: "no" });
  },
  async "a worker that registers is told its id and the server's intervals"(client) {
    const named = await client.call("POST", "/workers/register", { worker_id: "w1", hostname: "a" });
    assert.deepEqual([named.status, named.body], [200, {
      worker_id: "w1",
      lease_seconds: 300,
      heartbeat_seconds: 150,
      poll_seconds: 5,
      max_wait_seconds: 60,
    }]);
    const unnamed = await client.call("POST", "/workers/register", {});
    assert.match(unnamed.body.worker_id, /^worker-/);
    const taken = await client.call("POST", "/workers/register", { worker_id: "w1", hostname: "b" });
    assert.deepEqual([taken.status, taken.body.error.code], [409, "worker_id_taken"]);
  },
  async "a claim that waits gets the job as soon as it comes"(client) {
    await drain(client);
    const started = performance.now();
    const waiting = client.call("POST", "/jobs/claim?wait=30", { worker_id: "w1" });
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    const { status, body } = await waiting;
    assert.deepEqual([status, body.run_id], [200, run_id]);
    assert.ok(performance.now() - started < 10_000);
    assert.equal((await client.call("POST", "/jobs/claim?wait=0.2", { worker_id: "w1" })).status, 204);
  },
  async "a client that goes away while it waits loses no job"(client, { url }) {
    await drain(client);
    const { hostname, port, host } = new URL(url);
    const body = JSON.stringify({ worker_id: "gone" });
    const request = `POST /api/v1/jobs/claim?wait=30 HTTP/1.1\r\nHost: ${host}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`;
    for (let round = 0; round < 5; round++) {
      // Not by fetch, which closes its connection some time after an abort.
      const connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(new TextEncoder().encode(request));
      await client.call("GET", "/jobs?limit=1"); // by now the claim has arrived
      connection.close();
      const { run_id } = (await client.submit({ wdl: WDL, inputs: { round } })).body;
      const { status, body: job } = await client.call("POST", "/jobs/claim?wait=10", { worker_id: "w1" });
      assert.deepEqual([status, job.run_id, job.attempt], [200, run_id, 1]);
    }
  },
  async "jobs are listed by state, newest first, page by page"(client) {
    await drain(client);
    const ids = [];
    for (let n = 0; n < 3; n++) ids.unshift((await client.submit({ wdl: WDL, inputs: { n } })).body.run_id);
    const first = (await client.call("GET", "/jobs?state=Pending&limit=2")).body;
    const second = (await client.call("GET", `/jobs?state=Pending&limit=2&cursor=${first.next_cursor}`)).body;
    assert.deepEqual(
      [...first.jobs, ...second.jobs].slice(0, 3).map((each: Reply["body"]) => each.run_id),
      ids,
    );
    assert.equal("request" in first.jobs[0] || "result" in first.jobs[0], false);
    for (const query of ["state=Odd", "limit=0", "limit=x", "cursor=x"]) {
      assert.equal((await client.call("GET", `/jobs?${query}`)).status, 400, query);
    }
  },
  async "the API describes itself, and says that it lives and serves"(client, { url }) {
    const described = await (await fetch(`${url}/openapi.json`)).json();
    assert.match(described.openapi, /^3\.1\./);
    assert.ok(described.paths["/api/v1/jobs/{run_id}/heartbeat"].post.responses["409"]);
    assert.equal((await (await fetch(`${url}/health`)).json()).status, "ok");
    assert.deepEqual(await (await fetch(`${url}/ready`)).json(), { ready: true });
    assert.equal((await client.call("GET", "/openapi.json")).status, 200);
  },
};
