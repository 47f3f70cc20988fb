import assert from "node:assert/strict";
import { listArguments, tasksToEnqueue } from "./task_query.ts";
import { taskListQuery, taskPath } from "./task_schemas.ts";

/** As Hono hands the parameters on: one that is repeated is a list. */
function parse(query: string) {
  const given = new URLSearchParams(query);
  const values = [...new Set(given.keys())].map((name) => [
    name,
    given.getAll(name).length > 1 ? given.getAll(name) : given.get(name),
  ]);
  return taskListQuery.parse(Object.fromEntries(values));
}
const list = (query: string) => listArguments(parse(query));

Deno.test("a query becomes the arguments of actp_search_tasks", () => {
  assert.deepEqual(list(""), { p_limit: 50 });
  assert.deepEqual(list("status=&type=&cursor=&q=&worker="), { p_limit: 50 });
  assert.deepEqual(list("status=failed,timed_out&status=pending&type=a&limit=500&cursor=x%7Cy"), {
    p_status: ["failed", "timed_out", "pending"],
    p_types: ["a"],
    p_limit: 500,
    p_cursor: "x|y",
  });
  assert.deepEqual(list("q=render&worker=w1&since=2026-11-20T18:00:00Z&until=2026-11-21T18:00:00%2B01:00"), {
    p_query: "render",
    p_worker: "w1",
    p_since: "2026-11-20T18:00:00Z",
    p_until: "2026-11-21T18:00:00+01:00",
    p_limit: 50,
  });
});

Deno.test("dead tasks are those that failed or timed out, within the states that are asked for", () => {
  assert.deepEqual(list("dead=true").p_status, ["failed", "timed_out"]);
  assert.deepEqual(list("dead=1&status=failed,pending").p_status, ["failed"]);
  assert.deepEqual(list("dead=1&status=pending").p_status, []);
  assert.equal(list("dead=false").p_status, undefined);
});

Deno.test("a parameter that cannot be is named", () => {
  assert.throws(
    () => list("state=failed"),
    /\\"state\\" is not a parameter; there are status, type, q, worker, dead/,
  );
  assert.throws(() => list("status=done"), /status \\"done\\" is none of pending/);
  for (const limit of ["0", "501", "-1", "1.5", "x", "1e2"]) {
    assert.throws(() => list(`limit=${limit}`), /must be 1 to 500/);
  }
  assert.throws(() => list("since=yesterday"), /must be an ISO 8601 time/);
  assert.throws(() => list("dead=maybe"), /must be true or false/);
  assert.throws(() => list("q=%00"), /NUL/);
});

Deno.test("one task, a list or a batch is enqueued, and a misspelt field is named", () => {
  const task = { task_type: "a", input_data: {} };
  assert.deepEqual(tasksToEnqueue(task), [task]);
  assert.deepEqual(tasksToEnqueue([task, task]), [task, task]);
  assert.deepEqual(tasksToEnqueue({ tasks: [task, task] }), [task, task]);
  assert.throws(
    () => tasksToEnqueue([task, { ...task, input: {} }]),
    /task 2: "input" is not a field; there are task_type/,
  );
  assert.throws(() => tasksToEnqueue([task, 7]), /task 2 is not an object/);
  assert.throws(() => tasksToEnqueue({ tasks: 7 }), /tasks must be a list/);
  assert.throws(() => tasksToEnqueue({ tasks: [], task_type: "a" }), /only field/);
  assert.throws(() => tasksToEnqueue(Array(1001).fill(task)), /1001 tasks are more than 1000/);
  for (const nothing of [undefined, {}, 7, null]) {
    assert.throws(() => tasksToEnqueue(nothing), /must be a task, a list of tasks/);
  }
});

Deno.test("only a UUID is a task's id", () => {
  const id = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";
  assert.deepEqual(taskPath.parse({ id }), { id });
  for (const odd of ["", "1", "../../etc/passwd", `${id}x`, `${id}\n`]) {
    assert.throws(() => taskPath.parse({ id: odd }), /not a task's id/);
  }
});
