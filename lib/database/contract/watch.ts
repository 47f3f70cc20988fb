/** What a watcher is told: what is new or changed since its last look, and nothing else. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type Case, claim, enqueue, get, settle, unique } from "./case.ts";

interface Watched {
  readonly tasks: readonly [version: string, seq: number, task: Record<string, unknown>][];
  readonly gone: readonly string[];
  readonly acts: readonly { readonly id: string; readonly status: string }[];
  readonly limits: readonly { readonly pattern: string; readonly running: number }[];
  readonly routines: readonly unknown[];
}

export const watchCases: readonly Case[] = [
  {
    name: "a watcher is told of each version of a task once, without its input and output",
    async run({ database }) {
      const known: Record<string, string> = {};
      const look = async (): Promise<string[]> => {
        const { tasks } = await database.call<Watched>("actp_watch", { p_known: known });
        for (const [version, , task] of tasks) known[String(task.id)] = version;
        return tasks.filter(([, , task]) => task.task_type === type).map(([, , task]) => String(task.status));
      };
      const type = unique("type");
      await look();
      const [id] = await enqueue(database, type);
      deepEqual(await look(), ["pending"]);
      deepEqual(await look(), []);
      const [held] = await claim(database, "w", type);
      deepEqual(await look(), ["claimed"]);
      await settle(database, "w", held!, { outcome: "done", output: { big: "x".repeat(10_000) } });
      const { tasks } = await database.call<Watched>("actp_watch", { p_known: known });
      const [, seq, { ...task }] = tasks.find(([, , task]) => task.id === id)!;
      const { history: _, input_data: _in, output_data: _out, ...row } = await get(database, id!);
      deepEqual(task, row);
      ok(Number.isSafeInteger(seq));
      deepEqual(await look(), ["succeeded"]);
      deepEqual(await look(), []);
    },
  },
  {
    name: "a task that the watcher knows is told of however old it is, and one that is deleted is gone",
    async run({ database }) {
      const [old] = await enqueue(database, unique("type"));
      await enqueue(database, unique("type"), 3);
      const other = crypto.randomUUID();
      const watched = await database.call<Watched>("actp_watch", {
        p_known: { [old!]: "", [other]: "1" },
        p_window: 1,
      });
      ok(watched.tasks.some(([, , task]) => task.id === old));
      deepEqual(watched.gone, [other]);
    },
  },
  {
    name: "a watcher is told of limits and pauses, and of approvals until they are decided",
    async run({ database }) {
      const pattern = unique("type");
      await database.call("actp_pause_tasks", { p_pattern: pattern, p_reason: "too hot" });
      const look = (p_acts: string[] = []) => database.call<Watched>("actp_watch", { p_acts });
      const limit = (await look()).limits.find((limit) => limit.pattern === pattern);
      deepEqual({ ...limit, paused_at: "" }, {
        pattern,
        max_running: null,
        running: 0,
        paused: true,
        paused_reason: "too hot",
        paused_at: "",
      });
      await database.call("actp_resume_tasks", { p_pattern: pattern });
      equal((await look()).limits.some((limit) => limit.pattern === pattern), false);
      const { id } = await database.call<{ id: string }>("actp_request_act", {
        p_act: { source: "test", task_id: unique("t"), digest: "d", kind: "post", summary: "s", preview: {} },
        p_worker_id: "w",
        p_expires_seconds: 60,
      });
      equal((await look()).acts.find((act) => act.id === id)?.status, "proposed");
      await database.call("actp_decide_act", { p_id: id, p_approve: false, p_by: "test" });
      equal((await look()).acts.some((act) => act.id === id), false);
      equal((await look([id])).acts.find((act) => act.id === id)?.status, "rejected");
    },
  },
  {
    name: "a watcher that claims to know what it cannot is refused",
    async run({ database }) {
      await rejects(database.call("actp_watch", { p_known: [] }), { code: "PT400" });
      const p_known = Object.fromEntries(Array.from({ length: 1001 }, () => [crypto.randomUUID(), "1"]));
      await rejects(database.call("actp_watch", { p_known }), { code: "PT400" });
    },
  },
];
