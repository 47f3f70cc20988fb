/** Followers: recording what was counted, and what the counts say. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import type { Database } from "../../../lib/database/database.ts";
import { days, handle, platform } from "../fields.ts";
import { numberSetting } from "../settings.ts";
import { daysToGoal, type FollowerCount, followersPerDay } from "./growth.ts";

/** The newest count of each account, and the oldest of the last `days`. */
export function followerCounts(database: Database, days: number): Promise<FollowerCount[]> {
  return database.call("actp_follower_counts", { p_days: days });
}

/** The tool `record_follower_counts`. */
export function recordFollowersTool(): AgentTool {
  return defineTool({
    name: "record_follower_counts",
    description: "Saves follower counts that you have just seen in a source. Never guess one.",
    input: z.strictObject({
      counts: z.array(z.strictObject({
        platform,
        account: handle.optional(),
        followers: z.int().min(0).max(10_000_000_000),
      })).min(1).max(50),
    }),
    run: ({ counts }, { database }) => database.call("actp_record_followers", { p_counts: counts }),
  });
}

/** The tool `follower_counts`. */
export function followerCountsTool(): AgentTool {
  return defineTool({
    name: "follower_counts",
    description: "Tells the latest recorded follower count of each account, and when it was recorded.",
    input: z.strictObject({}),
    async run(_input, { database }) {
      const counts = await followerCounts(database, 1);
      return counts.map(({ platform, account, followers, recorded_at }) => ({
        platform,
        account,
        followers,
        recorded_at,
      }));
    },
  });
}

/** The tool `follower_velocity`. */
export function followerVelocityTool(): AgentTool {
  return defineTool({
    name: "follower_velocity",
    description: "Tells how many followers each account gains a day, from the recorded counts. " +
      "null where there are not two counts at least a day apart.",
    input: z.strictObject({ days: days(7) }),
    async run({ days }, { database }) {
      const counts = await followerCounts(database, days);
      return counts.map((count) => ({
        platform: count.platform,
        account: count.account,
        followers: count.followers,
        followers_per_day: rounded(followersPerDay(count)),
        counted_from: count.earlier_at,
        counted_to: count.recorded_at,
      }));
    },
  });
}

/** The tool `time_to_follower_goal`. */
export function timeToGoalTool(services: AgentServices): AgentTool {
  const usual = numberSetting(services, "FOLLOWER_GOAL");
  const goal = z.int().min(1).max(10_000_000_000);
  return defineTool({
    name: "time_to_follower_goal",
    description: "Tells in how many days each account reaches a number of followers at its present pace; " +
      "null where it does not grow or its pace is not known.",
    input: z.strictObject({
      goal: usual === undefined ? goal : goal.default(usual),
      days: days(7).describe("how many days back the pace is taken from"),
    }),
    async run({ goal, days }, { database }) {
      const counts = await followerCounts(database, days);
      return counts.map((count) => {
        const perDay = followersPerDay(count);
        return {
          platform: count.platform,
          account: count.account,
          followers: count.followers,
          goal,
          followers_per_day: rounded(perDay),
          days_to_goal: daysToGoal(count.followers, goal, perDay),
        };
      });
    },
  });
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
