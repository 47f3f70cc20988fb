/** MPLite's items, and the tasks they become. Pure. */
import { z } from "zod";
import type { Task } from "../../task/task.ts";

const text = z.string().max(20_000).nullish();

/** What is used of an item; the rest is left alone. */
const itemSchema = z.object({
  id: z.union([z.string().min(1).max(100), z.int().transform(String)]),
  platform: z.string().min(1).max(50),
  account_id: z.union([z.string(), z.number().transform(String)]).nullish(),
  account_username: text,
  caption: text,
  title: text,
  hashtags: z.array(z.string().max(200)).max(100).nullish(),
  video_url: text,
  media_url: text,
  thumbnail_url: text,
  status: z.string().nullish(),
  scheduled_for: z.string().nullish(),
  created_at: z.string().nullish(),
  priority: z.number().nullish(),
  retry_count: z.number().nullish(),
  executor: z.string().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});

/** One item of the publishing queue. */
export type MpliteItem = z.output<typeof itemSchema>;

/**
 * The item in an answer: `data`, then `item` are unwrapped. Undefined where the envelope is empty (nothing to do);
 * `unknown` for everything else.
 */
export function readItem(body: unknown): MpliteItem | undefined | "unknown" {
  const inner = unwrap(unwrap(body, "data"), "item");
  if (isEmpty(inner)) return undefined;
  const read = itemSchema.safeParse(inner);
  return read.success ? read.data : "unknown";
}

function unwrap(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && key in value
    ? (value as Record<string, unknown>)[key]
    : value;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/**
 * The task: `executor` routes it, Safari where none is named. Its priority 1 is the most urgent of 1 to 10, ours is the
 * highest number.
 */
export function taskOf(item: MpliteItem, token: string, timeoutMs: number, now: number): Task {
  const hashtags = item.hashtags ?? [];
  const shared = {
    platform: item.platform,
    ...item.title ? { title: item.title } : {},
    ...videoOf(item),
  };
  const blotato = item.executor === "blotato";
  const input = blotato
    ? {
      ...shared,
      caption: withHashtags(item.caption ?? "", hashtags),
      account_id: item.account_id ?? "",
      ...targetOf(item),
    }
    : {
      ...shared,
      caption: item.caption ?? "",
      ...hashtags.length > 0 ? { hashtags } : {},
      ...accountOf(item),
    };
  return {
    id: item.id,
    type: blotato
      ? "blotato_upload"
      : item.executor === "safari" || !item.executor
      ? "safari_upload"
      : item.executor,
    input,
    attempt: (item.retry_count ?? 0) + 1,
    maxAttempts: (item.retry_count ?? 0) + 1, // the queue counts
    priority: 10 - (item.priority ?? 5),
    token,
    timeoutMs,
    createdAt: item.created_at ?? new Date(now).toISOString(),
  };
}

function videoOf({ video_url, media_url }: MpliteItem): { video_url?: string } {
  const url = video_url ?? media_url;
  return url ? { video_url: url } : {};
}

function withHashtags(caption: string, hashtags: readonly string[]): string {
  const tags = hashtags.map((tag) => `#${tag.replace(/^#/, "")}`).filter((tag) => !caption.includes(tag));
  return [caption, tags.join(" ")].filter((part) => part !== "").join(" ");
}

/** What Blotato needs to know of the platform besides (privacyLevel, pageId, boardId), as `metadata.target`. */
function targetOf({ metadata }: MpliteItem): { target?: unknown } {
  const target = metadata?.target;
  return typeof target === "object" && target !== null ? { target } : {};
}

function accountOf({ account_username, account_id }: MpliteItem): { account?: string } {
  const account = account_username ?? account_id;
  return account ? { account } : {};
}
