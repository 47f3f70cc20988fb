import assert from "node:assert/strict";
import { join } from "node:path";
import { Command } from "commander";
import { manPage } from "../../scripts/man_page.ts";
import { findProgram } from "../process.ts";
import { tempDir } from "../testing/temp.ts";
import { commandTable } from "./command_table.ts";
import { completionScript, SHELLS } from "./completion_scripts.ts";

function sample() {
  const program = new Command("actp-worker").description("Does tasks.").version("1.0.0")
    .option("--json", "print data as JSON").option("--worker-id <id>", "names this worker: it's unique");
  const tasks = program.command("tasks").description("tasks in the queue");
  tasks.command("list").description("newest first").option("-s, --status <status>", "only these");
  tasks.command("show <id>").description("everything about one");
  program.command("start").description("start the worker");
  program.command("inner", { hidden: true });
  return commandTable(program);
}

Deno.test("the table holds every command that is not hidden, with usage and options", () => {
  const table = sample();
  assert.deepEqual(table.map(({ path }) => path.join(" ")), [
    "",
    "tasks",
    "tasks list",
    "tasks show",
    "start",
  ]);
  assert.equal(table.find(({ path }) => path[1] === "show")!.usage, "tasks show [options] <id>");
  const list = table.find(({ path }) => path[1] === "list")!;
  const status = list.options.find(({ long }) => long === "--status")!;
  assert.deepEqual([status.short, status.takesValue, status.flags], ["-s", true, "-s, --status <status>"]);
});

/** What a real bash would offer for a line with the cursor at its end. */
async function bashOffers(...words: string[]): Promise<string[]> {
  await using folder = await tempDir();
  const file = join(folder.path, "completion");
  await Deno.writeTextFile(file, completionScript("bash", sample()));
  const script =
    `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _actp_worker; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, success } = await new Deno.Command("bash", {
    args: ["--norc", "-uec", script, "bash", file, "actp-worker", ...words],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n").filter(Boolean).sort();
}

Deno.test("bash offers commands, their commands, and options with those that every command takes", async () => {
  assert.deepEqual(await bashOffers(""), ["start", "tasks"]);
  assert.deepEqual(await bashOffers("ta"), ["tasks"]);
  assert.deepEqual(await bashOffers("tasks", ""), ["list", "show"]);
  assert.deepEqual(await bashOffers("tasks", "list", "--"), ["--help", "--json", "--status", "--worker-id"]);
});

Deno.test("the value of an option is neither a command nor offered as one", async () => {
  assert.deepEqual(await bashOffers("--worker-id", "start", ""), ["start", "tasks"]);
  assert.deepEqual(await bashOffers("tasks", "list", "--status", ""), []);
});

for (const shell of SHELLS) {
  Deno.test(`the script for ${shell} names every command and is read by ${shell} where that is there`, async () => {
    const script = completionScript(shell, sample());
    for (const word of ["tasks", "list", "show", "start", "status", "worker-id"]) {
      assert.match(script, new RegExp(word));
    }
    assert.doesNotMatch(script, /inner/);
    const program = await findProgram(shell);
    if (!program) return;
    await using folder = await tempDir();
    const file = join(folder.path, "completion");
    await Deno.writeTextFile(file, script);
    const { stderr, success } = await new Deno.Command(program, { args: ["-n", file] }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  });
}

Deno.test("the man page tells every command and option, and no text of ours becomes a request", () => {
  const page = manPage([{ ...sample()[0]!, description: ".evil \\x" }, ...sample().slice(1)], "1.0.0");
  for (const part of [".SH NAME", "tasks show", "\\-\\-status <status>", "\\-\\-worker\\-id"]) {
    assert.ok(page.includes(part), part);
  }
  assert.doesNotMatch(page, /^\.evil/m);
  const requests = new Set([...page.matchAll(/^(\.\w+)/gm)].map(([, request]) => request));
  assert.deepEqual([...requests].sort(), [".B", ".I", ".RE", ".RI", ".RS", ".SH", ".TH", ".TP"]);
});
