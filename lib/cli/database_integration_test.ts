/** `db dump` and `db restore` as a person uses them: of a running worker, of a stopped one, and of a server. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { Command } from "commander";
import { listBackups } from "../database/dump/backups.ts";
import { openEmbedded } from "../database/embedded.ts";
import { listAsides } from "../database/embedded_folder.ts";
import { placeEmbedded } from "../testing/embedded_database.ts";
import { killBoth } from "../testing/background.ts";
import { asProcess, cliEnvironment, inProcess, recordingTerminal } from "../testing/cli.ts";
import { dumpContent } from "../testing/dump_file.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { addRestore } from "./database_restore.ts";
import type { Prompter } from "./prompter.ts";

const none = () => Promise.resolve({ executors: [], problems: [] });

Deno.test("dumps and restores on the command line", await needs("postgres"), async (test) => {
  await using cleanup = new AsyncDisposableStack();
  const { path: home } = cleanup.use(await tempDir());
  cleanup.defer(() => killBoth(home));
  const env = cliEnvironment(home, { WORKER_MIN_FREE_BYTES: "0", WORKER_DRAIN_SECONDS: "1" });
  const cli = (...args: string[]) => inProcess(args, env);
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await cli(...args, "--json");
    equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const dump = join(home, "dump.jsonl.gz");
  let id = "";

  await test.step("before there is a database there is nothing to dump", async () => {
    const { code, stderr } = await cli("db", "dump");
    equal(code, 1);
    match(stderr, /no database in .*db yet/);
  });

  await placeEmbedded(join(home, "db"));
  await test.step("a running worker is dumped while it goes on, but not restored", async () => {
    const { code, stderr } = await asProcess(["start"], env);
    equal(code, 0, stderr);
    ({ id } = await json("enqueue", "later", "--run-at", "+1h"));
    const summary = await json("db", "dump", dump);
    deepEqual([summary.file, summary.tables.actp_workflow_tasks], [dump, 1]);
    equal((await Deno.stat(dump)).mode! & 0o777, 0o600);
    deepEqual(await Array.fromAsync(Deno.readDir(join(home, "db", "snapshots"))), []);
    match((await cli("db", "dump", dump)).stderr, /exists already; .*--force/);
    equal((await cli("db", "dump", dump, "--force")).code, 0);
    const refused = await cli("db", "restore", dump, "--force");
    equal(refused.code, 75);
    match(refused.stderr, /is running \(pid \d+\): `actp-worker stop` first/);
    await json("enqueue", "after the dump");
  });

  await test.step("`db status` shows the dumps, and a stop leaves one", async () => {
    equal((await cli("db", "dump")).code, 0);
    const { backups, set_aside } = await json("db", "status");
    deepEqual(backups.map(({ reason }: { reason: string }) => reason), ["manual"]);
    ok(Math.abs(Date.parse(backups[0].at) - Date.now()) < 60_000 && backups[0].bytes > 0);
    deepEqual(set_aside, []);
    match((await cli("db", "status")).stdout, /DUMPED .*\n.*ago +manual/);
    equal((await asProcess(["stop"], env)).code, 0);
    deepEqual((await listBackups(join(home, "backups"))).map(({ reason }) => reason), ["stop", "manual"]);
  });

  await test.step("a database is replaced only by --force, or after a yes", async () => {
    const { code, stderr } = await cli("db", "restore", dump);
    equal(code, 2);
    match(stderr, /There is a database in .*--force/);
    equal((await cli("db", "restore")).code, 2);
    equal((await cli("db", "restore", dump, "--undo")).code, 2);
    match((await cli("db", "restore", join(home, "missing"))).stderr, /Cannot read .*missing/);
    await Deno.writeTextFile(join(home, "text"), "hello");
    match(
      (await cli("db", "restore", join(home, "text"))).stderr,
      /cannot be restored: it cannot be unpacked.*Nothing was changed/,
    );
    let asked = "";
    const prompter = {
      select: (question: string) => Promise.resolve((asked = question, "no")),
    } as unknown as Prompter;
    const context = { terminal: recordingTerminal(), env, cwd: home, executors: none, builtInTypes: [] };
    const db = new Command("db").exitOverride();
    addRestore(db, context, () => Promise.resolve(prompter));
    await rejects(db.parseAsync(["restore", dump], { from: "user" }), /Nothing was changed/);
    match(asked, /Replace the database in .* by \d+ rows as of .*kept aside/);
    if (Deno.uid() === 0) {
      await Deno.chown(home, 65_534, 65_534);
      match((await cli("db", "restore", dump, "--force")).stderr, /another account.*sudo -u '#65534'/);
      await Deno.chown(home, 0, 0);
    }
  });

  await test.step("a restored database has the tasks of then, paused if that was asked for, and can be put back", async () => {
    const summary = await json("db", "restore", dump, "--force", "--paused");
    deepEqual([summary.paused, summary.migrated, summary.aside], [
      true,
      [],
      (await listAsides(join(home, "db")))[0]!.path,
    ]);
    const look = async () => {
      const database = await openEmbedded(join(home, "db"));
      const { tasks } = await database.call<{ tasks: { id: string }[] }>("actp_list_tasks");
      const limits = await database.call<{ pattern: string; paused: boolean }[]>("actp_list_task_limits");
      await database.close();
      return [
        tasks.map((task) => task.id),
        limits.filter(({ paused }) => paused).map(({ pattern }) => pattern),
      ];
    };
    deepEqual(await look(), [[id], ["*"]]);
    equal((await json("db", "restore", "--undo")).undone, true);
    const [tasks, paused] = await look();
    deepEqual([tasks!.length, paused], [2, []]);
  });

  await test.step("the embedded database moves to a server, which is not replaced by a second restore", async () => {
    const server = cleanup.use(await startPostgres());
    const other = { ...env, DATABASE_URL: server.url };
    const moved = await inProcess(["db", "restore", dump], other);
    equal(moved.code, 0, moved.stderr);
    match(moved.stdout, /restored \d+ rows as of/);
    const back = join(home, "back.jsonl.gz");
    equal((await inProcess(["db", "dump", back], other)).code, 0);
    deepEqual(await dumpContent(back), await dumpContent(dump));
    match((await inProcess(["db", "restore", dump, "--force"], other)).stderr, /has tasks already/);
    const project = { ...env, SUPABASE_URL: "https://project.supabase.co", SUPABASE_SECRET_KEY: "secret" };
    const refused = await inProcess(["db", "dump"], project);
    equal(refused.code, 78);
    match(refused.stderr, /SUPABASE_DB_URL/);
  });
});
