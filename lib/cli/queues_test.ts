import assert from "node:assert/strict";
import { claim, enqueue, get, settle, unique } from "../database/contract/case.ts";
import { openPostgres } from "../database/postgres.ts";
import { inProcess, recordingTerminal } from "../testing/cli.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { maxRunning, queueRows } from "./queues.ts";

Deno.test("limits come first, then what waits or runs without one", () => {
  const limits = [{
    pattern: "safari_*",
    max_running: 1,
    paused: true,
    reason: "down\x07",
    running: 1,
    waiting: 4,
  }];
  const by_type = {
    safari_a: { pending: 4, claimed: 1 },
    render: { running: 1, claimed: 1 },
    old: { failed: 9 },
  };
  assert.deepEqual(queueRows(recordingTerminal(), limits, { by_type }), [
    ["safari_*", "1", "4", "1", "paused: down "],
    ["render", "2", "0", "–", ""],
    ["safari_a", "1", "4", "–", ""],
  ]);
});

Deno.test("a limit is a whole number or none", () => {
  assert.deepEqual([maxRunning("0"), maxRunning("12"), maxRunning("none")], [0, 12, null]);
  for (const text of ["-1", "1.5", "", "all", "9999999"]) {
    assert.throws(() => maxRunning(text), /neither a whole number nor/);
  }
});

Deno.test({
  name: "people steer the queue from the command line",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    await using home = await tempDir();
    const database = openPostgres(server.url);
    await database.migrate();
    const cli = (...args: string[]) => inProcess(args, { ACTP_HOME: home.path, DATABASE_URL: server.url });
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    const ok = async (...args: string[]) => {
      const { code, stdout, stderr } = await cli(...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };

    await step("enqueue says when nobody offers the type, and refuses a NUL by name", async () => {
      const alone = await cli("enqueue", "render");
      assert.equal(alone.code, 0);
      assert.match(alone.stderr, /no living worker offers render now: the task waits/);
      const worker = { worker_id: "w", hostname: "h", capabilities: ["render"] };
      await database.call("actp_register_worker", { p_worker: worker });
      assert.equal((await cli("enqueue", "render")).stderr, "");
      const { code, stderr } = await cli("enqueue", "render", "--input", `{"text": "a\\u0000b"}`);
      assert.equal(code, 2);
      assert.match(stderr, /contains a NUL character \(\\u0000\), which PostgreSQL cannot store/);
    });

    await step("types are paused, limited, listed and resumed", async () => {
      assert.equal(await ok("queues", "pause", "render", "--reason", "maintenance"), "render is paused");
      assert.equal(await ok("queues", "limit", "rend*", "2"), "at most 2 of rend* run at once");
      const listed = await ok("queues", "list");
      assert.match(listed, /^rend\* +0 +2 +2$/m);
      assert.match(listed, /^render +0 +2 +– +paused: maintenance$/m);
      assert.equal(JSON.parse(await ok("queues", "list", "--json")).limits.length, 2);
      await ok("queues", "resume", "render");
      await ok("queues", "limit", "rend*", "none");
      const { code, stderr } = await cli("queues", "resume", "render");
      assert.deepEqual([code, /nothing is paused under "render"/.test(stderr)], [1, true]);
    });

    await step("dead tasks are listed, shown with what came late, and put back", async () => {
      const type = unique("type");
      const ids = await enqueue(database, type, 3);
      for (const task of await claim(database, "w", type, 2)) {
        await settle(database, "w", task, {
          outcome: "failed",
          error: "boom",
          retry: false,
          log_tail: "last",
          duration_ms: 5,
        });
      }
      const [lost] = await claim(database, "w2", type, 1, 0);
      await database.call("actp_rescue_tasks");
      await settle(database, "w2", lost!, { outcome: "failed", error: "late" });
      const shown = await ok("tasks", "show", lost!.id);
      assert.match(shown, /attempt 1: lost after .* on w2, .*lease ran out/);
      assert.match(shown, /refused: w2 reported failed at .*: late/);
      assert.match(
        await ok("tasks", "show", ids[0]!),
        /attempt 1: failed after 5 ms on w, .*: boom\n {4}last/,
      );
      const dead = JSON.parse(await ok("tasks", "list", "--dead", "--type", type, "--json")).tasks;
      assert.deepEqual(dead.map(({ id }: { id: string }) => id).sort(), ids.slice(0, 2).sort());
      assert.equal(await ok("tasks", "retry", "--dead", "--type", type), "2 tasks are pending again");
    });

    await step("an execution is cancelled, and a task with a deadline", async () => {
      const type = unique("type");
      const execution_id = crypto.randomUUID();
      await enqueue(database, type, 2, { execution_id });
      await claim(database, "w", type);
      assert.equal(
        await ok("tasks", "cancel", "--execution", execution_id, "--reason", "enough"),
        "1 tasks are cancelled; the workers of 1 have been asked to stop",
      );
      const listed = JSON.parse(await ok("tasks", "list", "--execution", execution_id, "--json")).tasks;
      assert.equal(listed.length, 2);
      const [id] = await enqueue(database, type);
      await claim(database, "w", type);
      assert.match(await ok("tasks", "cancel", id!, "--within", "0s"), /its worker has been asked to stop/);
      await claim(database, "w", type); // whoever claims next looks after it
      assert.equal((await get(database, id!)).status, "cancelled");
    });

    await step("the database tells how far back it goes, and is pruned", async () => {
      assert.match(await ok("db", "status"), /^actp_workflow_tasks +\d.* 90 days +\d{4}-\d\d-\d\dT/m);
      assert.match(await ok("db", "prune"), /^pruned nothing: nothing is old enough/);
      assert.equal(JSON.parse(await ok("db", "prune", "--json")).busy, false);
    });
    await database.close();
  },
});
