import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { dumpContent } from "../testing/dump_file.ts";
import { FORMER_ENGINE } from "../testing/former_engine.ts";
import { tempDir } from "../testing/temp.ts";
import { enqueue, get } from "./contract/case.ts";
import { listBackups, migrateWithBackup, surplusBackups, takeBackup } from "./dump/backups.ts";
import { writeDump } from "./dump/write.ts";
import { openEmbedded } from "./embedded.ts";
import {
  currentDump,
  EMBEDDED_FILES,
  finishSwap,
  listAsides,
  timeForName,
  timeOfName,
} from "./embedded_folder.ts";
import { restoreEmbedded, undoRestore } from "./embedded_restore.ts";
import { removeSnapshots } from "./embedded_snapshot.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";

Deno.test("data of PostgreSQL 17 is carried over by the dump that holds all of it, and never by another", async (test) => {
  await using home = await tempDir();
  const folder = join(home.path, "db");
  const policy = { folder: join(home.path, "backups"), keep: 2 };
  const refused = {
    name: "DatabaseError",
    message:
      /of PostgreSQL 17, this program has 18.*Run `db dump` once with actp-worker \d.*db restore FILE --force/,
  };
  let id: string | undefined;

  await test.step("the program of before has tasks, and stops without a dump: nothing is touched", async () => {
    const former = await openEmbedded(folder, { engine: FORMER_ENGINE });
    await former.migrate();
    [id] = await enqueue(former, "type");
    await former.close();
    await rejects(openEmbedded(folder), refused);
    equal((await Deno.readTextFile(join(folder, "data", "PG_VERSION"))).trim(), "17");
  });

  await test.step("a dump that something came after does not count", async () => {
    const former = await openEmbedded(folder, { engine: FORMER_ENGINE });
    await takeBackup(former, policy, "stop");
    await enqueue(former, "late");
    await former.close();
    equal(await currentDump(folder), undefined);
    await rejects(openEmbedded(folder), refused);
  });

  await test.step("nor does one after which the folder was opened by a program that knows nothing of dumps", async () => {
    const former = await openEmbedded(folder, { engine: FORMER_ENGINE });
    await takeBackup(former, policy, "stop");
    await former.close();
    const known = await Deno.readTextFile(join(folder, EMBEDDED_FILES.currentDump));
    ok(await currentDump(folder));
    await (await FORMER_ENGINE.open(join(folder, "data"))).close();
    equal(await currentDump(folder), undefined);
    await Deno.writeTextFile(join(folder, EMBEDDED_FILES.currentDump), known);
    await rejects(openEmbedded(folder), refused);
  });

  await test.step("a current dump that was damaged is told, and nothing is changed", async () => {
    const former = await openEmbedded(folder, { engine: FORMER_ENGINE });
    const { file } = await takeBackup(former, policy, "stop");
    await former.close();
    const bytes = await Deno.readFile(file);
    await Deno.writeFile(file, bytes.slice(0, -40));
    await rejects(openEmbedded(folder), { message: /cannot be restored: .*cut short.*Nothing was changed/ });
    await Deno.writeFile(file, bytes);
  });

  await test.step("with a current dump the next program goes on where the former stopped", async () => {
    const database = await openEmbedded(folder);
    equal((await get(database, id!)).status, "pending");
    const [version] = await database.transaction((connection) => connection.rows("show server_version"));
    ok(String(version!.server_version).startsWith("18"));
    deepEqual(await database.migrate(), []);
    await database.close();
    const [aside] = await listAsides(folder);
    equal((await Deno.readTextFile(join(aside!.path, "PG_VERSION"))).trim(), "17");
    equal(await undoRestore(folder), false, "PostgreSQL 17's data cannot be put back");
  });
});

Deno.test("backups of the embedded database", async (test) => {
  await using home = await tempDir();
  const folder = join(home.path, "db");
  const policy = { folder: join(home.path, "backups"), keep: 2 };
  const dump = join(home.path, "dump");
  let [first, second]: (string | undefined)[] = [];

  await test.step("a database in use is dumped before it is migrated, and a new one is not", async () => {
    const database = await openEmbedded(folder);
    const older = new Set(MIGRATIONS.slice(0, -1).map(({ version }) => version));
    await database.transaction((connection) => migrate(connection, older));
    [first] = await enqueue(database, "type");
    await rejects(
      migrateWithBackup(database, { folder: "/proc/nowhere", keep: 1 }),
      /not migrated, because it cannot be dumped before/,
    );
    equal((await migrateWithBackup(database, policy)).length, 1);
    deepEqual((await listBackups(policy.folder)).map(({ reason }) => reason), ["migration"]);
    deepEqual(await migrateWithBackup(database, policy), []);
    equal((await listBackups(policy.folder)).length, 1);
    await database.close();
  });

  await test.step("a copy of the running database is dumped without it, and is removed when nobody reads it", async () => {
    const database = await openEmbedded(folder);
    await rejects(database.snapshot(2 ** 60), /must stay free/);
    const copies = await Promise.all([database.snapshot(0), database.snapshot(0)]);
    [second] = await enqueue(database, "after the copy");
    const copy = await openEmbedded(copies[0]!);
    equal((await writeDump(copy, dump)).tables.actp_workflow_tasks, 1);
    await removeSnapshots(folder);
    deepEqual((await Array.fromAsync(Deno.readDir(join(folder, "snapshots")))).map(({ name }) => name), [
      copies[0]!.split("/").at(-1),
    ]);
    await copy.close();
    await database.close();
    await removeSnapshots(folder);
    deepEqual(await Array.fromAsync(Deno.readDir(join(folder, "snapshots"))), []);
  });

  await test.step("a restore takes the database's place, and can be undone", async () => {
    const tasks = async () => {
      const database = await openEmbedded(folder);
      const { tasks } = await database.call<{ tasks: { id: string }[] }>("actp_list_tasks");
      await database.close();
      return tasks.map((task) => task.id).toSorted();
    };
    const summary = await restoreEmbedded(folder, dump);
    deepEqual([summary.migrated, summary.aside !== null], [[], true]);
    deepEqual(await tasks(), [first]);
    equal(await undoRestore(folder), true);
    deepEqual(await tasks(), [first, second].toSorted());
    equal(await undoRestore(folder), true);
    deepEqual(await tasks(), [first]);
  });

  await test.step("a restore that fails leaves the database as it is", async () => {
    const before = await Array.fromAsync(Deno.readDir(folder));
    const broken = join(home.path, "broken");
    await Deno.writeFile(broken, (await Deno.readFile(dump)).slice(0, -40));
    await rejects(restoreEmbedded(folder, broken), { name: "DumpError" });
    const names = (entries: Deno.DirEntry[]) => entries.map(({ name }) => name).toSorted();
    deepEqual(names(await Array.fromAsync(Deno.readDir(folder))), names(before));
    await Deno.mkdir(join(folder, EMBEDDED_FILES.draft)); // as a killed restore leaves it
    const holder = await openEmbedded(folder);
    equal(await Deno.stat(join(folder, EMBEDDED_FILES.draft)).catch(() => "gone"), "gone");
    await rejects(restoreEmbedded(folder, dump), { name: "FolderInUseError" });
    await holder.close();
  });

  await test.step("a crash in the middle of the swap is made good at the next start", async () => {
    const copy = join(home.path, "again");
    await Deno.mkdir(copy);
    for (const crashed of ["before the data was set aside", "after it"]) {
      await Deno.mkdir(join(copy, "data.restored"));
      await Deno.writeTextFile(join(copy, "data.restored", "it"), crashed);
      if (crashed === "after it") {
        await Deno.rename(join(copy, "data"), join(copy, `data.replaced-${timeForName(0)}`));
      } else {
        await Deno.mkdir(join(copy, "data"));
        await Deno.writeTextFile(join(copy, "data", "it"), "old");
      }
      await finishSwap(copy, 1);
      equal(await Deno.readTextFile(join(copy, "data", "it")), crashed);
    }
    deepEqual((await listAsides(copy)).map(({ at }) => at), [1, 0]);
    equal(await Deno.readTextFile(join(copy, `data.replaced-${timeForName(1)}`, "it")), "old");
    await Deno.mkdir(join(copy, "data.restored"));
    await finishSwap(copy, 2);
    deepEqual((await listAsides(copy)).map(({ at }) => at), [2, 1], "two are enough");
  });

  await test.step("what is dumped after a restore is what was restored", async () => {
    const database = await openEmbedded(folder);
    const again = join(home.path, "second");
    await writeDump(database, again);
    await database.close();
    deepEqual(await dumpContent(again), await dumpContent(dump));
  });
});

Deno.test("of daily dumps and those before migrations the newest are kept, of stops the last, a person's own all", () => {
  const at = (reason: "daily" | "stop" | "migration" | "manual", at: number) => ({
    file: `${reason}${at}`,
    reason,
    at,
    bytes: 1,
  });
  const backups = (["daily", "stop", "migration", "manual"] as const).flatMap((reason) =>
    [1, 2, 3].map((n) => at(reason, n))
  );
  deepEqual(surplusBackups(backups, 2).map(({ file }) => file), ["daily1", "migration1", "stop2", "stop1"]);
  equal(timeOfName(`${timeForName(1_790_000_000_123)}-daily`), 1_790_000_000_123);
  ok(Number.isNaN(timeOfName("daily")));
});
