/** The seed's migration plan, phase by phase, and the v1 names. */
import assert from "node:assert/strict";
import { type Config, loadConfig } from "../config.ts";
import { legacySources } from "../queue/configured_sources.ts";
import { tempDir } from "../testing/temp.ts";
import { cronLoops } from "./settings.ts";

const V1 = {
  MPLITE_URL: "https://m.example",
  MPLITE_KEY: "k",
  GENLITE_URL: "https://g.example",
  GENLITE_KEY: "k",
  METRICSLITE_URL: "https://metrics.example",
  PUBLISHLITE_URL: "https://publish.example",
  CONTENTLITE_URL: "https://content.example",
  RESEARCHLITE_URL: "https://research.example",
  CRON_SECRET: "s",
};
const LOOPS = ["RESEARCH", "SCORING", "PUBLISHING", "METRICS", "REMOTION", "MPLITE"];
const on = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [`ENABLE_LEGACY_${name}_POLLER`, "true"]));

async function load(env: Record<string, string>): Promise<Config> {
  await using dir = await tempDir();
  return (await loadConfig({ env: { ACTP_HOME: dir.path, ...env }, cwd: dir.path })).config;
}

const running = (config: Config) => [
  ...config.enableWorkflowTasks ? ["workflow"] : [],
  ...cronLoops(config).filter(({ enabled, calls }) => enabled && calls.length > 0).map(({ name }) => name),
  ...legacySources(config).filter(({ enabled, missing }) => enabled && !missing).map(({ name }) => name),
];
const ALL = ["research", "scoring", "publishing", "metrics", "mplite", "remotion"];

Deno.test("phase 1: without workflow tasks and with all loops it does what version 1 did", async () => {
  const config = await load({ ...V1, ...on(...LOOPS), ENABLE_WORKFLOW_TASKS: "false" });
  assert.deepEqual(running(config), ALL);
});

Deno.test("phase 2: workflow tasks and the loops run side by side", async () => {
  assert.deepEqual(running(await load({ ...V1, ...on(...LOOPS) })), ["workflow", ...ALL]);
});

Deno.test("phase 3: each loop is turned off by itself", async () => {
  for (const name of LOOPS) {
    const config = await load({ ...V1, ...on(...LOOPS.filter((other) => other !== name)) });
    assert.deepEqual(running(config), ["workflow", ...ALL.filter((loop) => loop !== name.toLowerCase())]);
  }
});

Deno.test("phase 4: without any of their settings no loop runs", async () => {
  assert.deepEqual(running(await load({})), ["workflow"]);
  assert.deepEqual(running(await load(V1)), ["workflow"]);
});

Deno.test("the names of version 1 turn the loops on as well", async () => {
  for (const name of LOOPS) {
    const config = await load({ ...V1, [`ENABLE_${name}_POLLER`]: "true" });
    assert.deepEqual(running(config), ["workflow", name.toLowerCase()]);
  }
});

Deno.test("a loop that lacks a setting says which", async () => {
  const config = await load(on(...LOOPS));
  assert.deepEqual(cronLoops(config).map(({ name, missing }) => `${name}: ${missing}`), [
    "research: CRON_SECRET and RESEARCHLITE_URL",
    "scoring: CRON_SECRET and METRICSLITE_URL",
    "publishing: CRON_SECRET and PUBLISHLITE_URL or CONTENTLITE_URL",
    "metrics: CRON_SECRET and METRICSLITE_URL",
  ]);
  assert.deepEqual(legacySources(config).map(({ missing }) => missing), [
    "MPLITE_URL and MPLITE_KEY",
    "GENLITE_URL and GENLITE_KEY",
  ]);
});

Deno.test("each loop calls the routes of its service, at the intervals of version 1", async () => {
  const config = await load({ ...V1, ...on(...LOOPS), SCORING_PATHS: "/a,/b" });
  assert.deepEqual(
    cronLoops(config).map((
      { name, everyMs, calls },
    ) => [name, everyMs / 60_000, calls.map(({ url }) => url)]),
    [
      ["research", 60, [
        "https://research.example/api/cron/collect-hashtags",
        "https://research.example/api/cron/collect-ads",
        "https://research.example/api/cron/extract-blueprints",
      ]],
      ["scoring", 30, ["https://metrics.example/a", "https://metrics.example/b"]],
      ["publishing", 15, [
        "https://publish.example/api/cron/publish-scheduled",
        "https://content.example/api/cron/generate-variants",
      ]],
      ["metrics", 5, [
        "https://metrics.example/api/cron/organic-metrics",
        "https://metrics.example/api/cron/threshold-check",
      ]],
    ],
  );
});
