import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { listBackups } from "../database/dump/backups.ts";
import { openEmbedded } from "../database/embedded.ts";
import { currentDump } from "../database/embedded_folder.ts";
import { placeEmbedded } from "../testing/embedded_database.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { driveClock } from "../testing/drive_clock.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { tempDir } from "../testing/temp.ts";
import { closeWithBackup, dailyBackups, programMark } from "./backups.ts";

const HOUR_MS = 3_600_000;
const START = Date.parse("2026-11-01T00:00:00Z");

Deno.test("a dump is taken soon after the start and then every day, and one that fails is tried again", async () => {
  await using dir = await tempDir();
  await using log = capturedLog();
  const clock = fakeClock(START);
  const policy = { folder: join(dir.path, "backups"), keep: 2 };
  const snapshot = join(dir.path, "snapshot");
  const dumped: number[] = [];
  const stop = new AbortController();
  const service = dailyBackups({
    clock,
    policy,
    intervalMs: 24 * HOUR_MS,
    minFreeBytes: 0,
    database: { folder: dir.path, snapshot: () => Deno.mkdir(snapshot).then(() => snapshot) },
    async dump(from, file) {
      ok((await Deno.stat(from)).isDirectory);
      const hours = (clock.now() - START) / HOUR_MS;
      if (hours > 47 && hours < 50) throw new Error("the disk is full");
      await Deno.writeTextFile(file, "dump");
      dumped.push(Math.floor(hours));
      if (dumped.length === 3) stop.abort();
    },
  });
  await driveClock(clock, service.run(stop.signal), HOUR_MS);
  // The clock may have gone on by a step while files were written.
  [[0, 1], [24, 26], [50, 51]].forEach(([least, most], i) =>
    ok(dumped[i]! >= least! && dumped[i]! <= most!, `${dumped}`)
  );
  equal((await listBackups(policy.folder)).length, 2);
  ok(log.messages("daemon.backup").some((message) => message.includes("not dumped: the disk is full")));
  equal(await Deno.stat(snapshot).catch(() => "gone"), "gone");
});

Deno.test("a stop dumps a small database, a large one only for an upgrade, and closes it whatever happens", async () => {
  await using dir = await tempDir();
  await using log = capturedLog();
  const folder = join(dir.path, "db");
  const policy = { folder: join(dir.path, "backups"), keep: 1 };
  await placeEmbedded(folder);
  const reopened = () => openEmbedded(folder);
  await closeWithBackup(await reopened(), policy, { upgrading: false, limitBytes: 0 });
  deepEqual(await listBackups(policy.folder), []);
  await closeWithBackup(await reopened(), policy, { upgrading: true, limitBytes: 0 });
  const [backup] = await listBackups(policy.folder);
  deepEqual([backup!.reason, (await currentDump(folder))!.file], ["stop", backup!.file]);
  await closeWithBackup(await reopened(), { folder: "/proc/nowhere", keep: 1 }, { upgrading: false });
  ok(log.messages("daemon.backup").some((message) => message.includes("not dumped at the end")));
  equal(await currentDump(folder), undefined);
  await closeWithBackup(await reopened(), { ...policy, keep: 0 }, { upgrading: true });
  equal((await listBackups(policy.folder)).length, 1);
});

Deno.test("a program whose file was replaced is being upgraded", async () => {
  await using dir = await tempDir();
  const program = join(dir.path, "program");
  await Deno.writeTextFile(program, "old");
  const replaced = await programMark(program);
  equal(await replaced(), false);
  await Deno.writeTextFile(`${program}.new`, "new");
  await Deno.rename(`${program}.new`, program);
  equal(await replaced(), true);
});
