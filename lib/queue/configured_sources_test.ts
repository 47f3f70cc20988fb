import assert from "node:assert/strict";
import { loadConfig } from "../config.ts";
import type { Database } from "../database/database.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { jobsStandIn } from "../testing/jobs_stand_in.ts";
import { tempDir } from "../testing/temp.ts";
import { configuredSources } from "./configured_sources.ts";
import { Outage } from "./outage.ts";

const never = new AbortController().signal;
const GENLITE = { ENABLE_LEGACY_REMOTION_POLLER: "true", GENLITE_URL: "https://g.example", GENLITE_KEY: "k" };
const SUPABASE = { SUPABASE_URL: "https://s.example", SUPABASE_SECRET_KEY: "k" };

async function sources(env: Record<string, string>) {
  await using dir = await tempDir();
  const { config } = await loadConfig({ env: { ACTP_HOME: dir.path, ...env }, cwd: dir.path });
  const clock = fakeClock();
  const database: Database = { description: "none", call: () => assert.fail(), close: () => assert.fail() };
  return configuredSources(config, database, new Outage("the database", clock), clock);
}

Deno.test("the task table is a source unless it is turned off, the others where they are turned on and set", async () => {
  const names = async (env: Record<string, string>) => (await sources(env)).map(({ source }) => source.name);
  await using _ = capturedLog();
  assert.deepEqual(await names({}), ["workflow"]);
  assert.deepEqual(await names({ ENABLE_WORKFLOW_TASKS: "false", ...GENLITE }), ["genlite"]);
  assert.deepEqual(
    await names({ ENABLE_LEGACY_MPLITE_POLLER: "true", JOBS_SERVER_URL: "http://127.0.0.1:1" }),
    [
      "workflow",
      "jobs",
    ],
  );
});

Deno.test("a claim waits at the jobs server only where no other queue needs its places", async () => {
  for (const [other, path] of [["true", "/jobs/claim"], ["false", "/jobs/claim?wait=10"]] as const) {
    await using server = jobsStandIn("leases");
    const found = await sources({ ENABLE_WORKFLOW_TASKS: other, JOBS_SERVER_URL: server.url });
    await found.at(-1)!.source.claim(["wdl_run"], 1, never);
    assert.deepEqual(server.paths(/register/), [path]);
  }
});

Deno.test("GenLite without a place to upload renders to is warned of, since each render would be in vain", async () => {
  const warned = async (env: Record<string, string>) => {
    await using log = capturedLog();
    await sources({ ...GENLITE, ...env });
    return log.messages("legacy").some((message) =>
      /nowhere to upload them \(set SUPABASE_URL\)/.test(message)
    );
  };
  assert.equal(await warned({}), true);
  assert.equal(await warned({ REMOTION_PROJECT_DIR: "/p", REMOTION_SERVICE_URL: "https://r.example" }), true);
  assert.equal(await warned({ REMOTION_SERVICE_URL: "https://r.example" }), false);
  assert.equal(await warned(SUPABASE), false);
});
