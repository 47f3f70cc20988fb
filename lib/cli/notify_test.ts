import assert from "node:assert/strict";
import { Command } from "commander";
import { enqueue, unique } from "../database/contract/case.ts";
import { openPostgres } from "../database/postgres.ts";
import { chatServices } from "../testing/chat_services.ts";
import { recordingTerminal } from "../testing/cli.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import type { CliContext } from "./context.ts";
import { addDisputes } from "./disputes.ts";
import { ExitError } from "./exit.ts";
import { addNotify } from "./notify.ts";

/** A command line with the two groups, and nothing of the person's own configuration. */
async function commandLine(env: Record<string, string> = {}) {
  const home = await tempDir();
  const run = async (...args: string[]) => {
    const terminal = recordingTerminal();
    const context: CliContext = {
      terminal,
      env: { ACTP_HOME: home.path, ...env },
      cwd: home.path,
      executors: () => Promise.resolve({ executors: [], problems: [] }),
      builtInTypes: [],
    };
    const program = new Command().option("--json").exitOverride();
    addNotify(program, context);
    addDisputes(program, context);
    const code = await program.parseAsync(args, { from: "user" }).then(() => 0, (error) => {
      if (!(error instanceof ExitError)) throw error;
      terminal.err(error.message);
      return error.code;
    });
    return { code, out: terminal.stdout.join("\n"), err: terminal.stderr.join("\n") };
  };
  return { run, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
}

Deno.test("the channels are listed with what they lack", async () => {
  await using cli = await commandLine({
    SLACK_WEBHOOK_URL: "https://hooks.example/secret-part",
    NOTIFY_DESKTOP: "true",
  });
  const { out } = await cli.run("notify", "list");
  assert.match(out, /^log +ready$/m);
  assert.match(out, /^slack +ready$/m);
  assert.match(out, /^telegram +off: set TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID$/m);
  assert.ok(!out.includes("secret-part"));
  const json = JSON.parse((await cli.run("notify", "list", "--json")).out);
  assert.deepEqual(json[1], {
    channel: "telegram",
    configured: false,
    missing: "TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID",
  });
});

Deno.test("a channel is tried with one notification, and its failure says what to check and no secret", async () => {
  await using services = chatServices();
  const { telegramToken, telegramChat, telegramApiUrl } = services.telegram;
  const env = { TELEGRAM_BOT_TOKEN: telegramToken, TELEGRAM_API_URL: telegramApiUrl };
  await using cli = await commandLine({ ...env, TELEGRAM_CHAT_ID: telegramChat });
  assert.deepEqual(await cli.run("notify", "test", "telegram"), {
    code: 0,
    out: "sent by telegram",
    err: "",
  });
  assert.match(services.telegramTexts[0]!, /A test of your notifications/);
  await using wrong = await commandLine({ ...env, TELEGRAM_CHAT_ID: "7" });
  const { code, err } = await wrong.run("notify", "test", "telegram");
  assert.equal(code, 1);
  assert.match(err, /^Cannot send by telegram: Telegram answered 400: .*check TELEGRAM_BOT_TOKEN/);
  assert.ok(!err.includes(telegramToken));
  await using down = await commandLine({
    ...env,
    TELEGRAM_CHAT_ID: "7",
    TELEGRAM_API_URL: "http://127.0.0.1:1",
  });
  assert.equal((await down.run("notify", "test", "telegram")).code, 69);
});

Deno.test("a channel that is unknown or not configured is told apart", async () => {
  await using cli = await commandLine();
  const unknown = await cli.run("notify", "test", "pigeon");
  assert.deepEqual([unknown.code, /no channel \(there are log, telegram/.test(unknown.err)], [2, true]);
  const missing = await cli.run("notify", "test", "email");
  assert.deepEqual([missing.code, missing.err], [
    78,
    "email is not configured: set SMTP_URL, NOTIFY_EMAIL_FROM and NOTIFY_EMAIL_TO.",
  ]);
});

Deno.test({
  name: "people see what was sent, and settle disputes, from the command line",
  ...await needs("postgres"),
  async fn() {
    await using server = await startPostgres();
    await using cli = await commandLine({ DATABASE_URL: server.url });
    const database = openPostgres(server.url);
    await database.migrate();
    assert.equal((await cli.run("notify", "history")).err, "there is none");
    await database.call("actp_notify", {
      p_notification: { id: "1", kind: "k", severity: "alert", title: "Disk\x07 full", text: "" },
      p_deliveries: [{ channel: "telegram", expires_seconds: 60 }],
      p_worker_id: "w",
    });
    assert.match(
      (await cli.run("notify", "history", "--status", "waiting")).out,
      /telegram +waiting +alert +Disk +full$/m,
    );
    assert.equal((await cli.run("notify", "history", "--status", "odd")).code, 2);

    const [task] = await enqueue(database, unique("type"), 1, { reward: "2.50", currency: "USD" });
    assert.equal((await cli.run("disputes", "list")).err, "nothing is disputed");
    const opened = JSON.parse(
      (await cli.run("disputes", "open", task!, "--reason", "silent\x07", "--json")).out,
    );
    assert.match((await cli.run("disputes", "list", "--task", task!)).out, /open +0:0 .* 2\.50 USD +silent/);
    assert.equal((await cli.run("disputes", "vote", opened.id, "uphold")).out, "1 to uphold, 0 to reject");
    assert.match((await cli.run("disputes", "show", opened.id)).out, /^votes: \[\n/m);
    assert.equal(
      (await cli.run("disputes", "resolve", opened.id, "upheld", "--note", "paid back")).out,
      "upheld",
    );
    assert.match((await cli.run("disputes", "list", "--status", "upheld")).out, /upheld +1:0/);
    for (
      const wrong of [
        ["list", "--status", "maybe"],
        ["list", "--limit", "0"],
        ["show", "7"],
        ["vote", opened.id, "maybe"],
        ["resolve", opened.id, "won"],
        ["open", task!, "--reason", "x", "--vote-hours", "0"],
      ]
    ) assert.equal((await cli.run("disputes", ...wrong)).code, 2, wrong.join(" "));
    await database.close();
  },
});
