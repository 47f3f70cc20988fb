import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { isHeld, newTask, type TaskEvent, type TaskState, transition } from "../task/state.ts";
import { copyEmbedded } from "../testing/embedded_template.ts";
import { tempDir } from "../testing/temp.ts";
import { beat, claim, complete, enqueue, settle, unique } from "./contract/case.ts";
import type { Database } from "./database.ts";
import { openEmbedded } from "./embedded.ts";

const WORKERS = ["a", "b", "c"];
const OUTCOMES = {
  done: "done",
  failed: "failed",
  timedOut: "timed_out",
  cancelled: "cancelled",
  released: "released",
};

/** A step of one of the holders, or of a person. `task` counts from the first enqueued, around. */
type Action =
  | { op: "enqueue"; maxAttempts: number }
  | { op: "claim"; worker: string; room: number; expires: boolean }
  | { op: "beat"; task: number; worker: string; age: number }
  | { op: "settle"; task: number; age: number; outcome: keyof typeof OUTCOMES; retry: boolean }
  | { op: "complete"; task: number; age: number }
  | { op: "cancel" | "retry"; task: number }
  | { op: "rescue"; heldBy: string | undefined };

const task = fc.nat(5);
const worker = fc.constantFrom(...WORKERS);
// How many claims ago the token was handed out: mostly the current one.
const age = fc.constantFrom(0, 0, 0, 1, 2);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ op: fc.constant("enqueue" as const), maxAttempts: fc.integer({ min: 1, max: 3 }) }),
  {
    arbitrary: fc.record({
      op: fc.constant("claim" as const),
      worker,
      room: fc.nat(3),
      expires: fc.boolean(),
    }),
    weight: 3,
  },
  fc.record({ op: fc.constant("beat" as const), task, worker, age }),
  {
    arbitrary: fc.record({
      op: fc.constant("settle" as const),
      task,
      age,
      outcome: fc.constantFrom(...Object.keys(OUTCOMES) as (keyof typeof OUTCOMES)[]),
      retry: fc.boolean(),
    }),
    weight: 3,
  },
  fc.record({ op: fc.constant("complete" as const), task, age }),
  fc.record({ op: fc.constantFrom("cancel" as const, "retry" as const), task }),
  fc.record({ op: fc.constant("rescue" as const), heldBy: fc.option(worker, { nil: undefined }) }),
);

/** A task as it should be: its state, whether its lease is over, and the outcome that was taken for each token. */
interface Modelled {
  readonly id: string;
  state: TaskState;
  expired: boolean;
  readonly taken: Map<number, string>;
}

Deno.test("whatever its holders do in whatever order, a task moves as the state machine says", async () => {
  await using folder = await tempDir();
  await copyEmbedded(join(folder.path, "db"));
  const database = await openEmbedded(join(folder.path, "db"));
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 15, maxLength: 40 }),
        (actions) => play(database, actions),
      ),
      { numRuns: 30, seed: 20261120 },
    );
  } finally {
    await database.close();
  }
});

async function play(database: Database, actions: readonly Action[]): Promise<void> {
  const type = unique("type");
  const [id] = await enqueue(database, type, 1, { max_attempts: 2, backoff_seconds: 0 });
  const tasks: Modelled[] = [modelled(id!, 2)];
  for (const action of actions) {
    await perform(database, type, tasks, action);
    const { tasks: rows } = await database.call<
      { tasks: { id: string; status: string; attempts: number; token: string }[] }
    >(
      "actp_list_tasks",
      { p_types: [type], p_limit: 500 },
    );
    deepEqual(
      Object.fromEntries(rows.map((row) => [row.id, [row.status, row.attempts, row.token]])),
      Object.fromEntries(
        tasks.map(({ id, state }) => [id, [state.status, state.attempts, `${state.token}`]]),
      ),
      JSON.stringify(action),
    );
  }
}

async function perform(database: Database, type: string, tasks: Modelled[], action: Action): Promise<void> {
  switch (action.op) {
    case "enqueue": {
      const fields = { max_attempts: action.maxAttempts, backoff_seconds: 0 };
      const [id] = await enqueue(database, type, 1, fields);
      tasks.push(modelled(id!, action.maxAttempts));
      return;
    }
    case "claim": {
      rescue(tasks, ({ expired }) => expired);
      const pending = tasks.filter(({ state }) => state.status === "pending");
      const claimed = await claim(database, action.worker, type, action.room, action.expires ? 0 : 60);
      equal(claimed.length, Math.min(action.room, pending.length));
      for (const { id, attempt, token } of claimed) {
        const found = pending.find((task) => task.id === id);
        ok(found, "a task that was not pending was claimed");
        ok(step(found, { kind: "claim", worker: action.worker }));
        deepEqual([attempt, token], [found.state.attempts, `${found.state.token}`]);
        found.expired = action.expires;
      }
      return;
    }
    case "beat": {
      const { found, token } = pick(tasks, action.task, action.age);
      const asked = found.state.cancelAsked;
      const answer = await beat(database, action.worker, { id: found.id, token: `${token}` });
      const alive = step(found, { kind: "heartbeat", worker: action.worker, token });
      equal(answer, alive ? asked ? "cancel" : "ok" : "lost");
      if (alive) found.expired = false;
      return;
    }
    case "settle": {
      const { found, token } = pick(tasks, action.task, action.age);
      const { outcome, retry } = action;
      // A retry is only a failure's to refuse.
      const report = {
        outcome: OUTCOMES[outcome],
        error: "e",
        retry: outcome === "failed" ? retry : undefined,
      };
      const answer = await settle(database, "any", { id: found.id, token: `${token}` }, report);
      const taken = step(found, { kind: "settle", token, outcome, retry: report.retry });
      if (taken) found.taken.set(token, outcome);
      equal(answer, found.taken.get(token) === outcome ? "settled" : "lost");
      return;
    }
    case "complete": {
      const { found, token } = pick(tasks, action.task, action.age);
      const settled = await complete(database, "any", [{ id: found.id, token: `${token}` }]);
      const taken = step(found, { kind: "settle", token, outcome: "done" });
      if (taken) found.taken.set(token, "done");
      equal(settled, taken ? 1 : 0);
      return;
    }
    case "cancel": {
      const { found } = pick(tasks, action.task, 0);
      await database.call("actp_cancel_task", { p_task_id: found.id });
      step(found, { kind: "cancel" });
      return;
    }
    case "retry": {
      const { found } = pick(tasks, action.task, 0);
      const refused = await database.call("actp_retry_task", { p_task_id: found.id }).then(
        () => false,
        () => true,
      );
      equal(refused, !step(found, { kind: "retry" }));
      return;
    }
    case "rescue":
      await database.call("actp_rescue_tasks", { p_held_by: action.heldBy });
      rescue(tasks, ({ state, expired }) => action.heldBy ? state.holder === action.heldBy : expired);
  }
}

function modelled(id: string, maxAttempts: number): Modelled {
  return { id, state: newTask(maxAttempts), expired: false, taken: new Map() };
}

/** Applies the event; false where it was refused or changed nothing. */
function step(task: Modelled, event: TaskEvent): boolean {
  const before = task.state;
  task.state = transition(before, event);
  return task.state !== before;
}

function rescue(tasks: readonly Modelled[], which: (task: Modelled) => boolean): void {
  for (const task of tasks) if (isHeld(task.state) && which(task)) step(task, { kind: "leaseExpired" });
}

function pick(tasks: readonly Modelled[], nth: number, age: number): { found: Modelled; token: number } {
  const found = tasks[nth % tasks.length]!;
  return { found, token: Math.max(0, found.state.token - age) };
}
