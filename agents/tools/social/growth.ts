/** How fast an audience grows, and when it will be as large as wished. Pure. */

const DAY_MS = 86_400_000;

/** Two counts of one account. */
export interface FollowerCount {
  readonly platform: string;
  readonly account: string | null;
  readonly followers: number;
  /** ISO 8601. */
  readonly recorded_at: string;
  /** The oldest count in the window; null where there is no second one. */
  readonly earlier_followers: number | null;
  readonly earlier_at: string | null;
}

/** Followers gained a day; null where there are not two counts at least a day apart. */
export function followersPerDay(count: FollowerCount): number | null {
  if (count.earlier_followers === null || count.earlier_at === null) return null;
  const daysBetween = (Date.parse(count.recorded_at) - Date.parse(count.earlier_at)) / DAY_MS;
  return daysBetween < 1 ? null : (count.followers - count.earlier_followers) / daysBetween;
}

/** Whole days until `goal` at this pace: 0 when it is reached, null when it will not be. */
export function daysToGoal(followers: number, goal: number, perDay: number | null): number | null {
  if (followers >= goal) return 0;
  return perDay === null || perDay <= 0 ? null : Math.ceil((goal - followers) / perDay);
}
