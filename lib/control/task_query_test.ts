import assert from "node:assert/strict";
import { listArguments, taskId, tasksToEnqueue } from "./task_query.ts";

const list = (query: string) => listArguments(new URLSearchParams(query));

Deno.test("a query becomes the arguments of actp_list_tasks", () => {
  assert.deepEqual(list(""), { p_limit: 50 });
  assert.deepEqual(list("status=&type=&cursor="), { p_limit: 50 });
  assert.deepEqual(list("status=failed,timed_out&status=pending&type=a&limit=500&cursor=x%7Cy"), {
    p_status: ["failed", "timed_out", "pending"],
    p_types: ["a"],
    p_limit: 500,
    p_cursor: "x|y",
  });
});

Deno.test("a parameter that cannot be is named", () => {
  assert.throws(
    () => list("state=failed"),
    /"state" is not a parameter; there are status, type, limit, cursor/,
  );
  assert.throws(() => list("status=done"), /status "done" is none of pending/);
  for (const limit of ["0", "501", "-1", "1.5", "x", "1e2"]) {
    assert.throws(() => list(`limit=${limit}`), /limit must be a whole number from 1 to 500/);
  }
});

Deno.test("one task or a list is enqueued, and a misspelt field is named", () => {
  const task = { task_type: "a", input_data: {} };
  assert.deepEqual(tasksToEnqueue(task), [task]);
  assert.deepEqual(tasksToEnqueue([task, task]), [task, task]);
  assert.throws(
    () => tasksToEnqueue([task, { ...task, input: {} }]),
    /task 2: "input" is not a field; there are task_type/,
  );
  assert.throws(() => tasksToEnqueue([task, 7]), /task 2 is not an object/);
  assert.throws(() => tasksToEnqueue(undefined), /must be a task or a list/);
});

Deno.test("only a UUID is a task's id", () => {
  const id = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";
  assert.equal(taskId(id), id);
  for (const odd of ["", "1", "../../etc/passwd", `${id}x`, `${id}\n`]) {
    assert.throws(() => taskId(odd), /not a task's id/);
  }
});
