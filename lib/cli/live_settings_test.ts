import { deepEqual } from "node:assert/strict";
import { loadConfig } from "../config.ts";
import { CONFIG_FIELDS } from "../config/fields.ts";
import { openDaemonLog } from "../daemon/daemon_log.ts";
import { COMMANDS_ONLY } from "../daemon/reload.ts";
import type { Database } from "../database/database.ts";
import { createSchedule } from "../schedule/compose.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { createWorker } from "../worker.ts";

Deno.test("every setting either changes while the worker runs or says that it needs a restart", async () => {
  await using dir = await tempDir();
  const { config } = await loadConfig({
    flags: {},
    env: { ACTP_HOME: dir.path, HOME: dir.path },
    cwd: dir.path,
  });
  const database: Database = {
    description: "none",
    call: () => Promise.reject(new Error("nothing is called")),
    close: () => Promise.resolve(),
  };
  const clock = fakeClock();
  const log = openDaemonLog(config, undefined, []);
  try {
    const worker = await createWorker({ config, executors: [], database, clock });
    const schedule = createSchedule({
      config,
      database,
      clock,
      types: () => [],
      agents: [],
      actions: [],
      secrets: [],
    });
    const live = [...log.live, ...worker.live, ...schedule.live, COMMANDS_ONLY].flatMap(({ keys }) => keys);
    const unmarked = CONFIG_FIELDS.filter(({ restartNeeded }) => !restartNeeded).map(({ key }) => key);
    deepEqual(live.toSorted(), unmarked.toSorted());
  } finally {
    await log.dispose();
  }
});
