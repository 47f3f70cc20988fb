/** How a task's work should fail. */
import assert from "node:assert/strict";
import { TaskError } from "../task/task.ts";

/** Rejects unless `running` fails with a TaskError of this message and these consequences. */
export async function fails(
  running: Promise<unknown>,
  message: RegExp,
  expected: { readonly retry: boolean; readonly uncertain?: boolean },
): Promise<void> {
  await assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.equal(error.retry, expected.retry, error.message);
    assert.equal(error.uncertain, expected.uncertain ?? false, error.message);
    return true;
  });
}
