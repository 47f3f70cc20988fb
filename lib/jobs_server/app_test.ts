import assert from "node:assert/strict";
import { randomSecret } from "../control/token.ts";
import { claim as claimTasks } from "../database/contract/case.ts";
import { sqlClient } from "../database/contract/sql_client.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { openPostgres } from "../database/postgres.ts";
import { openSupabase } from "../database/supabase.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { startPostgrest } from "../testing/postgrest.ts";
import { needs } from "../testing/requirements.ts";
import { type Jobs, jobsApp, type JobsOptions } from "./app.ts";
import { createToken, listTokens, revokeToken } from "./tokens.ts";

const HOME = randomSecret();
const WDL = "version 1.0\nworkflow hello {}";

/** A client of one app, as the bearer of a secret. */
function caller(jobs: Jobs, secret: string | undefined = HOME) {
  const call = async (method: string, path: string, body?: unknown, init: RequestInit = {}) => {
    const response = await jobs.app.request(`/api/v1${path}`, {
      method,
      headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` },
      body: body === undefined ? undefined : JSON.stringify(body),
      ...init,
    });
    const text = await response.text();
    return { status: response.status, body: text && JSON.parse(text), headers: response.headers };
  };
  return {
    call,
    get: (path: string) => call("GET", path),
    post: (path: string, body: unknown, init?: RequestInit) => call("POST", path, body, init),
    claim: (worker_id: string) => call("POST", "/jobs/claim", { worker_id }),
    async submit(fields: Record<string, unknown> = {}): Promise<string> {
      return (await call("POST", "/jobs", { wdl: WDL, ...fields })).body.run_id;
    },
  };
}

/** Cannot be reached. */
const AWAY: Database = {
  description: "away",
  call: () => Promise.reject(new DatabaseError("nobody answers", { transient: true })),
  close: () => Promise.resolve(),
};

/** A migrated database behind one of the drivers, and SQL of somebody else. */
async function start(driver: "PostgreSQL" | "Supabase") {
  await using cleanup = new AsyncDisposableStack();
  const server = cleanup.use(await startPostgres());
  const rest = driver === "Supabase" ? cleanup.use(await startPostgrest(server.url)) : undefined;
  const { sql } = cleanup.use(sqlClient(server.url));
  const owner = openPostgres(server.url);
  cleanup.defer(() => owner.close());
  await owner.migrate();
  await rest?.reloadSchema();
  const database = rest ? openSupabase({ url: rest.url, key: rest.secretKey, realtime: false }) : owner;
  const owned = cleanup.move();
  return { database, sql, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** One database for all steps; each claims everything that it puts in. */
async function jobsSuite(test: Deno.TestContext, driver: "PostgreSQL" | "Supabase"): Promise<void> {
  await using subject = await start(driver);
  const { database, sql } = subject;
  const app = (options: Partial<JobsOptions> = {}) =>
    jobsApp({ database, homeToken: HOME, leaseSeconds: 300, ...options });
  const step = (name: string, fn: () => Promise<void>) =>
    // Connections open in one step and close after the last: the test as a whole is checked.
    test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
  /** As if all of it had happened three days ago. */
  const backdate = (taskId: string) =>
    sql(`update public.actp_workflow_tasks set claimed_at = claimed_at - interval '3 days',
        completed_at = completed_at - interval '3 days' where id = '${taskId}'`);
  const { post, get, claim, submit } = caller(app());

  await step("without a token, or with an unknown one, nothing is answered", async () => {
    for (const secret of [undefined, "", randomSecret(), "x".repeat(10_000)]) {
      const stranger = caller(app(), secret === undefined ? "" : secret);
      for (
        const [method, path] of [["GET", "/jobs"], ["POST", "/jobs/claim"], ["GET", "/jobs/x"]] as const
      ) {
        const { status, body, headers } = await stranger.call(method, path);
        assert.deepEqual([status, body.error.code], [401, "unauthorized"]);
        assert.equal(headers.get("www-authenticate"), "Bearer");
      }
    }
    assert.equal((await caller(app({ open: true }), "wrong").get("/jobs")).status, 401);
  });

  await step("a worker's token speaks for this worker only, and puts nothing in", async () => {
    const { secret, id } = await createToken(database, { workerId: "w1", name: "studio" });
    const worker = caller(app(), secret);
    const mine = await submit();
    const theirs = await submit();
    assert.equal((await worker.claim("w1")).body.run_id, mine);
    assert.equal((await claim("w2")).body.run_id, theirs);
    assert.equal((await worker.get(`/jobs/${mine}`)).status, 200);
    const registered = await worker.post("/workers/register", {});
    assert.equal(registered.body.worker_id, "w1");
    for (
      const refused of [
        await worker.claim("w2"),
        await worker.get(`/jobs/${theirs}`),
        await worker.get("/jobs"),
        await worker.get("/jobs/running?worker_id=w2"),
        await worker.post("/jobs", { wdl: WDL }),
        await worker.post(`/jobs/${mine}/cancel`, {}),
        await worker.post(`/jobs/${theirs}/heartbeat`, { worker_id: "w2" }),
        await worker.post(`/jobs/${theirs}/failed`, { worker_id: "w2", message: "no" }),
        await worker.post("/workers/register", { worker_id: "w2" }),
      ]
    ) assert.deepEqual([refused.status, refused.body.error.code], [403, "forbidden"]);
    assert.equal(
      (await worker.post(`/jobs/${mine}/complete`, { worker_id: "w1", response: { status: "ok" } })).status,
      204,
    );
    await post(`/jobs/${theirs}/failed`, { worker_id: "w2", message: "no" });

    await revokeToken(database, id);
    assert.equal((await worker.claim("w1")).status, 401);
    const [row] = await listTokens(database);
    assert.deepEqual([row!.name, row!.role, row!.worker_id], ["studio", "worker", "w1"]);
    assert.ok(row!.revoked_at && row!.last_used_at);
    assert.equal(JSON.stringify(row).includes(secret), false);
  });

  await step("a submitter's token puts in, looks and cancels, and does not work", async () => {
    const { secret } = await createToken(database, {});
    const submitter = caller(app(), secret);
    const id = await submitter.submit();
    assert.equal((await submitter.get(`/jobs/${id}`)).body.state, "Pending");
    assert.equal((await submitter.get("/jobs?limit=1")).body.jobs[0].run_id, id);
    assert.equal((await submitter.claim("w1")).status, 403);
    assert.equal((await submitter.post("/workers/register", {})).status, 403);
    assert.equal((await submitter.post(`/jobs/${id}/cancel`, {})).body.state, "Canceled");
  });

  await step("a lost lease puts the job back, and the last one makes it fail", async () => {
    const short = caller(app({ leaseSeconds: 0 }));
    const id = await submit({ max_attempts: 2 });
    const first = (await short.claim("gone")).body;
    const second = (await short.claim("gone too")).body;
    assert.deepEqual([first.run_id, second.run_id, second.attempt], [id, id, 2]);
    const late = await post(`/jobs/${id}/complete`, {
      worker_id: "gone",
      token: first.token,
      response: { status: "ok" },
    });
    assert.deepEqual([late.status, late.body.error.code], [409, "stale_token"]);
    assert.equal((await short.claim("w1")).status, 204);
    const { body } = await get(`/jobs/${id}`);
    assert.equal(body.state, "Failed");
    assert.match(body.result.message, /attempt 2 of 2: the worker stopped answering/);
    assert.deepEqual(
      body.attempts.map(({ worker_id, outcome }: Record<string, string>) => [worker_id, outcome]),
      [["gone", "lost"], ["gone too", "lost"]],
    );
  });

  await step("a heartbeat renews the lease and tells how far it is", async () => {
    const id = await submit();
    const { token } = (await caller(app({ leaseSeconds: 1 })).claim("w1")).body;
    const beat = { worker_id: "w1", token, progress: { percent: 40, message: "aligning" } };
    assert.equal((await post(`/jobs/${id}/heartbeat`, beat)).status, 204);
    const { body } = await get(`/jobs/${id}`);
    assert.deepEqual(body.progress, { percent: 40, message: "aligning" });
    assert.ok(Date.parse(body.lease_expires_at) - Date.parse(body.heartbeat_at) > 299_000);
    await post(`/jobs/${id}/failed`, { worker_id: "w1", message: "no" });
  });

  await step(
    "a job over its time limit ends with the next heartbeat, and its report comes too late",
    async () => {
      const id = await submit({ timeout_minutes: 1 });
      await claim("w1");
      const { body: { task_id } } = await get(`/jobs/${id}`);
      await backdate(task_id);
      const beat = await post(`/jobs/${id}/heartbeat`, { worker_id: "w1" });
      assert.deepEqual([beat.status, beat.body.error.code], [409, "timed_out"]);
      assert.equal((await get(`/jobs/${id}`)).body.state, "TimedOut");
      const late = await post(`/jobs/${id}/complete`, { worker_id: "w1", response: { status: "ok" } });
      assert.deepEqual([late.status, late.body.error.code], [409, "conflicting_report"]);
    },
  );

  await step("a job is a task: both doors show it, and either may do it", async () => {
    const id = await submit({ options: { run_id: "both-doors" } });
    const { body } = await get(`/jobs/${id}`);
    const [task] = await claimTasks(database, "direct", "wdl_run");
    assert.deepEqual([task!.id, task!.input_data], [body.task_id, { wdl: WDL, options: { run_id: id } }]);
    assert.equal((await get(`/jobs/${id}`)).body.worker_id, "direct");
    const output = { status: "ok", outputs: { "hello.a": 1 }, duration_ms: 5 };
    await database.call("actp_settle_tasks", {
      p_worker_id: "direct",
      p_settlements: [{ task_id: task!.id, token: task!.token, outcome: "done", output }],
    });
    assert.deepEqual((await get(`/jobs/${id}`)).body.result, { type: "success", response: output });

    const [made] = await database.call<{ id: string }[]>("actp_enqueue_tasks", {
      p_tasks: [{ task_type: "wdl_run", input_data: { wdl: WDL } }],
    });
    const claimed = (await claim("w1")).body;
    assert.deepEqual([claimed.run_id, claimed.request], [made!.id, {
      wdl: WDL,
      inputs: null,
      options: {},
    }]);
    await post(`/jobs/${made!.id}/failed`, { worker_id: "w1", message: "no" });
    const [other] = await database.call<{ id: string }[]>("actp_enqueue_tasks", {
      p_tasks: [{ task_type: "other" }],
    });
    assert.equal((await get(`/jobs/${other!.id}`)).status, 404, "a task of another type is no job");
    await database.call("actp_retry_task", { p_task_id: made!.id });
    assert.equal((await get(`/jobs/${made!.id}`)).body.state, "Pending");
    await post(`/jobs/${made!.id}/cancel`, {});
  });

  await step("a name that another task has as its id is refused", async () => {
    const id = await submit();
    const { status } = await post("/jobs", { wdl: WDL, options: { run_id: id } });
    assert.equal(status, 409);
    await post(`/jobs/${id}/cancel`, {});
  });

  await step(
    "a worker that does not confirm a cancel in time has its job canceled all the same",
    async () => {
      const id = await submit();
      await claim("w1");
      await post(`/jobs/${id}/cancel`, { within_seconds: 0, reason: "now" });
      await claim("w2"); // looks for what is over
      assert.equal((await get(`/jobs/${id}`)).body.state, "Canceled");
      assert.equal((await post(`/jobs/${id}/heartbeat`, { worker_id: "w1" })).status, 409);
    },
  );

  await step("a worker that claims tasks here as well keeps what it has told of itself", async () => {
    const worker = { worker_id: "direct", hostname: "h", capabilities: ["a", "wdl_run"], version: "1" };
    await database.call("actp_register_worker", { p_worker: worker });
    assert.equal((await post("/workers/register", { worker_id: "direct", hostname: "h" })).status, 200);
    const [row] = await database.call<{ capabilities: string[] }[]>("actp_list_workers", {
      p_worker_id: "direct",
    });
    assert.deepEqual(row!.capabilities, ["a", "wdl_run"]);
  });

  await step("pruning a settled task forgets its job's name", async () => {
    const id = await submit({ options: { run_id: "forgotten" } });
    const { body: { task_id } } = await get(`/jobs/${id}`);
    await post(`/jobs/${id}/cancel`, {});
    await backdate(task_id);
    await database.call("actp_prune", { p_task_days: 1, p_log_days: 0, p_worker_days: 0 });
    assert.equal((await get(`/jobs/${id}`)).status, 404);
    assert.equal(await submit({ inputs: { other: 1 }, options: { run_id: "forgotten" } }), "forgotten");
    await post("/jobs/forgotten/cancel", {});
  });

  await step("a body over the bound of this server is refused", async () => {
    const small = caller(app({ maxBodyBytes: 1000 }));
    const { status, body } = await small.post("/jobs", { wdl: "x".repeat(1000) });
    assert.deepEqual([status, body.error.code], [413, "too_large"]);
  });

  await step("a database that is away is 503, with the time to come back", async () => {
    const away = caller(jobsApp({ database: AWAY, homeToken: HOME, leaseSeconds: 300 }));
    const { status, body, headers } = await away.get("/jobs");
    assert.deepEqual([status, body.error.code, headers.get("retry-after")], [
      503,
      "database_unavailable",
      "5",
    ]);
  });
}

Deno.test({
  name: "the jobs API on PostgreSQL",
  ...await needs("postgres"),
  fn: (test) => jobsSuite(test, "PostgreSQL"),
});

Deno.test({
  name: "the jobs API on Supabase",
  ...await needs("postgres", "postgrest"),
  fn: (test) => jobsSuite(test, "Supabase"),
});
