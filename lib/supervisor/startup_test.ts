import assert from "node:assert/strict";
import { type Config, ConfigError, loadConfig } from "../config.ts";
import type { Database } from "../database/database.ts";
import { tempDir } from "../testing/temp.ts";
import { banner, checkRequiredTables, startProblems, startWarnings, tableProblems } from "./startup.ts";

async function load(env: Record<string, string>): Promise<Config> {
  await using home = await tempDir();
  const { config } = await loadConfig({
    env: { HOME: home.path, ACTP_HOME: home.path, ...env },
    cwd: home.path,
    check: startProblems,
  });
  return config;
}

function databaseWith(...tables: string[]): Database {
  return {
    call: () => Promise.resolve({ tables: tables.map((name) => ({ name })) }),
  } as unknown as Database;
}

const FRAME = [
  "actp_agent_runs",
  "actp_agent_memory",
  "actp_agent_tasks",
  "actp_tool_call_log",
  "anthropic_cost_log",
];

Deno.test("ANTHROPIC_API_KEY is needed only where one of our agents is enabled", async () => {
  await load({});
  await load({ ENABLE_CONTENT_AGENT: "true", ANTHROPIC_API_KEY: "sk-1" });
  await assert.rejects(
    load({ ENABLE_CONTENT_AGENT: "true" }),
    /anthropicKey .* is missing, and needed for content-agent/,
  );
  await assert.rejects(
    load({ WORKER_AGENTS: "social,revenue" }),
    /needed for social-media-agent, revenue-agent/,
  );
});

Deno.test("a missing key is told together with all other problems", async () => {
  const error = await load({ ENABLE_CONTENT_AGENT: "true", MAX_CONCURRENT_TASKS: "many" }).then(
    () => assert.fail(),
    (error) => error,
  );
  assert.ok(error instanceof ConfigError);
  assert.deepEqual(error.problems.map(({ field }) => field).sort(), ["anthropicKey", "maxConcurrent"]);
});

Deno.test("what an enabled agent lacks is a warning, and nothing that concerns others", async () => {
  const env = { ENABLE_REVENUE_AGENT: "true", ANTHROPIC_API_KEY: "sk-1", STRIPE_SECRET_KEY: "s" };
  const warnings = startWarnings(await load(env));
  assert.deepEqual(warnings.map((line) => line.split(" ")[0]), ["TELEGRAM_BOT_TOKEN", "APPLE_KEY_ID"]);
  assert.deepEqual(
    startWarnings(await load({ ENABLE_CONTENT_AGENT: "true", ANTHROPIC_API_KEY: "sk-1" })),
    [],
  );
});

Deno.test("agents whose tables are missing are told with the command that makes them; the others go on", async () => {
  const config = await load({
    ENABLE_CONTENT_AGENT: "true",
    ENABLE_REVENUE_AGENT: "true",
    ANTHROPIC_API_KEY: "sk-1",
  });
  const missing = await checkRequiredTables(databaseWith(...FRAME, "actp_viral_templates"), config);
  const problems = tableProblems(missing);
  assert.deepEqual([...problems], [[
    "revenue-agent",
    "actp_revenue_goals, actp_weekly_snapshots are missing in the database; run `actp-worker db migrate`",
  ]]);
  assert.deepEqual(banner(config, problems), [
    "agent social-media-agent: disabled (ENABLE_SOCIAL_MEDIA_AGENT is false)",
    "agent content-agent: enabled",
    "agent acquisition-agent: disabled (ENABLE_ACQUISITION_AGENT is false)",
    `agent revenue-agent: cannot run: ${problems.get("revenue-agent")}`,
  ]);
});

Deno.test("without agents no table is asked for", async () => {
  const database = { call: () => assert.fail("the database was asked") } as unknown as Database;
  assert.equal((await checkRequiredTables(database, await load({}))).size, 0);
});
