import assert from "node:assert/strict";
import { recordingTerminal } from "../testing/cli.ts";
import { batchTasks, enqueueBatches } from "./enqueue_batch.ts";
import { ExitError } from "./exit.ts";

Deno.test("each input becomes a task, alike in everything else, with a key of its own", () => {
  assert.deepEqual(
    batchTasks([{ n: 1 }, { n: 2 }], { task_type: "a", priority: 3, idempotency_key: "k" }, 100),
    [
      { task_type: "a", priority: 3, input_data: { n: 1 }, idempotency_key: "k-1" },
      { task_type: "a", priority: 3, input_data: { n: 2 }, idempotency_key: "k-2" },
    ],
  );
});

Deno.test("an input that cannot be is named by its place, and nothing is put in", () => {
  const refused: [unknown[], RegExp][] = [
    [[], /empty list/],
    [[{}, 7], /input 2 of --input must be a JSON object/],
    [[{}, null], /input 2/],
    [[{ text: "x".repeat(200) }], /input 1 of --input is 211 bytes, more than 100/],
  ];
  for (const [inputs, message] of refused) {
    assert.throws(
      () => batchTasks(inputs, { task_type: "a" }, 100),
      (error) => error instanceof ExitError && error.code === 2 && message.test(error.message),
    );
  }
});

Deno.test("a long list is put in a thousand at a time, and a failure tells how far it got", async () => {
  const tasks = Array.from({ length: 2500 }, (_, n) => ({ n }));
  const sizes: number[] = [];
  const put = (batch: readonly Record<string, unknown>[]) => {
    sizes.push(batch.length);
    return Promise.resolve(batch.map(({ n }) => ({ id: String(n), created: true })));
  };
  const made = await enqueueBatches(tasks, put, recordingTerminal());
  assert.deepEqual([sizes, made.length, made.at(-1)!.id], [[1000, 1000, 500], 2500, "2499"]);
  let calls = 0;
  await assert.rejects(
    enqueueBatches(
      tasks,
      (batch) => ++calls === 2 ? Promise.reject(new Error("the database is away")) : put(batch),
      recordingTerminal(),
    ),
    /the database is away; the first 1000 of 2500 tasks are in the queue, the others are not/,
  );
});
