import assert from "node:assert/strict";
import { notifyRules } from "../config/notify_rules.ts";
import { route, type RoutingSettings } from "./routing.ts";

const NOON = Date.parse("2026-05-01T12:00:00Z");
const NIGHT = Date.parse("2026-05-01T23:30:00Z");
const ALL = ["log", "telegram", "email"] as const;

function routed(
  rules: unknown[],
  { kind = "heartbeat.task-scan", severity = "info" as "info" | "warning" | "alert", at = NOON } = {},
  more: Partial<RoutingSettings> = {},
) {
  const settings = { notifyRules: notifyRules.parse(rules), notifyTimeZone: "UTC", ...more };
  return Object.fromEntries(
    route({ kind, severity }, settings, ALL, at).map(({ channel, delaySeconds }) => [channel, delaySeconds]),
  );
}

Deno.test("without rules everything goes to every channel at once", () => {
  assert.deepEqual(routed([]), { log: 0, telegram: 0, email: 0 });
});

Deno.test("rules choose by kind and severity, and the first that names a channel counts for it", () => {
  const rules = [
    { kinds: ["heartbeat.*"], channels: ["telegram"], digestMinutes: 30 },
    { minSeverity: "warning", channels: ["telegram", "email"] },
  ];
  assert.deepEqual(routed(rules, { at: NOON + 60_000 }), { telegram: 29 * 60 });
  assert.deepEqual(routed(rules, { severity: "warning", at: NOON + 60_000 }), {
    telegram: 29 * 60,
    email: 0,
  });
  assert.deepEqual(routed(rules, { kind: "agent.died" }), {});
  assert.deepEqual(routed(rules, { kind: "agent.died", severity: "alert" }), { telegram: 0, email: 0 });
});

Deno.test("a channel that is not configured is left out", () => {
  assert.deepEqual(routed([{ channels: ["slack", "log"] }]), { log: 0 });
});

Deno.test("in quiet hours what is not urgent waits for their end, and the log does not", () => {
  const quiet = { notifyQuietHours: "22:00-07:00" };
  assert.deepEqual(routed([], { at: NIGHT }, quiet), { log: 0, telegram: 27_000, email: 27_000 });
  assert.deepEqual(routed([], { at: NIGHT, severity: "alert" }, quiet), { log: 0, telegram: 0, email: 0 });
  assert.deepEqual(routed([], { at: NOON }, quiet), { log: 0, telegram: 0, email: 0 });
});

Deno.test("a rule's own quiet hours and what breaks through them go before the general ones", () => {
  const rule = { channels: ["telegram"], quietHours: "23:00-23:45", breakThrough: "warning" };
  const quiet = { notifyQuietHours: "22:00-07:00" };
  assert.deepEqual(routed([rule], { at: NIGHT }, quiet), { telegram: 900 });
  assert.deepEqual(routed([rule], { at: NIGHT, severity: "warning" }, quiet), { telegram: 0 });
});

Deno.test("a digest that would fall into quiet hours waits for their end", () => {
  const rule = { channels: ["telegram"], digestMinutes: 60 };
  const at = Date.parse("2026-05-01T21:30:00Z");
  assert.deepEqual(routed([rule], { at }, { notifyQuietHours: "22:00-07:00" }), { telegram: 9.5 * 3600 });
});

Deno.test("how long the same is not sent again comes from the rule", () => {
  const settings = { notifyRules: notifyRules.parse([{ channels: ["email"], dedupeMinutes: 5 }]) };
  const [delivery] = route({ kind: "x", severity: "info" }, settings, ALL, NOON);
  assert.equal(delivery!.dedupeSeconds, 300);
});
