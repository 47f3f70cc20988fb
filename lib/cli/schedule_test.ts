import assert from "node:assert/strict";
import type { Command } from "commander";
import { Command as Program } from "commander";
import { systemClock } from "../clock.ts";
import { openPostgres } from "../database/postgres.ts";
import { Scheduler } from "../schedule/scheduler.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { recordingTerminal } from "../testing/cli.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { routine } from "../testing/schedule_bench.ts";
import { tempDir } from "../testing/temp.ts";
import { until } from "../testing/until.ts";
import type { CliContext } from "./context.ts";
import { addSchedule } from "./schedule.ts";

Deno.test({
  name: "people list, run and switch routines from the command line",
  ...await needs("postgres"),
  async fn() {
    await using _log = capturedLog();
    await using server = await startPostgres();
    await using home = await tempDir();
    const database = openPostgres(server.url);
    await database.migrate();
    const ran: string[] = [];
    const scheduler = new Scheduler({
      database,
      workerId: "w",
      clock: systemClock,
      routines: [
        routine({ id: "yearly", description: "", schedule: { cron: "@yearly", timeZone: "UTC" } }),
        routine({ id: "broken", description: "", schedule: { everySeconds: 86_400 } }),
      ],
      actions: {
        task: ({ id }) => {
          ran.push(id);
          return id === "broken" ? Promise.reject(new Error("no\x07 disk")) : Promise.resolve({ n: 1 });
        },
      },
      timeZone: "UTC",
      drainMs: 0,
      hints: true,
    });
    const stop = new AbortController();
    const running = scheduler.run(stop.signal);
    const env = { ACTP_HOME: home.path, DATABASE_URL: server.url };
    /** Prints, or the error's message. */
    const cli = async (...args: string[]) => {
      const terminal = recordingTerminal();
      const context: CliContext = {
        terminal,
        env,
        cwd: home.path,
        executors: () => Promise.resolve({ executors: [], problems: [] }),
        builtInTypes: [],
      };
      const program: Command = new Program().option("--json").exitOverride();
      addSchedule(program, context);
      let error = "";
      await program.parseAsync(args, { from: "user" }).catch((thrown: Error) => error = thrown.message);
      return { out: terminal.stdout.join("\n"), err: terminal.stderr.join("\n"), error };
    };

    await until("the scheduler knows its routines", () => scheduler.status().next_due_at !== null);
    assert.match((await cli("schedule", "run", "yearly", "--wait")).out, /^yearly: succeeded$/);
    const broken = await cli("schedule", "run", "broken", "--wait");
    assert.deepEqual([broken.out, broken.error], [
      "broken: failed: no  disk",
      "The run of broken ended as failed.",
    ]);
    assert.deepEqual(ran, ["yearly", "broken"]);

    assert.match((await cli("schedule", "disable", "yearly", "--reason", "holidays")).out, /^yearly is off$/);
    const listed = (await cli("schedule", "list")).out;
    assert.match(listed, /yearly +off by .*: holidays +@yearly UTC +.* succeeded +0/);
    assert.match(
      (await cli("schedule", "enable", "yearly")).out,
      /^yearly is on, next at \d{4}-01-01T00:00:00/,
    );
    const [first] = JSON.parse((await cli("schedule", "list", "--json")).out);
    assert.deepEqual([first.id, first.state, first.last_run.error], ["broken", "on", "no\x07 disk"]);

    assert.match(
      (await cli("schedule", "history")).out,
      /broken +failed .* w +no {2}disk\n.* yearly +succeeded .* w +by hand/,
    );
    const failed = JSON.parse((await cli("schedule", "history", "--status", "failed", "--json")).out);
    assert.equal(failed.length, 1);
    assert.match((await cli("schedule", "history", "--status", "maybe")).error, /--status must be one of/);
    assert.match((await cli("schedule", "history", "--limit", "0")).error, /--limit must be/);
    assert.match((await cli("schedule", "run", "none")).error, /there is no routine none/);
    stop.abort();
    await running;
    await database.close();
  },
});
