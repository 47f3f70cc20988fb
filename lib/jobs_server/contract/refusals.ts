/** The protocol: what is refused, and how. */
import assert from "node:assert/strict";
import { drain, type Reply, RESPONSE, type Steps, WDL } from "./client.ts";

/** In the order in which they are run. */
export const REFUSALS: Steps = {
  async "the same run_id with the same job is the same job, with another it is refused"(client) {
    await drain(client);
    const job = { wdl: WDL, inputs: { a: 1 }, options: { run_id: "once" } };
    const [one, two] = await Promise.all([client.submit(job), client.submit(job)]);
    assert.deepEqual([one.status, two.status, one.body.run_id, two.body.run_id], [200, 200, "once", "once"]);
    const other = await client.submit({ ...job, inputs: { a: 2 } });
    assert.deepEqual([other.status, other.body.error.code], [409, "conflicting_job"]);
    assert.equal((await client.claim("w1")).body.run_id, "once");
    assert.equal((await client.claim("w1")).status, 204, "it was put in twice");
  },
  async "the same Idempotency-Key with the same body is the same job, with another it is refused"(client) {
    const key = { "idempotency-key": "key-1" };
    const one = await client.submit({ wdl: WDL }, key);
    const two = await client.submit({ wdl: WDL }, key);
    assert.deepEqual([two.status, two.body.run_id], [200, one.body.run_id]);
    const other = await client.submit({ wdl: `${WDL}\n` }, key);
    assert.deepEqual([other.status, other.body.error.code], [409, "conflicting_job"]);
  },
  async "an unknown run_id is 404 everywhere"(client) {
    const replies = [
      await client.get("nobody"),
      await client.get(crypto.randomUUID()),
      await client.tell("nobody", "heartbeat", { worker_id: "w1" }),
      await client.tell("nobody", "complete", { worker_id: "w1", response: RESPONSE }),
      await client.tell("nobody", "failed", { worker_id: "w1", message: "no" }),
      await client.tell("nobody", "release", { worker_id: "w1" }),
      await client.tell("nobody", "cancel", {}),
    ];
    for (const { status, body } of replies) {
      assert.deepEqual([status, body.error.code], [404, "unknown_job"]);
      assert.match(body.error.message, /^There is no job /);
    }
  },
  async "another worker than the owner is refused with 403"(client) {
    await drain(client);
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    await client.claim("w1");
    const refused = async () => {
      for (
        const [verb, body] of [
          ["heartbeat", {}],
          ["complete", { response: RESPONSE }],
          ["failed", { message: "no" }],
        ] as const
      ) {
        const reply = await client.tell(run_id, verb, { worker_id: "w2", ...body });
        assert.deepEqual([reply.status, reply.body.error.code], [403, "not_owner"], verb);
      }
    };
    await refused();
    assert.equal(
      (await client.tell(run_id, "complete", { worker_id: "w1", response: RESPONSE })).status,
      204,
    );
    await refused();
    assert.deepEqual((await client.get(run_id)).body.result.response, RESPONSE);
  },
  async "what does not run takes no heartbeat"(client) {
    await drain(client);
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    const before = await client.tell(run_id, "heartbeat", { worker_id: "w1" });
    assert.deepEqual([before.status, before.body.error.code], [409, "not_running"]);
    await client.claim("w1");
    await client.tell(run_id, "failed", { worker_id: "w1", message: "no" });
    const after = await client.tell(run_id, "heartbeat", { worker_id: "w1" });
    assert.deepEqual([after.status, after.body.error.code], [409, "not_running"]);
  },
  async "a result is never overwritten: the same report again is taken, another is refused"(client) {
    await drain(client);
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    const { token } = (await client.claim("w1")).body;
    const done = { worker_id: "w1", token, response: RESPONSE };
    assert.equal((await client.tell(run_id, "complete", done)).status, 204);
    assert.equal((await client.tell(run_id, "complete", done)).status, 204);
    for (
      const [verb, body] of [
        ["complete", { ...done, response: { ...RESPONSE, outputs: {} } }],
        ["failed", { worker_id: "w1", token, message: "no" }],
        ["failed", { worker_id: "w1", message: "no" }],
      ] as const
    ) {
      const reply = await client.tell(run_id, verb, body);
      assert.deepEqual([reply.status, reply.body.error.code], [409, "conflicting_report"]);
    }
    assert.deepEqual((await client.get(run_id)).body.result, { type: "success", response: RESPONSE });
  },
  async "the same failure again is taken, another is refused"(client) {
    await drain(client);
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    await client.claim("w1");
    const report = { worker_id: "w1", message: "no", stderr: "x", exit_code: 1 };
    assert.equal((await client.tell(run_id, "failed", report)).status, 204);
    assert.equal((await client.tell(run_id, "failed", report)).status, 204);
    assert.equal((await client.tell(run_id, "failed", { ...report, exit_code: 2 })).status, 409);
    assert.equal(
      (await client.tell(run_id, "complete", { worker_id: "w1", response: RESPONSE })).status,
      409,
    );
    assert.equal((await client.get(run_id)).body.state, "Failed");
  },
  async "a stale token is refused with 409, and the attempt is on record"(client) {
    await drain(client);
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    const first = (await client.claim("w1")).body;
    assert.equal(first.attempt, 1);
    assert.equal(
      (await client.tell(run_id, "release", { worker_id: "w1", token: first.token })).status,
      204,
    );
    const second = (await client.claim("w1")).body;
    assert.equal(second.attempt, 1, "an attempt that was given back does not count");
    assert.notEqual(second.token, first.token);
    for (
      const [verb, body] of [
        ["heartbeat", {}],
        ["complete", { response: RESPONSE }],
        ["failed", { message: "no" }],
      ] as const
    ) {
      const reply = await client.tell(run_id, verb, { worker_id: "w1", token: first.token, ...body });
      assert.deepEqual([reply.status, reply.body.error.code], [409, "stale_token"], verb);
    }
    assert.equal(
      (await client.tell(run_id, "heartbeat", { worker_id: "w1", token: second.token })).status,
      204,
    );
    assert.deepEqual((await client.get(run_id)).body.attempts.map((each: Reply["body"]) => each.outcome), [
      "released",
    ]);
  },
  async "bad JSON and bad fields are 400, with the fields"(client) {
    const json = await client.submit(`{"wdl": `);
    assert.deepEqual([json.status, json.body.error.code], [400, "bad_json"]);
    const cases: [string, unknown, string][] = [
      ["/jobs", {}, "wdl"],
      ["/jobs", [], "the body"],
      ["/jobs", { wdl: 1 }, "wdl"],
      ["/jobs", { wdl: "" }, "wdl"],
      ["/jobs", { wdl: "a\0b" }, "wdl"],
      ["/jobs", { wdl: WDL, inputs: [] }, "inputs"],
      ["/jobs", { wdl: WDL, inputs: { a: "\ud800" } }, "inputs.a"],
      ["/jobs", { wdl: WDL, options: { taks: "a" } }, "options.taks"],
      ["/jobs", { wdl: WDL, max_attempts: 0 }, "max_attempts"],
      ["/jobs", { wdl: WDL, imports: { "a.wdl": 1 } }, "imports.a.wdl"],
      ["/jobs/claim", {}, "worker_id"],
      ["/jobs/claim", { worker_id: "" }, "worker_id"],
      ["/jobs/claim?wait=soon", { worker_id: "w1" }, "wait"],
      ["/jobs/x/heartbeat", { worker_id: "w1", token: "old" }, "token"],
      ["/jobs/x/complete", { worker_id: "w1" }, "response"],
      ["/jobs/x/complete", { worker_id: "w1", response: { status: "error" } }, "response.status"],
      ["/jobs/x/complete", { worker_id: "w1", response: { outputs: [] } }, "response.outputs"],
      ["/jobs/x/failed", { worker_id: "w1" }, "message"],
      ["/jobs/x/failed", { worker_id: "w1", message: "a", exit_code: 1.5 }, "exit_code"],
    ];
    for (const [path, body, field] of cases) {
      const reply = await client.call("POST", path, body);
      assert.deepEqual([reply.status, reply.body.error.code], [400, "bad_request"], JSON.stringify(body));
      assert.equal(reply.body.error.details[0].field, field, JSON.stringify(reply.body));
      assert.ok(reply.body.error.message.startsWith(field), reply.body.error.message);
    }
    const deep = await client.submit(`{"wdl": "x", "inputs": {"a": ${"[".repeat(5000)}${"]".repeat(5000)}}}`);
    assert.deepEqual([deep.status, deep.body.error.code], [400, "too_deep"]);
  },
  async "a run_id with path characters is refused"(client) {
    for (
      const run_id of ["../x", "a/b", "a\\b", "..", ".hidden", "", "a b", "x".repeat(129), "running", "claim"]
    ) {
      const { status, body } = await client.submit({ wdl: WDL, options: { run_id } });
      assert.deepEqual([status, body.error.details[0].field], [400, "options.run_id"], run_id);
    }
    for (const path of ["..%2F..%2Fetc", "a%2Fb", "%2e%2e%2fx", "a%00b"]) {
      assert.equal((await client.get(path)).status, 400, path);
    }
  },
  async "a body over 16 MiB is refused with 413, and what a program printed is kept in bounds"(client) {
    await drain(client);
    const large = await client.submit({ wdl: "x".repeat(16 * 2 ** 20) });
    assert.deepEqual([large.status, large.body.error.code], [413, "too_large"]);
    const { run_id } = (await client.submit({ wdl: WDL })).body;
    await client.claim("w1");
    const report = { worker_id: "w1", message: "m".repeat(100_000), stderr: `${"s".repeat(100_000)}\0end` };
    assert.equal((await client.tell(run_id, "failed", report)).status, 204);
    assert.equal((await client.tell(run_id, "failed", report)).status, 204);
    const { message, stderr } = (await client.get(run_id)).body.result;
    assert.deepEqual([message.length, stderr.length, stderr.endsWith("s\ufffdend")], [16_384, 65_536, true]);
  },
  async "what there is none of is 404, in the form of every other error"(client) {
    for (const [method, path] of [["GET", "/nothing"], ["DELETE", "/jobs/x"], ["PUT", "/jobs"]] as const) {
      const { status, body } = await client.call(method, path);
      assert.deepEqual([status, body.error.code], [404, "not_found"]);
    }
  },
};
