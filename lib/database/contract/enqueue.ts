/** Enqueueing: order, idempotency, and every bad field refused by its name. */
import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { type Case, claim, enqueue, get, secondsUntil, unique } from "./case.ts";

const BAD_FIELDS: Record<string, readonly unknown[]> = {
  task_type: [undefined, null, "", 7, "x".repeat(201)],
  input_data: [null, [], "text", 1],
  priority: ["high", 1.5, 3_000_000_000, true],
  run_at: ["tomorrow-ish", 5, "2026-13-45T00:00:00Z", "infinity"],
  max_attempts: [0, 101, 1.5, "x"],
  backoff_seconds: [-1, 86_401, 0.5],
  timeout_minutes: [0, 10_081, "x"],
  idempotency_key: ["", "k".repeat(201), 5],
  execution_id: ["not-a-uuid", 5],
  step_id: ["not-a-uuid"],
  reward: ["much", {}],
  currency: [5, "", "c".repeat(21)],
  deadline: ["soon", {}],
  payload: [{}],
};

export const enqueueCases: Case[] = [
  {
    name: "a batch keeps its order in the answer and in the claims",
    async run({ database }) {
      const type = unique("type");
      const ids = await enqueue(database, type, 30);
      equal(new Set(ids).size, 30);
      deepEqual((await claim(database, "w", type, 30)).map(({ id }) => id), ids);
    },
  },
  {
    name: "an empty batch makes nothing",
    async run({ database }) {
      deepEqual(await database.call("actp_enqueue_tasks", { p_tasks: [] }), []);
    },
  },
  {
    name: "all fields are kept as they were given",
    async run({ database }) {
      const [execution, step] = [crypto.randomUUID(), crypto.randomUUID()];
      const [id] = await enqueue(database, unique("type"), 1, {
        input_data: { text: "Zürich ✓ 🎬", nested: { list: [1, null, "2"] } },
        priority: -3,
        run_at: "2026-01-02T05:04:05+02:00",
        max_attempts: 7,
        backoff_seconds: 9,
        timeout_minutes: 11,
        execution_id: execution,
        step_id: step,
        reward: "0.100000000000000000001",
        currency: "USDC",
        deadline: "2031-01-01T00:00:00Z",
      });
      const task = await get(database, id!);
      const expected = {
        status: "pending",
        input_data: { text: "Zürich ✓ 🎬", nested: { list: [1, null, "2"] } },
        output_data: null,
        priority: -3,
        run_at: "2026-01-02T03:04:05+00:00",
        max_attempts: 7,
        backoff_seconds: 9,
        timeout_minutes: 11,
        execution_id: execution,
        step_id: step,
        reward: "0.100000000000000000001",
        currency: "USDC",
        deadline: "2031-01-01T00:00:00+00:00",
        attempts: 0,
        token: "0",
        history: [],
      };
      for (const [column, value] of Object.entries(expected)) deepEqual(task[column], value, column);
    },
  },
  {
    name: "what is left out takes its default",
    async run({ database }) {
      const [made] = await database.call<{ id: string; created: boolean }[]>("actp_enqueue_tasks", {
        p_tasks: [{ task_type: unique("type"), priority: null, run_at: null, idempotency_key: null }],
      });
      equal(made!.created, true);
      const task = await get(database, made!.id);
      deepEqual(task.input_data, {});
      deepEqual(
        [task.priority, task.max_attempts, task.backoff_seconds, task.timeout_minutes, task.reward],
        [0, 3, 5, 30, null],
      );
      equal(Math.abs(await secondsUntil(database, task.run_at)) < 60, true);
    },
  },
  {
    name: "an idempotency key makes one task, also twice in one batch",
    async run({ database }) {
      const task = { task_type: unique("type"), input_data: { a: 1, b: 2 }, idempotency_key: unique("key") };
      const answers = await database.call<{ id: string; created: boolean }[]>("actp_enqueue_tasks", {
        p_tasks: [task, { ...task, idempotency_key: unique("key") }, task],
      });
      deepEqual(answers.map(({ created }) => created), [true, true, false]);
      equal(answers[0]!.id, answers[2]!.id);
      notEqual(answers[0]!.id, answers[1]!.id);
      const again = { ...task, input_data: { b: 2, a: 1 } };
      deepEqual(await database.call("actp_enqueue_tasks", { p_tasks: [again] }), [answers[2]]);
      equal((await claim(database, "w", task.task_type, 10)).length, 2);
      deepEqual(
        await database.call("actp_enqueue_tasks", { p_tasks: [task] }),
        [answers[2]],
        "after its claim too",
      );
    },
  },
  {
    name: "an idempotency key with another type or input is a conflict, and nothing of its batch is made",
    async run({ database }) {
      const type = unique("type");
      const task = { task_type: type, input_data: { n: 1 }, idempotency_key: unique("key") };
      await database.call("actp_enqueue_tasks", { p_tasks: [task] });
      for (const change of [{ input_data: { n: 2 } }, { task_type: unique("type") }]) {
        const fresh = unique("type");
        await rejects(
          database.call("actp_enqueue_tasks", { p_tasks: [{ task_type: fresh }, { ...task, ...change }] }),
          {
            name: "DatabaseError",
            code: "PT409",
            transient: false,
            message: new RegExp(task.idempotency_key),
          },
        );
        deepEqual(await claim(database, "w", fresh), []);
      }
    },
  },
  {
    name: "two clients that enqueue one key at the same time make one task",
    needs: "other",
    async run({ database, other }) {
      const type = unique("type");
      const batch = Array.from(
        { length: 40 },
        (_, n) => ({ task_type: type, idempotency_key: `${type}-${n}` }),
      );
      const [a, b] = await Promise.all([
        database.call<{ id: string; created: boolean }[]>("actp_enqueue_tasks", { p_tasks: batch }),
        other!.call<{ id: string; created: boolean }[]>("actp_enqueue_tasks", {
          p_tasks: batch.toReversed(),
        }),
      ]);
      b.reverse();
      deepEqual(a.map(({ id }) => id), b.map(({ id }) => id));
      for (const [n, { created }] of a.entries()) notEqual(created, b[n]!.created);
    },
  },
  {
    name: "each bad field is refused by name and place, and nothing is made",
    async run({ database }) {
      const type = unique("type");
      for (const [field, values] of Object.entries(BAD_FIELDS)) {
        for (const value of values) {
          const bad = { task_type: type, [field]: value };
          await rejects(
            database.call("actp_enqueue_tasks", { p_tasks: [{ task_type: type }, bad] }),
            { code: "PT400", transient: false, message: new RegExp(`task 2: .*${field}`) },
            `${field} = ${JSON.stringify(value)}`,
          );
        }
      }
      deepEqual(await claim(database, "w", type), []);
    },
  },
  {
    name: "a batch that is no list of tasks, or too long a one, is refused",
    async run({ database }) {
      for (const tasks of [{}, "x", null, ["x"], [[]], [null]]) {
        await rejects(database.call("actp_enqueue_tasks", { p_tasks: tasks }), {
          code: "PT400",
          transient: false,
        });
      }
      const many = Array.from({ length: 10_001 }, () => ({ task_type: "x" }));
      await rejects(database.call("actp_enqueue_tasks", { p_tasks: many }), {
        code: "PT400",
        message: /10000/,
      });
    },
  },
  {
    name: "a NUL character is refused as bad data, not as an outage",
    async run({ database }) {
      const type = unique("type");
      await rejects(enqueue(database, type, 1, { input_data: { text: "a\u0000b" } }), {
        code: "22P05",
        transient: false,
        message: /unicode/i,
      });
      await rejects(claim(database, "a\u0000b", type), { code: "22P05", transient: false });
    },
  },
  {
    name: "a task for later is not claimed before its time",
    async run({ database }) {
      const type = unique("type");
      const later = new Date(Date.now() + 3_600_000).toISOString();
      await enqueue(database, type, 1, { run_at: later, priority: 100 });
      const [due] = await enqueue(database, type);
      deepEqual((await claim(database, "w", type, 10)).map(({ id }) => id), [due]);
    },
  },
];
