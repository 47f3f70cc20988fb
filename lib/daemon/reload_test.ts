import assert from "node:assert/strict";
import { type Config, loadConfig } from "../config.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { changedFields, fieldName, type LiveSetting, Reloader } from "./reload.ts";

/** A reloader over a real configuration, whose environment the test changes. */
async function setUp(home: string, live: (seen: Config[]) => LiveSetting[]) {
  let env: Record<string, string> = { ACTP_HOME: home, HOME: home };
  const load = () => loadConfig({ flags: {}, env, cwd: home, hostname: "machine" });
  const seen: Config[] = [];
  const { config } = await load();
  const reloader = new Reloader({ config, load, live: live(seen), clock: fakeClock(0) });
  return { seen, reloader, change: (more: Record<string, string>) => void (env = { ...env, ...more }) };
}

const levelOnly = (
  seen: Config[],
): LiveSetting[] => [{ keys: ["logLevel"], apply: (config) => void seen.push(config) }];

Deno.test("a field that can change while running is applied, and the rest stays as it was", async () => {
  await using dir = await tempDir();
  const { reloader, change, seen } = await setUp(dir.path, levelOnly);
  change({ WORKER_LOG_LEVEL: "debug", WORKER_ID: "other" });
  const report = await reloader.reload();
  assert.deepEqual(report, {
    at: "1970-01-01T00:00:00.000Z",
    applied: ["logLevel"],
    restartNeeded: ["workerId"],
    problems: [],
  });
  assert.equal(seen[0]!.logLevel, "debug");
  assert.equal(seen[0]!.workerId, "worker-machine");
  assert.equal(reloader.config.workerId, "worker-machine");
});

Deno.test("what needs a restart is told again until it has come, and what was applied is not", async () => {
  await using dir = await tempDir();
  const { reloader, change, seen } = await setUp(dir.path, levelOnly);
  change({ WORKER_LOG_LEVEL: "debug", WORKER_ID: "other" });
  await reloader.reload();
  const { applied, restartNeeded } = await reloader.reload();
  assert.deepEqual([applied, restartNeeded, seen.length], [[], ["workerId"], 1]);
});

Deno.test("a wrong configuration changes nothing, and every problem is told", async () => {
  await using dir = await tempDir();
  const { reloader, change, seen } = await setUp(dir.path, levelOnly);
  change({ WORKER_LOG_LEVEL: "debug", WORKER_MAX_CONCURRENT: "none", WORKER_HEALTH_PORT: "-1" });
  const { applied, problems } = await reloader.reload();
  assert.deepEqual([applied, seen], [[], []]);
  assert.equal(problems.length, 2);
  assert.match(problems.join("\n"), /maxConcurrent .*environment WORKER_MAX_CONCURRENT/);
  assert.equal(reloader.config.logLevel, "info");
});

Deno.test("a changed field that nothing in this program can apply is told to need a restart", async () => {
  await using dir = await tempDir();
  const { reloader, change } = await setUp(dir.path, () => []);
  change({ WORKER_LOG_LEVEL: "debug" });
  assert.deepEqual((await reloader.reload()).restartNeeded, ["logLevel"]);
});

Deno.test("what cannot be applied is a problem, and is tried again next time", async () => {
  await using dir = await tempDir();
  let broken = true;
  const { reloader, change } = await setUp(dir.path, () => [{
    keys: ["logLevel"],
    apply() {
      if (broken) throw new Error("it is stuck");
    },
  }]);
  change({ WORKER_LOG_LEVEL: "debug" });
  assert.deepEqual((await reloader.reload()).problems, [
    "Cannot apply logLevel (WORKER_LOG_LEVEL): it is stuck",
  ]);
  broken = false;
  assert.deepEqual((await reloader.reload()).applied, ["logLevel"]);
});

Deno.test("a failure that is no ConfigError is told as well", async () => {
  await using dir = await tempDir();
  const { config } = await loadConfig({ flags: {}, env: { ACTP_HOME: dir.path }, cwd: dir.path });
  const load = () => Promise.reject(new Error("the disk is gone"));
  const reloader = new Reloader({ config, load, live: [], clock: fakeClock() });
  assert.deepEqual((await reloader.reload()).problems, ["the disk is gone"]);
});

Deno.test("reloads that are asked for together happen one after the other", async () => {
  await using dir = await tempDir();
  const order: string[] = [];
  const { reloader, change } = await setUp(dir.path, () => [{
    keys: ["logLevel"],
    async apply({ logLevel }) {
      order.push(`begin ${logLevel}`);
      await Promise.resolve();
      order.push(`end ${logLevel}`);
    },
  }]);
  change({ WORKER_LOG_LEVEL: "debug" });
  const first = reloader.reload();
  const second = first.then(() => (change({ WORKER_LOG_LEVEL: "error" }), reloader.reload()));
  await Promise.all([first, reloader.reload(), second]);
  assert.deepEqual(order, ["begin debug", "end debug", "begin error", "end error"]);
});

Deno.test("no change is no change, and fields are named as people know them", async () => {
  await using dir = await tempDir();
  const { config } = await loadConfig({ flags: {}, env: { ACTP_HOME: dir.path }, cwd: dir.path });
  assert.deepEqual(changedFields(config, structuredClone(config)), []);
  assert.equal(fieldName("logLevel"), "logLevel (WORKER_LOG_LEVEL)");
});
