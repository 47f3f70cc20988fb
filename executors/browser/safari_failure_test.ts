import assert from "node:assert/strict";
import { safariFailure } from "./safari_failure.ts";

const failure = (line: string) => {
  const { kind, message } = safariFailure([line]);
  return `${kind}: ${message}`;
};

Deno.test("a missing permission to control Safari is told with where to give it", () => {
  assert.match(
    failure("241:300: execution error: Not authorized to send Apple events to Safari. (-1743)"),
    /^setup: .*System Settings > Privacy & Security > Automation/,
  );
});

Deno.test("JavaScript that Safari does not run for others is told with the setting, in any language", () => {
  const lines = [
    "12:60: execution error: Safari got an error: You must enable the 'Allow JavaScript from Apple Events' option in " +
    "Safari's Develop menu to use 'do JavaScript'. (8)",
    "12:60: execution error: „Safari“ hat einen Fehler erhalten: Du musst die Option aktivieren. (8)",
  ];
  for (const line of lines) assert.match(failure(line), /^setup: .*Allow JavaScript from Apple Events/);
});

Deno.test("a worker outside of a person's session is told that it must be in one", () => {
  assert.match(
    failure("execution error: An error of type -10810 has occurred. (-10810)"),
    /^setup: .*logged in/,
  );
});

Deno.test("Safari that ended, hangs, or lost the window is a crash", () => {
  assert.match(
    failure("execution error: Safari got an error: Application isn’t running. (-600)"),
    /^crashed: .*not running/,
  );
  assert.match(
    failure("execution error: Safari got an error: Connection is invalid. (-609)"),
    /^crashed: .*not running/,
  );
  assert.match(
    failure("execution error: Safari got an error: AppleEvent timed out. (-1712)"),
    /^crashed: .*in time/,
  );
  assert.match(
    failure("execution error: Safari got an error: Can’t get window id 7. (-1728)"),
    /^crashed: .*window/,
  );
});

Deno.test("anything else is passed on, bounded", () => {
  assert.match(
    failure("execution error: Out of paper. (-9999)"),
    /^crashed: osascript failed: .*Out of paper/,
  );
  assert.match(failure(""), /it said nothing/);
  assert.ok(failure("x".repeat(10_000)).length < 400);
});
