/** Calls that cannot work, and hints: errors have one shape whatever the driver. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type Case, claim, claimNew, enqueue, get, settle, unique } from "./case.ts";

export const callCases: Case[] = [
  {
    name: "an unknown function or argument, or a missing one, says that the schema may be older",
    async run({ database }) {
      const calls: [string, Record<string, unknown>][] = [
        ["actp_no_such_function", {}],
        ["actp_get_task", { p_task: crypto.randomUUID() }],
        ["actp_get_task", { p_task_id: crypto.randomUUID(), p_extra: 1 }],
        ["actp_get_task", {}],
        ["actp_get_task", { p_task_id: undefined }],
      ];
      for (const [fn, args] of calls) {
        await rejects(database.call(fn, args), {
          name: "DatabaseError",
          code: "PGRST202",
          transient: false,
          message: /schema is missing or older.*db migrate/,
        });
      }
    },
  },
  {
    name: "an argument of the wrong type is refused with PostgreSQL's own code",
    async run({ database }) {
      await rejects(database.call("actp_get_task", { p_task_id: "seven" }), {
        code: "22P02",
        transient: false,
        message: /invalid input syntax for type uuid/,
      });
      await rejects(database.call("actp_heartbeat_tasks", { p_worker_id: "w", p_beats: {} }), {
        transient: false,
      });
    },
  },
  {
    name: "an error is one line",
    async run({ database }) {
      const error = await database.call("actp_get_task", { p_task_id: "a\nb" }).catch((error: Error) =>
        error
      );
      equal((error as Error).message.includes("\n"), false, (error as Error).message);
    },
  },
  {
    name: "an argument left out or undefined takes its default, and one given as null does not",
    async run({ database }) {
      const statistics = (args?: Record<string, unknown>) =>
        database.call<{ window_hours: number | null }>("actp_task_statistics", args);
      equal((await statistics()).window_hours, 24);
      equal((await statistics({ p_window_hours: undefined })).window_hours, 24);
      equal((await statistics({ p_window_hours: null })).window_hours, null);
    },
  },
  {
    name: "a signal that has aborted, or aborts on the way, gives the call up at once",
    async run({ database }) {
      const gone = AbortSignal.abort();
      await rejects(database.call("actp_database_status", {}, { signal: gone }), {
        name: "DatabaseError",
        transient: true,
      });
      const type = unique("type");
      const giveUp = new AbortController();
      const tasks = Array.from({ length: 5000 }, () => ({ task_type: type }));
      const call = database.call("actp_enqueue_tasks", { p_tasks: tasks }, { signal: giveUp.signal });
      giveUp.abort();
      await rejects(call, { name: "DatabaseError", transient: true });
      deepEqual(await claim(database, "w", unique("type")), [], "the database works as before");
    },
  },
  {
    name: "values come back as they went: big text, Unicode, nested JSON, null",
    async run({ database }) {
      const output = {
        text: "é🎬\n\t\\\"'$1",
        big: "x".repeat(200_000),
        list: [[], {}, null, 0.1, -1e-7, true],
      };
      const task = await claimNew(database, "w");
      await settle(database, "w", task, { outcome: "done", output });
      deepEqual((await get(database, task.id)).output_data, output);
    },
  },
  {
    name: "listeners hear of new work, retries and cancels, and nothing after they stopped",
    needs: "listen",
    async run({ database, other, sql }) {
      const heard = hearing();
      const stop = await database.listen!("actp_tasks", heard.notify);
      const sender = other ?? database;
      const task = await claimNew(sender, "w");
      await heard.next("pending");
      if (sql) {
        await sql(`insert into public.actp_workflow_tasks (task_type) values ('${unique("type")}')`);
        await heard.next("pending");
      }
      await sender.call("actp_cancel_task", { p_task_id: task.id });
      await heard.next(`cancel:${task.id}`);
      await settle(sender, "w", task, { outcome: "cancelled" });
      await sender.call("actp_retry_task", { p_task_id: task.id });
      await heard.next("pending");
      await stop();
      await enqueue(sender, unique("type"));
      await sender.call("actp_database_status");
      deepEqual(heard.waiting(), []);
    },
  },
];

/** Collects payloads and lets a case wait for the next, which has to be the one it names. */
function hearing() {
  const payloads: string[] = [];
  let wake = () => {};
  return {
    notify(payload: string) {
      payloads.push(payload);
      wake();
    },
    waiting: () => payloads,
    async next(expected: string) {
      const deadline = setTimeout(() => wake(), 5000);
      if (!payloads.length) await new Promise<void>((resolve) => wake = resolve);
      clearTimeout(deadline);
      ok(payloads.length, `nothing heard in 5 s; expected ${expected}`);
      equal(payloads.shift(), expected);
    },
  };
}
