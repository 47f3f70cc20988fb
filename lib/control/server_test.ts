import assert from "node:assert/strict";
import { openEmbedded } from "../database/embedded.ts";
import { openSupabase } from "../database/supabase.ts";
import { DatabaseError } from "../database/database.ts";
import type { WorkerStatus } from "../status.ts";
import { placeEmbedded } from "../testing/embedded_database.ts";
import { tempDir } from "../testing/temp.ts";
import { controlServer } from "./server.ts";
import { randomSecret } from "./token.ts";

const MISSING = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";

Deno.test("a real server on a real embedded database", async (t) => {
  await using dir = await tempDir();
  await placeEmbedded(`${dir.path}/db`);
  const database = await openEmbedded(`${dir.path}/db`);
  const token = randomSecret();
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  let wakes = 0;
  const running = controlServer({
    config: { controlHost: "127.0.0.1", controlPort: 0 },
    worker: { status: () => Promise.resolve({ worker_id: "w" } as WorkerStatus), wake: () => void wakes++ },
    token,
    database,
    embedded: true,
    onListen: listening.resolve,
  }).run(stop.signal);
  try {
    const url = `http://127.0.0.1:${await listening.promise}`;
    const ask = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${token}` },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    };
    const messageOf = ({ status, body }: Awaited<ReturnType<typeof ask>>) => [status, body.error.message];

    await t.step("status and workers are told", async () => {
      assert.deepEqual(await ask("GET", "/status"), { status: 200, body: { worker_id: "w" } });
      assert.deepEqual(await ask("GET", "/workers"), { status: 200, body: [] });
    });

    await t.step("a task is enqueued, shown, cancelled and retried", async () => {
      const enqueued = await ask("POST", "/tasks", {
        task_type: "a",
        input_data: { n: 1 },
        idempotency_key: "k",
      });
      const [{ id, created }] = enqueued.body;
      assert.deepEqual([enqueued.status, created, wakes], [201, true, 1]);
      assert.deepEqual((await ask("GET", `/tasks/${id}`)).body.input_data, { n: 1 });
      const cancelled = await ask("POST", `/tasks/${id}/cancel`, { reason: "no need" });
      assert.deepEqual([cancelled.status, cancelled.body.status], [200, "cancelled"]);
      assert.equal((await ask("POST", `/tasks/${id}/retry`)).body.status, "pending");
      assert.equal(wakes, 2);
      assert.deepEqual(messageOf(await ask("POST", `/tasks/${id}/retry`)), [
        409,
        `task ${id} is pending: only failed, timed_out and cancelled tasks can be retried`,
      ]);
      const conflict = await ask("POST", "/tasks", { task_type: "b", idempotency_key: "k" });
      assert.deepEqual([conflict.status, conflict.body.error.code], [409, "conflict"]);
    });

    await t.step("lists are filtered, paged and without inputs", async () => {
      await ask("POST", "/tasks", [{ task_type: "b" }, { task_type: "b" }, { task_type: "c" }]);
      const first = await ask("GET", "/tasks?type=b&status=pending&limit=1");
      assert.equal(first.body.tasks.length, 1);
      assert.equal("input_data" in first.body.tasks[0], false);
      const cursor = encodeURIComponent(first.body.next_cursor);
      const second = await ask("GET", `/tasks?type=b&status=pending&limit=1&cursor=${cursor}`);
      assert.equal(second.body.tasks.length, 1);
      assert.notEqual(second.body.tasks[0].id, first.body.tasks[0].id);
    });

    await t.step("what is wrong with a request is named", async () => {
      assert.deepEqual(messageOf(await ask("GET", `/tasks/${MISSING}`)), [
        404,
        `there is no task ${MISSING}`,
      ]);
      assert.deepEqual(messageOf(await ask("GET", "/tasks/1")), [400, '"1" is not a task\'s id']);
      assert.deepEqual(messageOf(await ask("GET", "/tasks?cursor=x")), [
        400,
        "p_cursor is not a cursor of an earlier page",
      ]);
      assert.equal((await ask("POST", "/tasks", { task_type: 1 })).status, 400);
      assert.equal((await ask("POST", "/tasks", { task_type: "a", priority: "high" })).status, 400);
      assert.equal(
        (await ask("POST", "/tasks", { task_type: "a", input_data: { x: "x".repeat(2 ** 20) } })).status,
        413,
      );
      assert.equal((await ask("POST", `/tasks/${MISSING}/cancel`, { reason: 1 })).status, 400);
      assert.deepEqual(messageOf(await ask("PUT", "/tasks")), [404, "There is no PUT /tasks"]);
    });

    await t.step(
      "another process works through the Supabase driver as with the database itself",
      async () => {
        const remote = openSupabase({ url, key: token, realtime: false }); // holds nothing open without Realtime
        const p_tasks = [{
          task_type: "remote",
          input_data: { text: 'ö "quoted"', big: "x".repeat(2 * 2 ** 20) },
        }];
        const [{ id }] = await remote.call<{ id: string }[]>("actp_enqueue_tasks", { p_tasks });
        const there = await remote.call<{ input_data: unknown }>("actp_get_task", { p_task_id: id });
        assert.deepEqual(there, await database.call("actp_get_task", { p_task_id: id }));
        assert.deepEqual(there.input_data, p_tasks[0].input_data);
        assert.deepEqual(await remote.call("actp_list_workers"), []);

        const told = async (fn: string, args?: Record<string, unknown>) => {
          const error = await remote.call(fn, args).then(() => undefined, (error) => error);
          assert.ok(error instanceof DatabaseError, fn);
          const direct = await database.call(fn, args).then(() => undefined, (error) => error);
          assert.deepEqual([error.code, error.transient, error.answer], [
            direct.code,
            direct.transient,
            direct.answer,
          ]);
          assert.doesNotMatch(error.message, /embedded database/);
          return error.code;
        };
        assert.equal(await told("actp_get_task", { p_task_id: MISSING }), "PT404");
        assert.equal(await told("actp_get_task", { p_task_id: "x" }), "22P02");
        assert.equal(await told("actp_nothing"), "PGRST202");
        assert.equal(await told("actp_get_task", { p_odd: 1 }), "PGRST202");
        await assert.rejects(remote.call("pg_sleep"), { code: "PGRST202", transient: false });
      },
    );

    await t.step("a wrong key is refused without being asked again", async () => {
      const remote = openSupabase({ url, key: randomSecret(), realtime: false });
      await assert.rejects(remote.call("actp_list_workers"), { transient: false });
    });
  } finally {
    stop.abort();
    await running;
    await database.close();
  }
});

Deno.test("without the embedded database there is no /rest/v1", async () => {
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const token = randomSecret();
  const running = controlServer({
    config: { controlHost: "127.0.0.1", controlPort: 0 },
    worker: { status: () => Promise.reject(new Error("unused")), wake: () => {} },
    token,
    database: {
      description: "",
      call: () => Promise.reject(new Error("unused")),
      close: () => Promise.resolve(),
    },
    embedded: false,
    onListen: listening.resolve,
  }).run(stop.signal);
  const response = await fetch(`http://127.0.0.1:${await listening.promise}/rest/v1/rpc/actp_list_workers`, {
    method: "POST",
    headers: { apikey: token },
  });
  assert.deepEqual([response.status, (await response.json()).code], [404, "not_found"]);
  stop.abort();
  await running;
});
