/** From a video to posts: through MPLite's queue, or by an upload task; and what became of them. */
import { z } from "zod";
import {
  type AgentServices,
  type AgentTool,
  defineTool,
  type ToolContext,
} from "../../../lib/agent/agent.ts";
import { acting, answering, beforehand } from "../answering.ts";
import { clip, id, limit, line, platform, text, webAddress } from "../fields.ts";
import { askService, type Service } from "../service.ts";
import { mplite } from "../settings.ts";
import { enqueueTask, waitForTask } from "../tasks.ts";
import { getScript } from "./script_store.ts";

const UPLOAD_TASK_MINUTES = 30;
/** So many open posts are looked at in one call. */
const MAX_LOOKS = 20;

/** The tools that publish; `queue_post` where MPLite is configured. */
export function publishTools(services: AgentServices): AgentTool[] {
  const service = mplite(services);
  return [...service ? [queuePost(service)] : [], uploadVideo(), publishStatus(service)];
}

const hashtags = z.array(z.string().regex(/^#?[\p{L}\p{M}\p{N}_]{1,100}$/u, "must be a word")).max(30)
  .default([]);

/** @see MPLite's `POST /api/queue` */
function queuePost(service: Service): AgentTool {
  return defineTool({
    name: "queue_post",
    description:
      "Proposes to publish the video of a rendered script on a platform through MPLite's queue. A person approves " +
      "it; it is queued only then. Once for each platform. Look what became of it with publish_status.",
    input: z.strictObject({
      script_id: id,
      platform,
      account_id: line(200),
      account_username: line(200).optional(),
      video_url: webAddress.describe("the script's video, as render_status told it"),
      caption: text(2_200),
      title: line(100).optional(),
      hashtags,
      priority: z.int().min(1).max(10).default(5).describe("1 goes first"),
      scheduled_for: z.iso.datetime({ offset: true }).optional(),
      thumbnail_url: webAddress.optional(),
    }),
    outward: ({ platform, account_id, account_username, priority: _, ...post }) => ({
      kind: "post",
      platform,
      account: account_username ?? account_id,
      summary: `post a video on ${platform}: ${clip(post.caption.replace(/\s+/g, " "), 100)}`,
      preview: post,
    }),
    run: acting(async ({ script_id, ...post }, context) => {
      await beforehand(() => mayGoOut(context, script_id, post.video_url));
      const { body } = await askService(service, {
        method: "POST",
        path: "/api/queue",
        body: { ...post, source: "actp-worker", metadata: { script_id, agent_run_id: context.runId } },
        purpose: `queue a post for ${post.platform}`,
        signal: context.signal,
      });
      const item = readItem(body);
      if (!item) throw new Error(`Cannot queue a post for ${post.platform}: MPLite answered without an item`);
      await recordPost(context, { script_id, platform: post.platform, via: "mplite", external_id: item.id });
      return { script_id, platform: post.platform, item_id: item.id, status: item.status ?? "queued" };
    }, ({ platform }) => platform),
  });
}

/** @throws Error unless the script has passed the gate and this is its video */
async function mayGoOut(context: ToolContext, scriptId: string, videoUrl: string): Promise<void> {
  const { status, video_url } = await getScript(context, scriptId);
  if (status === "rendered" && video_url === videoUrl) return;
  const why = status === "rendered" ? "video_url is not its video" : `it is ${status}`;
  throw new Error(`Cannot publish script ${scriptId}: ${why} (only what has passed the gate goes out)`);
}

function uploadVideo(): AgentTool {
  return defineTool({
    name: "upload_video",
    description:
      "Has a machine upload the video of a rendered script to TikTok, Instagram or YouTube (a safari_upload task). " +
      "The task itself asks a person for approval before anything is posted. Look what became of it with " +
      "publish_status.",
    input: z.strictObject({
      script_id: id,
      platform: z.enum(["tiktok", "instagram", "youtube"]),
      caption: text(2_200),
      title: line(100).optional(),
      account: line(200).optional(),
      hashtags,
    }),
    async run({ script_id, ...post }, context) {
      const { status, video_url, render } = await getScript(context, script_id);
      const video = video_url ? { video_url } : render?.file ? { file: render.file } : undefined;
      if (status !== "rendered" || !video) {
        throw new Error(`Script ${script_id} is ${status}: only a rendered one is uploaded`);
      }
      const taskId = await enqueueTask(context, {
        type: "safari_upload",
        input: { ...post, ...video, approval: "required" },
        timeoutMinutes: UPLOAD_TASK_MINUTES,
      });
      const postId = await recordPost(context, {
        script_id,
        platform: post.platform,
        via: "task",
        external_id: taskId,
      });
      return { post_id: postId, task_id: taskId, status: "queued, waits for a person's approval" };
    },
  });
}

interface PostRow {
  readonly id: string;
  readonly platform: string;
  readonly via: "mplite" | "task";
  readonly external_id: string;
}

function publishStatus(service: Service | undefined): AgentTool {
  return defineTool({
    name: "publish_status",
    description:
      "Looks what has become of the posts that wait to be published, and lists the latest posts with their status " +
      "(queued, published, failed) and addresses.",
    input: z.strictObject({ limit: limit(50, 20) }),
    run: answering(async ({ limit }, context) => {
      const { database } = context;
      const open = await database.call<PostRow[]>("actp_list_posts", {
        p_status: "queued",
        p_limit: MAX_LOOKS,
      });
      for (const post of open) {
        const ended = post.via === "task"
          ? await uploadEnd(context, post)
          : service && await itemEnd(service, post, context.signal);
        if (ended) await database.call("actp_end_post", { p_id: post.id, ...ended });
      }
      const posts = await database.call("actp_list_posts", { p_limit: limit });
      return { looked_at: open.length, posts };
    }),
  });
}

/** How a post ended, as `actp_end_post` takes it. */
interface PostEnd {
  readonly p_status: "published" | "failed";
  readonly p_post_url?: string;
  readonly p_error?: string;
  readonly p_published_at?: string;
}

async function uploadEnd(context: ToolContext, { external_id }: PostRow): Promise<PostEnd | undefined> {
  const { status, output, error } = await waitForTask(context, external_id, 0);
  if (status === "succeeded") {
    const read = z.object({ post_url: z.string().optional(), platform_url: z.string().optional() }).safeParse(
      output,
    );
    return { p_status: "published", p_post_url: read.data?.post_url ?? read.data?.platform_url };
  }
  const over = ["failed", "timed_out", "cancelled"].includes(status);
  return over ? { p_status: "failed", p_error: error ?? status } : undefined;
}

/** @see MPLite's `GET /api/queue/{id}` */
async function itemEnd(
  service: Service,
  { external_id }: PostRow,
  signal: AbortSignal,
): Promise<PostEnd | undefined> {
  const { status, body } = await askService(service, {
    method: "GET",
    path: `/api/queue/${encodeURIComponent(external_id)}`,
    purpose: "look at a post",
    accept: [404],
    signal,
  });
  if (status === 404) return { p_status: "failed", p_error: "MPLite knows no such item" };
  const item = readItem(body);
  if (item?.status === "published") {
    return {
      p_status: "published",
      p_post_url: item.platform_url ?? item.post_url ?? undefined,
      p_published_at: item.published_at ?? undefined,
    };
  }
  return item?.status === "failed" || item?.status === "cancelled"
    ? { p_status: "failed", p_error: item.error_message ?? item.status }
    : undefined;
}

const item = z.object({
  id: z.union([z.string().min(1).max(100), z.int().transform(String)]),
  status: z.string().nullish(),
  platform_url: z.string().max(2_048).nullish(),
  post_url: z.string().max(2_048).nullish(),
  published_at: z.iso.datetime({ offset: true }).nullish().catch(null),
  error_message: z.string().nullish(),
});

/** The item in an answer: `data`, then `item` are unwrapped. */
function readItem(body: unknown): z.output<typeof item> | undefined {
  const inner = unwrap(unwrap(body, "data"), "item");
  return item.safeParse(inner).data;
}

function unwrap(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && key in value
    ? (value as Record<string, unknown>)[key]
    : value;
}

async function recordPost(
  { database, runId }: ToolContext,
  post: { script_id: string; platform: string; via: "mplite" | "task"; external_id: string },
): Promise<string> {
  const row = await database.call<{ id: string }>("actp_record_post", {
    p_post: { ...post, agent_run_id: runId },
  });
  return row.id;
}
