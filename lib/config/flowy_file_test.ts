import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError, loadConfig } from "../config.ts";
import { tempDir } from "../testing/temp.ts";

const TEXT = `
SERVER_URL = "http://10.0.0.5:3030/" # in the local network
DEBUG = true
WORKER_ID = "mac-1"
HEARTBEAT_SECS = 30
POLL_SECS = 2.5
MAX_JOBS = 4
SOMETHING_ELSE = [1, 2]
`;

async function load(text: string, env: Record<string, string> = {}) {
  await using home = await tempDir();
  await Deno.writeTextFile(join(home.path, ".flowy"), text);
  return await loadConfig({ env: { HOME: home.path, ...env }, cwd: home.path });
}

Deno.test("every field of ~/.flowy is read, and what it does not know is somebody else's", async () => {
  const { config, origins } = await load(TEXT);
  assert.deepEqual(
    [
      config.jobsServerUrl,
      config.workerId,
      config.jobsHeartbeatSeconds,
      config.jobsPollSeconds,
      config.jobsMax,
    ],
    ["http://10.0.0.5:3030", "mac-1", 30, 2.5, 4],
  );
  assert.equal(config.logLevel, "debug");
  assert.deepEqual(origins.jobsMax, { source: "~/.flowy", name: "MAX_JOBS" });
});

Deno.test("anything that the worker's own configuration sets goes before it", async () => {
  const { config } = await load(TEXT, { MAX_JOBS: "2", WORKER_ID: "mine" });
  assert.deepEqual([config.jobsMax, config.workerId, config.jobsPollSeconds], [2, "mine", 2.5]);
});

Deno.test("--poll-interval is for both kinds of polling, as in the programs that this one replaces", async () => {
  await using home = await tempDir();
  const source = { env: { HOME: home.path, POLL_SECS: "9" }, cwd: home.path };
  const { config } = await loadConfig({ ...source, flags: { pollInterval: "3" } });
  assert.deepEqual([config.jobsPollSeconds, config.taskPollSeconds], [3, 3]);
  assert.equal((await loadConfig({ ...source, env: { HOME: home.path } })).config.jobsPollSeconds, undefined);
});

Deno.test("what is wrong in it is told by its field, or as no TOML", async () => {
  for (
    const [text, message] of [
      [`SERVER_URL = "jobs"`, /jobsServerUrl \(~\/\.flowy SERVER_URL\) must be an http/],
      [`MAX_JOBS = 1.5`, /jobsMax \(~\/\.flowy MAX_JOBS\) must be a whole number/],
      [`WORKER_ID = "a b"`, /workerId \(~\/\.flowy WORKER_ID\) must be 1 to 128/],
      [`SERVER_URL = `, /cannot be used: it is not TOML/],
    ] as const
  ) {
    await assert.rejects(load(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      return true;
    });
  }
});
