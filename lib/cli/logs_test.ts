import assert from "node:assert/strict";
import { join } from "node:path";
import { agentId } from "../config/agents.ts";
import { closedName } from "../log/rotation.ts";
import { cliEnvironment, inProcess } from "../testing/cli.ts";
import { tempDir } from "../testing/temp.ts";
import { sinceTime } from "./logs.ts";

const TASK = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";
const line = (minute: number, fields: Record<string, unknown> = {}) =>
  JSON.stringify({
    time: `2026-01-01T00:${String(minute).padStart(2, "0")}:00.000Z`,
    level: "info",
    category: "actp.task",
    message: `line ${minute}`,
    ...fields,
  });

/** Runs `logs` over two files, of which the older one was rotated. */
async function logs(...args: string[]) {
  await using dir = await tempDir();
  const folder = join(dir.path, "logs");
  await Deno.mkdir(folder);
  const older = [line(0), line(1, { taskId: TASK }), line(2, { level: "error" })];
  const newer = [
    line(3, { category: `actp.agent.${agentId("social")}` }),
    "what the runtime says",
    line(4, { taskId: TASK, level: "warning" }),
  ];
  await Deno.writeTextFile(join(folder, closedName(0)), older.join("\n") + "\n");
  await Deno.writeTextFile(join(folder, "worker.log"), newer.join("\n") + "\n");
  const { code, stdout, stderr } = await inProcess(["logs", ...args], cliEnvironment(dir.path));
  assert.equal(code, 0, stderr);
  return stdout === "" ? [] : stdout.split("\n");
}

const minutes = (shown: string[]) => shown.map((text) => Number(/line (\d)/.exec(text)?.[1] ?? -1));

Deno.test("everything is shown in order, across rotated files, also what is no record", async () => {
  const shown = await logs();
  assert.deepEqual(minutes(shown), [0, 1, 2, 3, -1, 4]);
  assert.equal(shown[0], "2026-01-01T00:00:00.000Z INFO    task  line 0");
  assert.equal(shown[4], "what the runtime says");
});

Deno.test("lines are chosen by task, agent, level and number", async () => {
  assert.deepEqual(minutes(await logs("--task", TASK)), [1, 4]);
  assert.deepEqual(minutes(await logs("--agent", "social")), [3]);
  assert.deepEqual(minutes(await logs("--level", "warning")), [2, 4]);
  assert.deepEqual(minutes(await logs("--level", "warning", "-n", "1")), [4]);
  assert.deepEqual(minutes(await logs("--task", TASK, "--level", "error")), []);
});

Deno.test("with --since all lines from then on are shown", async () => {
  // The files are new, so only the time in the lines counts.
  assert.deepEqual(minutes(await logs("--since", "2026-01-01T00:02:00Z")), [2, 3, 4]);
});

Deno.test("--json gives the records as they were written", async () => {
  const [first] = await logs("--json");
  assert.deepEqual(JSON.parse(first!), JSON.parse(line(0)));
  assert.deepEqual(
    (await logs("--json")).map((text) => typeof JSON.parse(text).message),
    Array(6).fill("string"),
  );
});

Deno.test("a time is a date, a time of this machine, or a span until now", () => {
  const now = Date.UTC(2026, 5, 1);
  assert.equal(sinceTime("90s", now), now - 90_000);
  assert.equal(sinceTime("3d", now), now - 3 * 86_400_000);
  assert.equal(sinceTime("2026-01-31T08:00:00Z", now), Date.UTC(2026, 0, 31, 8));
  assert.equal(sinceTime("2026-01-31", now), new Date(2026, 0, 31).getTime());
  for (const text of ["yesterday", "3w", "", "-1h"]) assert.throws(() => sinceTime(text, now), /Give a time/);
});

Deno.test("what cannot be meant is refused with 2", async () => {
  await using dir = await tempDir();
  for (const args of [["--level", "loud"], ["-n", "many"], ["--since", "soon"]]) {
    assert.equal((await inProcess(["logs", ...args], cliEnvironment(dir.path))).code, 2, args.join(" "));
  }
});
