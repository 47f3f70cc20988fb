/** The jobs protocol, raw HTTP against a real server process: written from the protocol's description alone. */
import assert from "node:assert/strict";
import { openPostgres } from "../database/postgres.ts";
import { type JobsServerProcess, startJobsServer } from "../testing/jobs_server.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { drain, oldClient, WDL } from "./contract/client.ts";
import { LIFE } from "./contract/life.ts";
import { REFUSALS } from "./contract/refusals.ts";

async function runSteps(test: Deno.TestContext, server: JobsServerProcess): Promise<void> {
  const client = oldClient(server.url);
  for (const [name, step] of Object.entries({ ...LIFE, ...REFUSALS })) {
    await test.step(name, () => step(client, server));
  }
}

Deno.test("the jobs server on the embedded database", async (test) => {
  await using home = await tempDir();
  await using server = await startJobsServer(home.path, { args: ["--open"] });
  await runSteps(test, server);
  await test.step("it stops in good order while a claim waits, and leaves no trace in its folder", async () => {
    const waiting = fetch(`${server.url}/api/v1/jobs/claim?wait=50`, {
      method: "POST",
      body: JSON.stringify({ worker_id: "w1" }),
    }).then((response) => response.body?.cancel().then(() => response.status) ?? response.status);
    await drain(oldClient(server.url));
    const started = performance.now();
    assert.equal(await server.stop(), 0);
    assert.ok(performance.now() - started < 5000);
    assert.ok([200, 204].includes(await waiting));
    const left = [...Deno.readDirSync(home.path)].map(({ name }) => name);
    assert.equal(left.includes("jobs-server.json") || left.includes("worker.pid"), false);
    assert.doesNotMatch(await server.log(), new RegExp(server.token));
  });
});

Deno.test({
  name: "the jobs server on PostgreSQL",
  ...await needs("postgres"),
  async fn(test) {
    await using postgres = await startPostgres();
    const url = await postgres.createDatabase();
    const database = openPostgres(url);
    await database.migrate();
    await database.close();
    await using home = await tempDir();
    await using server = await startJobsServer(home.path, { args: ["--open"], env: { DATABASE_URL: url } });
    await runSteps(test, server);
    await test.step("another server on the same database gives back a job whose worker fell silent", async () => {
      await using folder = await tempDir();
      await using other = await startJobsServer(folder.path, {
        args: ["--open"],
        env: { DATABASE_URL: url, JOBS_LEASE_SECONDS: "1" },
      });
      const client = oldClient(other.url);
      await drain(client);
      const { run_id } = (await client.submit({ wdl: WDL })).body;
      const claimed = (await client.claim("silent")).body;
      assert.deepEqual([claimed.run_id, claimed.lease_seconds, claimed.heartbeat_seconds], [run_id, 1, 0.5]);
      const again = await oldClient(server.url).call("POST", "/jobs/claim?wait=20", { worker_id: "w1" });
      assert.deepEqual([again.body.run_id, again.body.attempt], [run_id, 2]);
      const late = await client.tell(run_id, "complete", { worker_id: "silent", response: {} });
      assert.deepEqual([late.status, late.body.error.code], [403, "not_owner"]);
      assert.equal((await client.get(run_id)).body.attempts[0].outcome, "lost");
    });
  },
});
