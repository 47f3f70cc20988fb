import assert from "node:assert/strict";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { autovacuum } from "./autovacuum.ts";

Deno.test("dead rows are looked for once a minute, also after a failure, until the stop", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  const answers = [[], new Error("no space left"), ["actp_workflow_tasks"]];
  let looks = 0;
  const vacuum = () => {
    const answer = answers[looks++]!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as string[]);
  };
  const stop = new AbortController();
  const running = autovacuum({ vacuum }, clock).run(stop.signal);
  assert.equal(looks, 0);
  for (let minute = 1; minute <= 3; minute++) {
    await clock.advance(60_000);
    assert.equal(looks, minute);
  }
  stop.abort();
  await running;
  assert.deepEqual(log.messages("database").filter((message) => /removed/.test(message)), [
    "dead rows could not be removed: no space left; tried again in a minute",
  ]);
});
