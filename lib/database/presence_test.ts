import assert from "node:assert/strict";
import { systemClock } from "../clock.ts";
import { needs } from "../testing/requirements.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { startTcpProxy } from "../testing/tcp_proxy.ts";
import { until } from "../testing/until.ts";
import { beat, claimNew, get } from "./contract/case.ts";
import { sqlClient } from "./contract/sql_client.ts";
import { openPostgres } from "./postgres.ts";

interface Ring {
  readonly now: string;
  readonly workers: readonly { readonly id: string }[];
}

Deno.test({
  name: "the sessions that hold and await a worker's lock",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres({ settings: { statement_timeout: "300", lock_timeout: "200" } });
    await using proxy = startTcpProxy(server.port);
    const url = new URL(server.url);
    url.port = `${proxy.port}`;
    const database = openPostgres(server.url);
    const proxied = openPostgres(url.href);
    await database.migrate();
    await using client = sqlClient(server.url);
    const never = new AbortController().signal;
    const open = () => database.presence!(never);
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    const activity = async (pid: number) => {
      const [row] = await client.sql(
        `select state, wait_event_type as waits, backend_xmin as xmin, backend_xid as xid from pg_stat_activity where pid = ${pid}`,
      );
      return row;
    };
    const waiting = async (pid: number) => {
      while ((await activity(pid))?.waits !== "Lock") await systemClock.sleep(5);
    };

    await step("a lock is held until its session ends, and who waits for it is told at once", async () => {
      const holder = await open();
      await using watcher = await open();
      await holder.hold(1, never);
      const free = watcher.untilFree(1, never);
      await waiting(watcher.pid);
      const began = performance.now();
      await client.sql(`select pg_terminate_backend(${holder.pid})`);
      await free;
      assert.ok(performance.now() - began < 5000); // a moment, on any machine
      await until("the holder knows it", () => holder.over.aborted);
      await holder[Symbol.asyncDispose]();
    });

    await step("neither who holds nor who waits holds back vacuum, and no time limit ends them", async () => {
      await using holder = await open();
      await using watcher = await open();
      await holder.hold(2, never);
      const giveUp = new AbortController();
      const free = assert.rejects(watcher.untilFree(2, giveUp.signal), { name: "DatabaseError" });
      await waiting(watcher.pid);
      await systemClock.sleep(400);
      for (const { pid } of [holder, watcher]) {
        const { xmin, xid, state } = (await activity(pid))!;
        assert.deepEqual([xmin, xid], [null, null]);
        assert.equal(state, pid === holder.pid ? "idle in transaction" : "active");
      }
      giveUp.abort();
      await free;
    });

    await step("a wait that is given up leaves its session fit for the next", async () => {
      await using holder = await open();
      await using watcher = await open();
      await holder.hold(3, never);
      for (let round = 0; round < 5; round++) {
        const giveUp = new AbortController();
        const free = assert.rejects(watcher.untilFree(3, giveUp.signal), { code: "57014" });
        await waiting(watcher.pid);
        giveUp.abort();
        await free;
        await watcher.call("actp_presence_ring");
      }
      await watcher.untilFree(4, never);
      assert.equal(watcher.over.aborted, false);
    });

    await step("the server lets go of a lock that it gave to a client that is gone", async () => {
      const holder = await open();
      await using third = await open();
      const suspended = await proxied.presence!(never);
      await holder.hold(5, never);
      const silent = suspended.untilFree(5, never);
      await waiting(suspended.pid);
      proxy.freeze();
      await holder[Symbol.asyncDispose]();
      await third.hold(5, never);
      proxy.thaw();
      await silent;
      await suspended[Symbol.asyncDispose]();
    });

    await step("a session whose connection was cut is over, and is not replaced by another", async () => {
      const session = await proxied.presence!(never);
      await session.hold(6, never);
      const over = new Promise((resolve) => session.over.addEventListener("abort", resolve));
      proxy.cut();
      await over;
      await assert.rejects(session.call("actp_presence_ring"), {
        name: "DatabaseError",
        message: /has ended/,
        transient: true,
      });
      await session[Symbol.asyncDispose]();
    });

    await step("a server that stands still does not hold up who gives up or leaves", async () => {
      await using watcher = await open();
      const holder = await open();
      await holder.hold(7, never);
      const giveUp = new AbortController();
      const free = assert.rejects(watcher.untilFree(7, giveUp.signal), { transient: true });
      await waiting(watcher.pid);
      await server.pause();
      const connecting = assert.rejects(database.presence!(giveUp.signal), { transient: true });
      const began = performance.now();
      giveUp.abort();
      await Promise.all([free, connecting, holder[Symbol.asyncDispose]()]);
      const tookMs = performance.now() - began;
      await server.resume();
      assert.ok(tookMs < 10_000, `${tookMs}`); // about 3 s on a machine at rest
    });

    await step(
      "a slot is kept, given to a worker that is not registered never, and asked for again",
      async () => {
        const slotOf = (id: string) => database.call("actp_presence_slot", { p_worker_id: id });
        const take = (id: string, slot: number, pid: number) =>
          database.call("actp_presence_taken", { p_worker_id: id, p_slot: slot, p_pid: pid });
        assert.equal(await slotOf("nobody"), null);
        for (let n = 0; n < 65; n++) {
          await database.call("actp_register_worker", { p_worker: { worker_id: `w${n}`, hostname: "h" } });
        }
        for (let n = 0; n < 64; n++) assert.equal(await slotOf(`w${n}`), n + 1);
        assert.equal(await slotOf("w64"), null);
        assert.deepEqual([await slotOf("w7"), await take("w7", 8, 1), await take("w7", 9, 1)], [
          8,
          true,
          false,
        ]);
        await database.call("actp_heartbeat_worker", { p_worker_id: "w7", p_status: "offline" });
        assert.equal(await slotOf("w64"), 8);
        assert.equal(await take("w7", 8, 1), false);
      },
    );

    await step(
      "a dead worker's tasks are given back once, and not if it lives by any other sign",
      async () => {
        const [id, pid] = ["w0", 999_999];
        const [task] = [await claimNew(database, id), await claimNew(database, "w1")];
        await database.call("actp_presence_taken", { p_worker_id: id, p_slot: 1, p_pid: pid });
        const ring = () => database.call<Ring>("actp_presence_ring");
        const rescue = (p_since: string, p_pid = pid) =>
          database.call("actp_presence_rescue", { p_worker_id: id, p_pid, p_since });
        const { now, workers } = await ring();
        assert.deepEqual(workers.filter((worker) => worker.id === id), [{
          id,
          slot: 1,
          pid,
          present: false,
        }]);
        assert.equal(await beat(database, id, task), "ok");
        assert.equal(await rescue(now), null, "its task was renewed since");
        const later = (await ring()).now;
        assert.equal(await rescue(later, 1), null, "another session");
        await using session = await open();
        await session.hold(1, never);
        await database.call("actp_presence_taken", { p_worker_id: id, p_slot: 1, p_pid: session.pid });
        assert.equal(await rescue(later, session.pid), null, "it holds its lock");
        await database.call("actp_presence_taken", { p_worker_id: id, p_slot: 1, p_pid: pid });
        const last = (await ring()).now;
        const answers = await Promise.all([rescue(last), rescue(last)]);
        assert.deepEqual(answers.toSorted(), [1, null]);
        assert.equal((await get(database, task.id)).status, "pending");
        assert.equal(await beat(database, id, task), "lost");
        const [row] = await database.call<{ status: string }[]>("actp_list_workers", { p_worker_id: id });
        assert.equal(row.status, "offline");
      },
    );

    await proxied.close();
    await database.close();
  },
});
