import assert from "node:assert/strict";
import { join } from "node:path";
import type { HeartbeatContext } from "../../lib/schedule/actions/action.ts";
import { logger } from "../../lib/log.ts";
import { capturedLog } from "../../lib/testing/captured_log.ts";
import { tempDir } from "../../lib/testing/temp.ts";
import { outsideActions } from "./action_loader.ts";

const MANIFEST = {
  name: "disk-watch",
  description: "watches a disk",
  schedule: "0 * * * *",
  command: ["sh", "run.sh"],
};
const MODULE = `export default ({ defineAction, z }) => defineAction({
  name: "new-mail", description: "d", defaultCron: "*/5 * * * *", options: z.strictObject({ max: z.number() }),
  run: async ({ max }, { session }) => ({ notify: true, severity: "info", message: "mail " + max, state: { n: (session.state.n ?? 0) + 1 } }),
});`;

/** A folder of actions; `files` by path inside it. */
async function folder(files: Record<string, string>) {
  const dir = await tempDir();
  const path = join(await Deno.realPath(dir.path), "actions");
  await Deno.mkdir(path, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(join(path, name, ".."), { recursive: true, mode: 0o755 });
    await Deno.writeTextFile(join(path, name), text, { mode: 0o644 });
  }
  return {
    path,
    load: () => outsideActions({ actionsDir: path }, ["task-scan"]),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

function context(more: Partial<HeartbeatContext> = {}): HeartbeatContext {
  return {
    database: undefined as unknown as HeartbeatContext["database"],
    workerId: "w",
    types: ["render"],
    since: "2026-05-01T12:00:00Z",
    signal: new AbortController().signal,
    log: logger("heartbeat"),
    session: { id: "s", state: { n: 1 } },
    ...more,
  };
}

/** The action of a program that is this shell script. */
async function program(script: string, more: Record<string, unknown> = {}) {
  const own = await folder({
    "disk/action.json": JSON.stringify({ ...MANIFEST, ...more }),
    "disk/run.sh": script,
  });
  const { actions: [action], problems } = await own.load();
  assert.deepEqual(problems, []);
  return {
    action: action!,
    file: (name: string) => Deno.readTextFile(join(own.path, "disk", name)),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}

Deno.test("modules and programs become actions, and what is wrong with one is told", async () => {
  await using own = await folder({
    "mail.js": MODULE,
    "taken.js": MODULE.replace("new-mail", "task-scan"),
    "broken.js": "export default 7;",
    "disk/action.json": JSON.stringify(MANIFEST),
    "odd/action.json": JSON.stringify({ ...MANIFEST, name: "Odd Name", schedule: undefined }),
    "empty/readme": "",
  });
  const { actions, problems } = await own.load();
  assert.deepEqual(actions.map(({ name, defaultCron }) => [name, defaultCron]), [
    ["disk-watch", "0 * * * *"],
    ["new-mail", "*/5 * * * *"],
  ]);
  assert.deepEqual(
    problems.map(({ file, reason }) => [file.slice(own.path.length + 1), reason.split(";")[0]]),
    [
      ["broken.js", "its default export is neither an action nor a function that makes one"],
      ["empty", "has no action.json"],
      ["odd/action.json", "name: must be lower-case letters, digits and dashes"],
      ["taken.js", "its name task-scan is taken by the worker itself"],
    ],
  );
});

Deno.test("a module's action gets its options and its state", async () => {
  await using own = await folder({ "mail.js": MODULE });
  const { actions: [action] } = await own.load();
  assert.equal(action!.options.safeParse({}).success, false);
  const result = await action!.run({ max: 3 }, context());
  assert.deepEqual(result, { notify: true, severity: "info", message: "mail 3", state: { n: 2 } });
});

Deno.test("a program's action is told all in one line and answers in one", async () => {
  await using log = capturedLog();
  await using own = await program(
    `cat > told.json
     echo '{"type":"log","level":"warning","message":"slow disk"}'
     echo '{"type":"result","output":{"notify":true,"severity":"alert","message":"full","state":{"n":2}}}'`,
    { options: { type: "object", properties: { path: { type: "string" } } } },
  );
  const result = await own.action.run({ path: "/data" }, context());
  assert.deepEqual(result, { notify: true, severity: "alert", message: "full", state: { n: 2 } });
  assert.deepEqual(JSON.parse(await own.file("told.json")), {
    type: "heartbeat",
    protocol: 1,
    name: "disk-watch",
    options: { path: "/data" },
    workerId: "w",
    types: ["render"],
    since: "2026-05-01T12:00:00Z",
    state: { n: 1 },
  });
  assert.deepEqual(log.messages("heartbeat"), ["slow disk"]);
});

Deno.test("a program that fails, says nothing or runs too long is an error and not silence", async () => {
  const outcomes: [string, RegExp][] = [
    [`echo '{"type":"error","message":"no such disk"}'`, /^Error: disk-watch: no such disk$/],
    ["echo hello", /disk-watch ended without a result/],
    ["echo 'cannot look' >&2; exit 3", /disk-watch exited with status 3: cannot look/],
    [`echo '{"type":"result","output":{"notify":false}}'; exit 1`, /disk-watch exited with status 1/],
  ];
  for (const [script, message] of outcomes) {
    await using own = await program(script);
    await assert.rejects(own.action.run({}, context()), message);
  }
  await using slow = await program("sleep 60", { timeoutSeconds: 0.1 });
  await assert.rejects(slow.action.run({}, context()), /stopped because it ran too long/);
});

Deno.test("a program is ended when its run is", async () => {
  await using own = await program("sleep 60");
  await assert.rejects(own.action.run({}, context({ signal: AbortSignal.timeout(50) })), {
    name: "TimeoutError",
  });
});
