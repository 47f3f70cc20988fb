import assert from "node:assert/strict";
import { routinesSchema } from "./routines.ts";

function problems(...routines: unknown[]): string[] {
  const { error } = routinesSchema.safeParse(routines);
  return error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`) ?? [];
}

Deno.test("routines of every kind are taken", () => {
  assert.deepEqual(
    problems(
      { id: "a", cron: "0 6 * * MON-FRI", timeZone: "Europe/Berlin", agent: "content-agent", goal: "write" },
      { id: "b", everySeconds: 90, anchor: "2026-01-01T00:00:00Z", task: "ffmpeg_process", input: { a: 1 } },
      { id: "c", at: "2026-05-01T09:00:00+02:00", heartbeat: "task-scan", options: {}, overlap: "queue" },
      { id: "content.daily-pipeline", enabled: false },
      { id: "d", cron: "@daily", task: "echo", missed: "skip", timeoutSeconds: 5, maxFailures: 1 },
    ),
    [],
  );
});

Deno.test("what is wrong is said by the name of its field", () => {
  const message = (routine: Record<string, unknown>) => problems({ id: "a", ...routine }).join("; ");
  assert.match(message({ cron: "61 * * * *" }), /^0.cron must be a cron expression: "61 \* \* \* \*" is no/);
  assert.match(message({ cron: "0 0 30 2 *" }), /never comes true/);
  assert.match(
    message({ cron: "0 0 * * *", at: "2026-05-01T09:00:00Z" }),
    /0.at cannot stand beside another/,
  );
  assert.match(message({ timeZone: "Mars/Olympus" }), /0.timeZone must be a time zone/);
  assert.match(message({ everySeconds: 60, timeZone: "UTC" }), /0.timeZone is only for cron/);
  assert.match(message({ at: "tomorrow" }), /0.at must be a time like/);
  assert.match(message({ at: "2026-05-01T09:00:00" }), /0.at must be a time like/);
  assert.match(message({ everySeconds: 0 }), /0.everySeconds/);
  assert.match(message({ goal: "write" }), /0.goal needs agent beside it/);
  assert.match(message({ agent: "x" }), /0.goal is missing beside agent/);
  assert.match(message({ task: "a", heartbeat: "b" }), /0.heartbeat cannot stand beside/);
  assert.match(message({ cronn: "* * * * *" }), /cronn/);
  assert.match(problems({ id: "A b" })[0]!, /0.id must be lower-case/);
  assert.deepEqual(problems({ id: "a" }, { id: "a" }), ["1.id a is there twice"]);
});
