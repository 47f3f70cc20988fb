/** `task-scan`: tells of tasks that this worker could do and nobody has been told of. */
import { z } from "zod";
import { defineAction } from "./action.ts";

/** What `actp_scan_tasks` answers. */
export interface ScanResult {
  readonly count: number;
  /** There are more than were counted. */
  readonly capped: boolean;
  readonly by_type: Readonly<Record<string, number>>;
  readonly rewards: readonly { readonly currency: string | null; readonly amount: string }[];
  readonly tasks: readonly {
    readonly id: string;
    readonly task_type: string;
    readonly reward: string | null;
    readonly currency: string | null;
    readonly deadline: string | null;
  }[];
  readonly seen: Readonly<Record<string, unknown>>;
}

const SCAN_MS = 30_000;
const decimal = z.union([z.number().min(0), z.string()], "must be a decimal number").transform(String).pipe(
  z.string().regex(/^\d{1,30}(\.\d{1,30})?$/, "must be a decimal number"),
);

const options = z.strictObject({
  /** Only tasks with at least this reward. */
  minReward: decimal.optional(),
  /** Only tasks whose reward is in this currency. */
  currency: z.string().min(1).max(20).optional(),
  /** Only these types, or types that begin so: `safari_*`. */
  capabilities: z.array(
    z.string().regex(/^([^*]{1,200}|[^*]{0,199}\*)$/, "must be a task type, or its beginning followed by *"),
    "must be a list of task types",
  ).min(1).max(200).optional(),
});

/** The action. */
export const taskScan = defineAction({
  name: "task-scan",
  description: "tells of new tasks that this worker could do",
  defaultCron: "*/5 * * * *",
  options,
  async run({ minReward, currency, capabilities }, { database, types, session, signal }) {
    const wanted = types.filter((type) =>
      !capabilities || capabilities.some((pattern) => matches(pattern, type))
    );
    if (wanted.length === 0) return { notify: false };
    const found = await database.call<ScanResult>("actp_scan_tasks", {
      p_types: wanted,
      p_seen: session.state.seen ?? {},
      p_min_reward: minReward ?? null,
      p_currency: currency ?? null,
    }, { signal, timeoutMs: SCAN_MS });
    const state = { seen: found.seen };
    if (found.count === 0) return { notify: false, state };
    return {
      notify: true,
      severity: "info",
      title: scanTitle(found),
      message: scanMessage(found),
      data: { count: found.count, by_type: found.by_type, rewards: found.rewards, tasks: found.tasks },
      state,
    };
  },
});

function matches(pattern: string, type: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** `Found 3 new tasks matching your capabilities` */
export function scanTitle({ count, capped }: ScanResult): string {
  const tasks = `${capped ? "more than " : ""}${count} new task${count === 1 ? "" : "s"}`;
  return `Found ${tasks} matching your capabilities`;
}

/** By type, what they pay, and the first of them. */
export function scanMessage({ by_type, rewards, tasks, count }: ScanResult): string {
  const types = Object.entries(by_type).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const pay = rewards.map(({ amount, currency }) => `${amount}${currency ? ` ${currency}` : ""}`);
  const lines = tasks.map(({ id, task_type, reward, currency, deadline }) =>
    [
      `#${id} ${task_type}`,
      ...reward === null ? [] : [`${reward}${currency ? ` ${currency}` : ""}`],
      ...deadline === null ? [] : [`until ${deadline.slice(0, 16).replace("T", " ")} UTC`],
    ].join(", ")
  );
  return [
    types.slice(0, 20).map(([type, n]) => `${type}: ${n}`).join(", "),
    ...pay.length > 0 ? [`Rewards: ${pay.join(", ")}`] : [],
    ...lines,
    ...count > tasks.length ? [`and ${count - tasks.length} more`] : [],
  ].join("\n");
}
