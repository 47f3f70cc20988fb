import assert from "node:assert/strict";
import { dueTime, isOffered } from "./enqueue.ts";
import { ExitError } from "./exit.ts";

const NOW = Date.UTC(2026, 10, 20, 12);

Deno.test("a due time is relative to now or ISO 8601", () => {
  assert.equal(dueTime("+90s", NOW), "2026-11-20T12:01:30.000Z");
  assert.equal(dueTime("+1.5h", NOW), "2026-11-20T13:30:00.000Z");
  assert.equal(dueTime("+2d", NOW), "2026-11-22T12:00:00.000Z");
  assert.equal(dueTime("2026-12-01T08:00:00+02:00", NOW), "2026-12-01T06:00:00.000Z");
});

Deno.test("anything else is refused with examples", () => {
  for (const text of ["tomorrow", "10s", "+10", "2026-99-01", "", "+999999999999d"]) {
    assert.throws(
      () => dueTime(text, NOW),
      (error) => error instanceof ExitError && /\+10s/.test(error.message),
      text,
    );
  }
});

Deno.test("a type is offered by a worker that lives and does it, or does not say what it does", () => {
  const worker = (status: string, ...capabilities: string[]) => ({ status, capabilities });
  assert.ok(isOffered("render", [worker("dead", "render"), worker("busy", "upload", "render")]));
  assert.ok(isOffered("render", [worker("online")]));
  assert.ok(
    !isOffered("render", [worker("dead", "render"), worker("offline", "render"), worker("online", "x")]),
  );
  assert.ok(!isOffered("render", []));
});
