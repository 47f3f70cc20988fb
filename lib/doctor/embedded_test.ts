import { deepEqual, match } from "node:assert/strict";
import { join } from "node:path";
import { backupName } from "../database/dump/backups.ts";
import { rememberCurrentDump } from "../database/embedded_folder.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { backupCheck, restingDatabaseCheck } from "./embedded.ts";

const NOW = Date.parse("2026-11-29T12:00:00Z");

Deno.test("data of another PostgreSQL is a problem, unless a dump holds all of it", async () => {
  await using home = await tempDir();
  const { run } = restingDatabaseCheck(home.path);
  const data = join(home.path, "db", "data");
  match((await run()).detail, /made when the worker starts/);
  await Deno.mkdir(join(data, "global"), { recursive: true });
  await Deno.writeTextFile(join(data, "global", "pg_control"), "control");
  await Deno.writeTextFile(join(data, "PG_VERSION"), "18\n");
  match((await run()).detail, /PostgreSQL 18; looked into/);
  await Deno.writeTextFile(join(data, "PG_VERSION"), "17\n");
  await Deno.writeTextFile(join(home.path, "db", "made_by.json"), `{"program": "0.9.0"}`);
  const { status, fix } = await run();
  deepEqual(status, "fail");
  match(fix!, /db dump once with actp-worker 0\.9\.0/);
  await rememberCurrentDump(join(home.path, "db"), { file: "/the/dump", sha256: "sum" });
  const carried = await run();
  deepEqual(carried.status, "ok");
  match(carried.detail, /carried over at the next start from \/the\/dump/);
});

Deno.test("a daily dump that is late is told while the worker runs", async () => {
  await using home = await tempDir();
  const look = (running: boolean, backupHours = 24) =>
    backupCheck({ home: home.path, backupKeep: 7, backupHours }, { running, clock: fakeClock(NOW) }).run();
  match((await look(true)).detail, /no dump of the database yet/);
  await Deno.mkdir(join(home.path, "backups"));
  await Deno.writeTextFile(join(home.path, "backups", backupName("daily", NOW - 50 * 3_600_000)), "");
  const late = await look(true);
  deepEqual(late.status, "warn");
  match(late.detail, /50 h ago/);
  deepEqual((await look(false)).status, "ok");
  match((await look(true, 0)).detail, /no daily dumps/);
  await Deno.writeTextFile(join(home.path, "backups", backupName("stop", NOW - 3_600_000)), "");
  deepEqual((await look(true)).status, "ok");
});
