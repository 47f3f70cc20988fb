import assert from "node:assert/strict";
import { join } from "node:path";
import { Command } from "commander";
import { recordingTerminal } from "../testing/cli.ts";
import { tempDir } from "../testing/temp.ts";
import { addInit } from "./init.ts";
import { answerProblem, initFiles } from "./init_plan.ts";
import type { Prompter } from "./prompter.ts";

const KEY = "sb_secret_abcdefghijkl";

/** Answers in turn and writes down what it was asked. */
function scripted(answers: string[]): { prompter: Prompter; questions: string[] } {
  const questions: string[] = [];
  const next = (message: string) => {
    questions.push(message);
    return Promise.resolve(answers.shift() ?? "");
  };
  const text: Prompter["text"] = async ({ message, suggestion, problem }) => {
    const answer = await next(message) || (suggestion ?? "");
    assert.equal(problem(answer), undefined, `${message}: ${answer}`);
    return answer;
  };
  return {
    questions,
    prompter: { select: async (message) => await next(message) as never, text, password: text },
  };
}

async function init(home: string, args: string[], env: Record<string, string> = {}, answers?: string[]) {
  const terminal = recordingTerminal();
  const context = {
    terminal,
    env: { ACTP_HOME: home, HOME: home, ...env },
    cwd: "/",
    executors: () => Promise.resolve({ executors: [], problems: [] }),
    builtInTypes: [],
  };
  const program = new Command().exitOverride().option("--json").option("--worker-id <id>");
  const { prompter, questions } = scripted(answers ?? []);
  if (answers) addInit(program, context, () => Promise.resolve(prompter));
  else addInit(program, context);
  await program.parseAsync(["init", ...args], { from: "user" });
  const text = (name: string) => Deno.readTextFile(join(home, name)).catch(() => undefined);
  return {
    terminal,
    questions,
    json: JSON.parse(await text("config.json") ?? "null"),
    env: await text(".env"),
  };
}

Deno.test("the answers become settings, and secrets go to a file that nobody else reads", async () => {
  await using folder = await tempDir();
  const home = join(folder.path, "home");
  const answers = ["supabase", "https://x.example", KEY, "studio", "5"];
  const { json, env, questions, terminal } = await init(home, [], {}, answers);
  assert.deepEqual(json, { supabaseUrl: "https://x.example", workerId: "studio", maxConcurrent: 5 });
  assert.match(env!, new RegExp(`^SUPABASE_SECRET_KEY=${KEY}$`, "m"));
  for (const name of [".env", "config.json"]) {
    assert.equal((await Deno.stat(join(home, name))).mode! & 0o777, 0o600, name);
  }
  assert.equal(questions.length, 5);
  assert.ok(!terminal.stdout.join().includes(KEY));
});

Deno.test("with nothing but the return key it works on the embedded database", async () => {
  await using folder = await tempDir();
  const { json, env } = await init(folder.path, [], {}, ["embedded"]);
  assert.equal(env, undefined);
  assert.equal(json.maxConcurrent, 3);
  assert.match(json.workerId, /^worker-/);
});

Deno.test("asked again, it keeps what was not asked about, and does not ask for a known secret", async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "config.json"), `{"drainSeconds": 9, "workerId": "old"}`);
  await Deno.writeTextFile(join(folder.path, ".env"), "DATABASE_URL=postgres://a:b@h/d\n", { mode: 0o600 });
  const { json, env, questions } = await init(folder.path, [], {}, ["postgres", "new", ""]);
  assert.deepEqual(json, { drainSeconds: 9, workerId: "new", maxConcurrent: 3 });
  assert.equal(env, "DATABASE_URL=postgres://a:b@h/d\n");
  assert.equal(questions.length, 3);
});

Deno.test("with --yes nothing is asked, and what is missing is named", async () => {
  await using folder = await tempDir();
  const { json, env } = await init(folder.path, ["--yes", "--worker-id", "ci"], {
    DATABASE_URL: "postgres://a:b@h/d",
  });
  assert.deepEqual(json, { workerId: "ci" });
  assert.match(env!, /^DATABASE_URL=/m);
  await using other = await tempDir();
  await assert.rejects(
    init(other.path, ["--yes", "--database", "supabase"]),
    /SUPABASE_URL and SUPABASE_SECRET_KEY/,
  );
});

Deno.test("without a terminal nobody is asked, and nothing is written", async () => {
  await using folder = await tempDir();
  await assert.rejects(init(folder.path, []), /give --yes/);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
});

Deno.test("answers are judged by their field, and say what is wrong", () => {
  assert.equal(answerProblem("maxConcurrent", "4"), undefined);
  assert.match(answerProblem("maxConcurrent", "many")!, /number/);
  assert.ok(answerProblem("databaseUrl", "mysql://x"));
  assert.throws(() => initFiles({ maxConcurrent: "many" }, {}), /^Error: MAX_CONCURRENT_TASKS .*number/);
});
