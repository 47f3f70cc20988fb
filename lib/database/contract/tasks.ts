/** What people do with tasks: cancel, retry, look at one, list, count. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type Case, claim, claimNew, enqueue, get, settle, type TaskRow, unique } from "./case.ts";

interface Page {
  readonly tasks: readonly TaskRow[];
  readonly next_cursor: string | null;
}

interface Statistics {
  readonly window_hours: number;
  readonly by_status: Record<string, number>;
  readonly by_type: Record<string, Record<string, number>>;
  readonly due: number;
  readonly oldest_due_seconds: number | null;
}

export const taskCases: Case[] = [
  {
    name: "a pending task is cancelled at once, a held one is asked to stop, a settled one stays",
    async run({ database }) {
      const cancel = (id: string, reason?: string) =>
        database.call<TaskRow>("actp_cancel_task", { p_task_id: id, p_reason: reason });
      const [pending] = await enqueue(database, unique("type"));
      const cancelled = await cancel(pending!, "typo");
      deepEqual([cancelled.status, cancelled.cancel_reason], ["cancelled", "typo"]);
      ok(cancelled.completed_at);
      equal((await cancel(pending!, "again")).cancel_reason, "typo");

      const held = await claimNew(database, "w");
      const asked = await cancel(held.id, "first");
      deepEqual([asked.status, asked.cancel_reason], ["claimed", "first"]);
      ok(asked.cancel_requested_at);
      equal((await cancel(held.id, "second")).cancel_reason, "first");

      await settle(database, "w", held, { outcome: "done" });
      equal((await cancel(held.id)).status, "succeeded");
    },
  },
  {
    name: "retry gives a failed, timed-out or cancelled task all its attempts again, and no other",
    async run({ database }) {
      const retry = (id: string) => database.call<TaskRow>("actp_retry_task", { p_task_id: id });
      for (const outcome of ["failed", "timed_out", "cancelled"]) {
        const task = await claimNew(database, "w", { max_attempts: 1 });
        await rejects(retry(task.id), { code: "PT409", transient: false, message: /is claimed/ });
        await settle(database, "w", task, { outcome, error: "e" });
        const retried = await retry(task.id);
        deepEqual(
          [
            retried.status,
            retried.attempts,
            retried.error,
            retried.completed_at,
            retried.cancel_requested_at,
          ],
          ["pending", 0, null, null, null],
        );
        const [again] = await claim(database, "w", task.task_type);
        deepEqual([again!.id, again!.attempt, again!.token], [task.id, 1, "2"]);
        await settle(database, "w", again!, { outcome: "done" });
        await rejects(retry(task.id), { code: "PT409", message: /is succeeded/ });
      }
    },
  },
  {
    name: "a task that does not exist is PT404 for whoever asks",
    async run({ database }) {
      for (const fn of ["actp_get_task", "actp_cancel_task", "actp_retry_task"]) {
        const id = crypto.randomUUID();
        await rejects(database.call(fn, { p_task_id: id }), {
          code: "PT404",
          transient: false,
          message: new RegExp(id),
        });
      }
    },
  },
  {
    name: "a task's history lists the attempts that did not succeed, oldest first",
    async run({ database }) {
      const type = unique("type");
      const [id] = await enqueue(database, type, 1, { backoff_seconds: 0, max_attempts: 4 });
      for (const outcome of ["released", "failed", "timed_out", "done"]) {
        const [task] = await claim(database, "w", type);
        await settle(database, "w", task!, { outcome, error: outcome });
      }
      const { history, status, attempts } = await get(database, id!);
      deepEqual(history.map(({ outcome, attempt, token }) => [outcome, attempt, token]), [
        ["released", 1, "1"],
        ["failed", 1, "2"],
        ["timed_out", 2, "3"],
      ]);
      deepEqual([status, attempts], ["succeeded", 3]);
    },
  },
  {
    name: "lists filter by status, type and execution, newest first",
    async run({ database }) {
      const [a, b] = [unique("type"), unique("type")];
      const execution = crypto.randomUUID();
      const [first, second] = await enqueue(database, a, 2, { execution_id: execution });
      const [third] = await enqueue(database, b);
      await database.call("actp_cancel_task", { p_task_id: second });
      const list = async (args: Record<string, unknown>) =>
        (await database.call<Page>("actp_list_tasks", args)).tasks.map(({ id }) => id);
      deepEqual(await list({ p_types: [a, b] }), [third, second, first]);
      deepEqual(await list({ p_types: [a, b], p_status: ["pending"] }), [third, first]);
      deepEqual(await list({ p_execution_id: execution }), [second, first]);
      deepEqual(await list({ p_execution_id: execution, p_types: [b] }), []);
      equal((await list({}))[0], third);
    },
  },
  {
    name: "pages neither repeat nor miss a task, also when all were made at the same instant",
    needs: "sql",
    async run({ database, sql }) {
      const type = unique("type");
      await sql!(`insert into public.actp_workflow_tasks (task_type, created_at)
        select '${type}', '2026-01-01T00:00:00.123456Z' from generate_series(1, 25)`);
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const args: Record<string, unknown> = { p_types: [type], p_limit: 10, p_cursor: cursor };
        const page: Page = await database.call<Page>("actp_list_tasks", args);
        seen.push(...page.tasks.map(({ id }) => id));
        cursor = page.next_cursor;
        if (seen.length === 10) await enqueue(database, type); // newer than the pages to come
      } while (cursor);
      equal(seen.length, 25);
      equal(new Set(seen).size, 25);
    },
  },
  {
    name: "the page size is 1 to 500, 50 unless told",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 510);
      const size = async (args: Record<string, unknown>) =>
        (await database.call<Page>("actp_list_tasks", { p_types: [type], ...args })).tasks.length;
      deepEqual(
        [
          await size({}),
          await size({ p_limit: null }),
          await size({ p_limit: 0 }),
          await size({ p_limit: 9999 }),
        ],
        [50, 50, 1, 500],
      );
    },
  },
  {
    name: "a cursor that no page gave is refused",
    async run({ database }) {
      for (const cursor of ["", "x", "|", "2026-01-01|x", "'; drop table x; --|"]) {
        await rejects(database.call("actp_list_tasks", { p_cursor: cursor }), {
          code: "PT400",
          transient: false,
          message: /p_cursor/,
        });
      }
    },
  },
  {
    name: "statistics count what waits, runs and was settled, by status and type",
    async run({ database }) {
      const type = unique("type");
      await enqueue(database, type, 5);
      await enqueue(database, type, 1, { run_at: "2100-01-01T00:00:00Z" });
      const before = await database.call<Statistics>("actp_task_statistics");
      const [a, b] = await claim(database, "w", type, 3);
      await settle(database, "w", a!, { outcome: "done" });
      await settle(database, "w", b!, { outcome: "failed", error: "e", retry: false });
      const after = await database.call<Statistics>("actp_task_statistics", { p_window_hours: 1 });
      deepEqual(after.by_type[type], { pending: 3, claimed: 1, succeeded: 1, failed: 1 });
      equal(before.due - after.due, 3);
      equal(after.by_status.pending, before.by_status.pending! - 3);
      equal(after.window_hours, 1);
      ok(Number.isInteger(after.oldest_due_seconds));
    },
  },
];
