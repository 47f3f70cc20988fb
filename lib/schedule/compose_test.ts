import assert from "node:assert/strict";
import { join } from "node:path";
import { type Config, CONFIG_FIELDS, loadConfig } from "../config.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { BUILT_IN_ACTIONS } from "./actions/builtin.ts";
import { createSchedule } from "./compose.ts";

Deno.test("routines and heartbeat actions are changed, added and switched off without a restart", async () => {
  await using home = await tempDir();
  await using _log = capturedLog();
  const load = async (settings: Record<string, unknown>) => {
    await Deno.writeTextFile(join(home.path, "config.json"), JSON.stringify(settings));
    const env = { HOME: home.path, ACTP_HOME: home.path, ENABLE_CONTENT_AGENT: "true" };
    return (await loadConfig({ env, cwd: home.path })).config;
  };
  const pipeline = {
    id: "content.pipeline",
    description: "",
    cron: "0 6 * * *",
    goal: "write",
    enabled: true,
  };
  const schedule = createSchedule({
    config: await load({}),
    database: {
      description: "none",
      call: () => Promise.reject(new Error("nobody asks")),
      close: () => Promise.resolve(),
    },
    clock: fakeClock(),
    types: () => [],
    agents: [{ id: "content-agent", routines: [pipeline] }],
    actions: BUILT_IN_ACTIONS,
    secrets: [],
  });
  const known = () => {
    const { routines, on } = schedule.scheduler!.status();
    return { routines, on };
  };
  assert.deepEqual(known(), { routines: 4, on: 4 });
  const reload = (config: Config) => schedule.live.forEach(({ apply }) => apply(config));
  reload(
    await load({
      routines: [{ id: "content.pipeline", enabled: false }, { id: "own", everySeconds: 60, task: "echo" }],
      heartbeat: { actions: [{ name: "task-scan", enabled: false }] },
    }),
  );
  assert.deepEqual(known(), { routines: 5, on: 3 });
  reload(await load({ heartbeat: { enabled: false } }));
  assert.deepEqual(known(), { routines: 4, on: 1 });
  schedule.close();
  const fixed = CONFIG_FIELDS.filter(({ key, restartNeeded }) =>
    restartNeeded && schedule.live.some(({ keys }) => (keys as readonly string[]).includes(key))
  );
  assert.deepEqual(fixed, [], "a reload passes over what is said to need a restart");
});
