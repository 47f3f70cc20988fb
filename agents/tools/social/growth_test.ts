import { equal } from "node:assert/strict";
import { daysToGoal, type FollowerCount, followersPerDay } from "./growth.ts";

function count(followers: number, earlier: number | null, daysBefore: number): FollowerCount {
  const now = Date.UTC(2026, 2, 10);
  return {
    platform: "youtube",
    account: null,
    followers,
    recorded_at: new Date(now).toISOString(),
    earlier_followers: earlier,
    earlier_at: earlier === null ? null : new Date(now - daysBefore * 86_400_000).toISOString(),
  };
}

Deno.test("2,810 followers that grow by 100 a day reach a million in 9,972 days", () => {
  const perDay = followersPerDay(count(2_810, 2_110, 7));
  equal(perDay, 100);
  equal(daysToGoal(2_810, 1_000_000, perDay), 9_972);
});

Deno.test("a pace is not known from one count or from less than a day", () => {
  equal(followersPerDay(count(10, null, 0)), null);
  equal(followersPerDay(count(10, 5, 0.9)), null);
  equal(followersPerDay(count(5, 10, 1)), -5);
});

Deno.test("a goal is reached, or never at this pace", () => {
  equal(daysToGoal(10, 10, null), 0);
  equal(daysToGoal(9, 10, 0), null);
  equal(daysToGoal(9, 10, -1), null);
  equal(daysToGoal(9, 10, null), null);
});
