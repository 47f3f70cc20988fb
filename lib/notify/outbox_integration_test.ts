/** The outbox over a real PostgreSQL, with several workers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ChannelName } from "../config/notify_rules.ts";
import { sqlClient } from "../database/contract/sql_client.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { openPostgres } from "../database/postgres.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { type FakeClock, fakeClock } from "../testing/fake_clock.ts";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { tempDir } from "../testing/temp.ts";
import { until } from "../testing/until.ts";
import { logChannel } from "./channels/log.ts";
import { type Channel, DeliveryError, type Notification } from "./notification.ts";
import { Outbox, type OutboxOptions } from "./outbox.ts";
import { openSpool, Spool } from "./spool.ts";

type Send = (title: string, nth: number, signal: AbortSignal) => void | Promise<void>;

/** A channel that keeps what it sends, but for what `send` throws. */
function keeping(name: ChannelName, send: Send = () => {}) {
  const sent: string[] = [];
  let nth = 0;
  const channel: Channel & { name: ChannelName } = {
    name,
    async send(batch, signal) {
      for (const [delivered, { title }] of batch.entries()) {
        try {
          await send(title, ++nth, signal);
        } catch (error) {
          if (!(error instanceof DeliveryError)) throw error;
          throw new DeliveryError(error.message, { ...error, delivered });
        }
        sent.push(title);
      }
    },
  };
  return { channel, sent };
}

function note(title: string, more: Partial<Notification> = {}): Notification {
  return { kind: "test", severity: "info", title, text: "", ...more };
}

interface Running extends AsyncDisposable {
  readonly outbox: Outbox;
  readonly clock: FakeClock;
  stop(): void;
}

function running(
  database: Database,
  channels: OutboxOptions["channels"],
  more: Partial<OutboxOptions> = {},
): Running {
  const clock = fakeClock(Date.now());
  const outbox = new Outbox({
    database,
    workerId: "w",
    channels,
    routing: { notifyRules: [] },
    spool: new Spool(":memory:"),
    clock,
    secrets: [],
    ...more,
  });
  const stop = new AbortController();
  const over = outbox.run(stop.signal);
  return {
    outbox,
    clock,
    stop: () => stop.abort(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await over;
    },
  };
}

Deno.test({
  name: "the outbox",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    await using client = sqlClient(server.url);
    const database = openPostgres(server.url);
    await database.migrate();
    const rows = async () =>
      await client.sql(
        "select title, status, attempts, repeats, error from public.actp_notifications order by created_at, id",
      );
    const settled = async (status: string, count: number) => {
      for (let tries = 0; tries < 2000; tries++) {
        // What waits for its first attempt has not failed yet.
        const of = (await rows()).filter((row) =>
          row.status === status && (status !== "waiting" || row.error)
        );
        if (of.length >= count) return of;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.fail(`not ${count} ${status}: ${JSON.stringify(await rows())}`);
    };
    const step = (name: string, fn: (log: ReturnType<typeof capturedLog>) => Promise<void>) =>
      test.step({
        name,
        async fn() {
          await client.sql("delete from public.actp_notifications");
          await using log = capturedLog();
          await fn(log);
        },
        sanitizeOps: false,
        sanitizeResources: false,
      });

    await step("what is told is sent once on every channel, and the log hears it at once", async (log) => {
      const [chat, mail] = [keeping("telegram"), keeping("email")];
      await using worker = running(database, [logChannel(), chat.channel, mail.channel]);
      await worker.outbox.notify(note("hello", { severity: "warning" }));
      assert.deepEqual(log.messages("notification"), ["hello"]);
      await settled("sent", 2);
      assert.deepEqual([chat.sent, mail.sent], [["hello"], ["hello"]]);
    });
    await step("of several workers one sends each", async () => {
      const workers = [1, 2, 3].map((n) => {
        const chat = keeping("telegram");
        return { chat, worker: running(database, [chat.channel], { workerId: `w${n}` }) };
      });
      const titles = Array.from({ length: 60 }, (_, n) => `n${n}`);
      await Promise.all(titles.map((title, n) => workers[n % 3]!.worker.outbox.notify(note(title))));
      await settled("sent", 60);
      for (const { worker } of workers) await worker[Symbol.asyncDispose]();
      assert.deepEqual(workers.flatMap(({ chat }) => chat.sent).sort(), titles.sort());
    });
    await step(
      "a failed delivery is tried again with a pause, and does not touch another channel",
      async (log) => {
        const chat = keeping("telegram", (_title, nth) => {
          if (nth === 1) throw new DeliveryError("Telegram answered 502", { retry: true });
        });
        const mail = keeping("email");
        const told: string[] = [];
        await using worker = running(database, [chat.channel, mail.channel], {
          random: () => 0,
          observe: (channel, outcome, count) => void told.push(`${channel} ${outcome} ${count}`),
        });
        await worker.outbox.notify(note("hello"));
        await settled("sent", 1);
        const [waiting] = await settled("waiting", 1);
        assert.equal(waiting!.error, "Telegram answered 502");
        assert.deepEqual(log.messages("notify"), [
          "Cannot send 1 notifications by telegram: Telegram answered 502; tried again",
        ]);
        const [{ pause }] = await client.sql(
          "select extract(epoch from due_at - now())::float8 as pause from public.actp_notifications where status = 'waiting'",
        );
        assert.ok(Number(pause) > 20 && Number(pause) <= 30, `${pause}`);
        await client.sql("update public.actp_notifications set due_at = now() where status = 'waiting'");
        await worker.clock.advance(30_000);
        await settled("sent", 2);
        assert.deepEqual(chat.sent, ["hello"]);
        assert.deepEqual(told.sort(), ["email sent 1", "telegram retry 1", "telegram sent 1"]);
      },
    );
    await step(
      "what trying again cannot mend fails, is logged, and the rest of its batch is sent",
      async (log) => {
        const chat = keeping("telegram", (title) => {
          if (title === "bad") throw new DeliveryError("Telegram answered 400", { retry: false });
        });
        await using worker = running(database, [chat.channel]);
        await worker.outbox.notify(note("bad"));
        await settled("failed", 1);
        await worker.outbox.notify(note("good"));
        await settled("sent", 1);
        assert.match(log.records.find(({ level }) => level === "error")!.message, /400; given up$/);
      },
    );
    await step("a channel that asks for patience is left alone for so long", async () => {
      const chat = keeping("telegram", (_title, nth) => {
        if (nth === 1) {
          throw new DeliveryError("Telegram answered 429", { retry: true, retryAfterMs: 90_000 });
        }
      });
      await using worker = running(database, [chat.channel]);
      await worker.outbox.notify(note("first"));
      await settled("waiting", 1);
      await worker.outbox.notify(note("second"));
      await worker.clock.advance(60_000);
      assert.deepEqual((await rows()).map(({ status, attempts }) => [status, attempts]), [["waiting", 1], [
        "waiting",
        0,
      ]]);
      await client.sql("update public.actp_notifications set due_at = now()");
      await worker.clock.advance(31_000);
      await settled("sent", 2);
    });
    await step("the same again is counted, and not sent again", async () => {
      const chat = keeping("telegram");
      await using worker = running(database, [chat.channel]);
      for (let n = 0; n < 5; n++) await worker.outbox.notify(note("down", { dedupeKey: "db-down" }));
      const [row] = await settled("sent", 1);
      assert.deepEqual([row!.repeats, chat.sent.length], [4, 1]);
    });
    await step("what a worker that died had begun to send, another one sends", async () => {
      const dead = keeping("telegram");
      const silent = new Outbox({
        database,
        workerId: "dead",
        channels: [dead.channel],
        routing: { notifyRules: [] },
        spool: new Spool(":memory:"),
        clock: fakeClock(),
        secrets: [],
      });
      await silent.notify(note("hello"));
      await database.call("actp_claim_notifications", {
        p_worker_id: "dead",
        p_channels: ["telegram"],
        p_lease_seconds: 0,
      });
      const chat = keeping("telegram");
      await using _worker = running(database, [chat.channel], { workerId: "alive" });
      await settled("sent", 1);
      assert.deepEqual(chat.sent, ["hello"]);
    });
    await step(
      "while the database is away nothing is lost, and nobody who tells is bothered",
      async (log) => {
        let away = true;
        const flaky: Database = {
          ...database,
          call: (fn, args, options) =>
            away
              ? Promise.reject(new DatabaseError("the database does not answer", { transient: true }))
              : database.call(fn, args, options),
        };
        const chat = keeping("telegram");
        await using worker = running(flaky, [chat.channel]);
        await worker.outbox.notify(note("one"));
        await worker.outbox.notify(note("two"));
        assert.equal(
          log.records.some(({ message }) => message.startsWith("Cannot write a notification")),
          true,
        );
        away = false;
        await worker.clock.advance(60_000);
        await settled("sent", 2);
        assert.deepEqual(chat.sent, ["one", "two"]);
      },
    );
    await step(
      "what a worker that died could not write is sent by its next life, unless it is too late",
      async (log) => {
        await using dir = await tempDir();
        const path = join(dir.path, "spool");
        let began = 0;
        const away: Database = {
          ...database,
          call: () => Promise.reject(new DatabaseError("the database does not answer", { transient: true })),
        };
        {
          const spool = openSpool(path);
          await using worker = running(away, [keeping("telegram").channel], { spool });
          began = worker.clock.now();
          await worker.outbox.notify(note("late"));
          await worker.clock.advance(20 * 3_600_000);
          await worker.outbox.notify(note("in time"));
          worker.stop();
          await worker[Symbol.asyncDispose]();
          assert.match(log.messages("notify").at(-1)!, /^2 notifications wait for the next start/);
          spool.close();
        }
        const spool = openSpool(path);
        const chat = keeping("telegram");
        {
          const clock = fakeClock(began + 25 * 3_600_000);
          await using _worker = running(database, [chat.channel], { spool, clock });
          await settled("sent", 1);
        }
        assert.deepEqual(chat.sent, ["in time"]);
        assert.ok(
          log.messages("notify").includes(
            "a notification is lost: late: the database could not be reached for a day",
          ),
        );
        assert.deepEqual(spool.all(), []);
        spool.close();
      },
    );
    await step("what the database will not take does not block what follows", async (log) => {
      const picky: Database = {
        ...database,
        call: (fn, args, options) =>
          JSON.stringify(args).includes("odd")
            ? Promise.reject(new DatabaseError("it is odd", { code: "PT400", transient: false }))
            : database.call(fn, args, options),
      };
      const chat = keeping("telegram");
      await using worker = running(picky, [chat.channel]);
      await worker.outbox.notify(note("odd"));
      await worker.outbox.notify(note("good"));
      await settled("sent", 1);
      assert.deepEqual(log.messages("notify"), ["a notification is lost: odd: it is odd"]);
    });
    await step("a worker that stops finishes what it is sending", async () => {
      const begun = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      const chat = keeping("telegram", () => (begun.resolve(), go.promise));
      const worker = running(database, [chat.channel]);
      await worker.outbox.notify(note("hello"));
      await begun.promise;
      worker.stop();
      go.resolve();
      await worker[Symbol.asyncDispose]();
      assert.deepEqual((await rows()).map(({ status }) => status), ["sent"]);
    });
    await step("a send that hangs when the worker stops is cut off and left for later", async () => {
      let begun = false;
      const chat = keeping("telegram", (_title, _nth, signal) => {
        begun = true;
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new Error("cut off")))
        );
      });
      const worker = running(database, [chat.channel]);
      await worker.outbox.notify(note("hello"));
      await until("sending", () => begun);
      worker.stop();
      await worker.clock.advance(3_000);
      await worker[Symbol.asyncDispose]();
      assert.deepEqual((await rows()).map(({ status }) => status), ["waiting"]);
    });
    await database.close();
  },
});
