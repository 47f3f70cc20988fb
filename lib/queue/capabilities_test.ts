import assert from "node:assert/strict";
import { z } from "zod";
import type { Availability, Executor } from "../task/task.ts";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { Capabilities } from "./capabilities.ts";

const here: Availability = { available: true, version: "1" };
const gone: Availability = { available: false, reason: "no such program", fix: "install it" };

function executor(type: string, check: () => Promise<Availability>): Executor {
  return { type, description: "", input: z.any(), check, run: () => Promise.resolve(null) };
}

Deno.test("only what the machine can do is offered; a check that throws means no", async () => {
  await using log = capturedLog();
  const capabilities = new Capabilities([
    executor("a", () => Promise.resolve(here)),
    executor("b", () => Promise.resolve(gone)),
    executor("c", () => Promise.reject(new Error("boom"))),
  ], fakeClock());
  assert.deepEqual(capabilities.types(), []);
  await capabilities.detect();
  assert.deepEqual(capabilities.types(), ["a"]);
  assert.equal(capabilities.executor("b"), undefined);
  assert.equal(capabilities.all().length, 3);
  assert.deepEqual(log.messages("capabilities"), [
    "available",
    "not available: no such program (install it)",
    "not available: its check failed: boom (see the log)",
  ]);
});

Deno.test("a tool that disappears and appears is noticed within a minute, told once and logged once", async () => {
  await using log = capturedLog();
  const clock = fakeClock();
  let now: Availability = here;
  const capabilities = new Capabilities([executor("a", () => Promise.resolve<Availability>(now))], clock);
  await capabilities.detect();
  const seen: string[] = [];
  const forget = capabilities.onChange(() => seen.push(capabilities.types().join()));
  const stop = new AbortController();
  const run = capabilities.run(stop.signal);
  await clock.advance(120_000);
  now = gone;
  await clock.advance(120_000);
  now = here;
  await clock.advance(60_000);
  forget();
  now = gone;
  await clock.advance(60_000);
  stop.abort();
  await run;
  assert.deepEqual(seen, ["", "a"]);
  assert.equal(log.records.length, 4);
  assert.equal(clock.pending(), 0);
});

Deno.test("a check that hangs counts as no after a while, and does not hold up a stop", async () => {
  await using _ = capturedLog();
  const clock = fakeClock();
  let hang = true;
  const capabilities = new Capabilities([
    executor("a", () => hang ? new Promise<never>(() => {}) : Promise.resolve(here)),
  ], clock);
  const detected = capabilities.detect();
  await clock.advance(20_000);
  await detected;
  assert.match((capabilities.all()[0].availability as { reason: string }).reason, /no answer within 20 s/);
  hang = false;
  await capabilities.detect();
  hang = true;
  const stop = new AbortController();
  const run = capabilities.run(stop.signal);
  await clock.advance(60_001);
  stop.abort();
  await run;
  await clock.advance(20_000);
});

Deno.test("a slow older check does not overwrite what a newer one found", async () => {
  await using _ = capturedLog();
  const slow = Promise.withResolvers<Availability>();
  const answers = [slow.promise, Promise.resolve(gone)];
  const clock = fakeClock();
  const capabilities = new Capabilities([executor("a", () => answers.shift()!)], clock);
  const first = capabilities.detect();
  await clock.advance(0);
  const lost = capabilities.isLost({ type: "a", input: {} });
  slow.resolve(here);
  await first;
  assert.equal(await lost, true);
  assert.deepEqual(capabilities.types(), []);
});

Deno.test("another version or another reason is told too, and alarms nobody", async () => {
  await using log = capturedLog();
  const answers: Availability[] = [
    here,
    { ...here, version: "2" },
    gone,
    { ...gone, reason: "it is broken" },
    gone,
  ];
  const capabilities = new Capabilities([
    executor("a", () => Promise.resolve(answers[0]!)),
  ], fakeClock());
  let told = 0;
  capabilities.onChange(() => void told++);
  for (; answers.length > 0; answers.shift()) {
    await capabilities.detect();
    await capabilities.detect();
  }
  assert.equal(told, 5);
  assert.deepEqual(log.records.map(({ level, message }) => `${level} ${message}`), [
    "info available",
    "info available",
    "warning not available: no such program (install it)",
    "info not available: it is broken (install it)",
    "info not available: no such program (install it)",
  ]);
});

Deno.test("a hundred that miss a tool at once share a check", async () => {
  await using _ = capturedLog();
  let checks = 0;
  const capabilities = new Capabilities([
    executor("a", () => Promise.resolve<Availability>(++checks === 1 ? here : gone)),
  ], fakeClock());
  await capabilities.detect();
  const lost = await Promise.all(
    Array.from({ length: 100 }, () => capabilities.isLost({ type: "a", input: {} })),
  );
  assert.deepEqual(new Set(lost), new Set([true]));
  assert.equal(checks, 2);
});

Deno.test("tasks that cannot be done of a type that can are told apart by their input, and found again", async () => {
  await using log = capturedLog();
  const except = { field: "platform", values: ["b", "c"], reason: "no program", fix: "set it" };
  let now: Availability = { available: true, except };
  const capabilities = new Capabilities(
    [executor("post", () => Promise.resolve<Availability>(now))],
    fakeClock(),
  );
  await capabilities.detect();
  const task = (input: unknown) => ({ type: "post", input });
  assert.deepEqual(capabilities.types(), ["post"]);
  assert.deepEqual(capabilities.exceptions(), { post: { platform: ["b", "c"] } });
  assert.equal(capabilities.takes(task({ platform: "a" })), true);
  assert.equal(capabilities.takes(task({ platform: "b" })), false);
  assert.equal(await capabilities.isLost(task({ platform: "c" })), true);
  assert.equal(log.records[0]!.properties.except, "not platform b, c: no program (set it)");
  now = here;
  await capabilities.detect();
  assert.equal(capabilities.exceptions(), undefined);
  assert.equal(capabilities.takes(task({ platform: "b" })), true);
});
