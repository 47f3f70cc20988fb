/** Comments and replies: proposed to a person, and posted once when approved. */
import { z } from "zod";
import {
  type AgentServices,
  type AgentTool,
  defineTool,
  type ToolContext,
} from "../../../lib/agent/agent.ts";
import { acting } from "../answering.ts";
import { deliver, type Route } from "../delivery.ts";
import { clip, handle, type Platform, PLATFORMS, text, webAddress } from "../fields.ts";
import { localService } from "../settings.ts";

/** How long the platforms let a comment be, in characters. */
const MAX_LENGTH: Record<Platform, number> = {
  tiktok: 150,
  instagram: 2_200,
  youtube: 10_000,
  twitter: 280,
  threads: 500,
};
const HOSTS: Record<Platform, RegExp> = {
  tiktok: /(^|\.)tiktok\.com$/,
  instagram: /(^|\.)instagram\.com$/,
  youtube: /(^|\.)(youtube\.com|youtu\.be)$/,
  twitter: /(^|\.)(twitter|x)\.com$/,
  threads: /(^|\.)threads\.(net|com)$/,
};

/** `propose_comment` and `propose_reply`, for the platforms that there is a way to; none where there is no way at all. */
export function commentTools(services: AgentServices): AgentTool[] {
  const routes = commentRoutes(services);
  if (routes.size === 0) return [];
  return [commentTool("comment", routes), commentTool("reply", routes)];
}

function commentRoutes(services: AgentServices): ReadonlyMap<Platform, Route> {
  const type = services.setting("AGENT_COMMENT_TASK_TYPE");
  return new Map(PLATFORMS.flatMap((platform): [Platform, Route][] => {
    const service = localService(services, platform, "comments");
    if (service) return [[platform, { via: "service", service }]];
    return type ? [[platform, { via: "task", type }]] : [];
  }));
}

interface Comment {
  readonly platform: Platform;
  readonly post_url: string;
  readonly text: string;
  readonly reason: string;
  readonly to?: string;
}

function commentTool(kind: "comment" | "reply", routes: ReadonlyMap<Platform, Route>): AgentTool {
  const shared = {
    platform: z.enum([...routes.keys()] as [Platform, ...Platform[]]),
    post_url: webAddress.describe("the post itself, as the platform addresses it"),
    text: text(10_000),
    reason: text(500).describe("why this is worth a person's yes"),
  };
  const schema: z.ZodType<Comment> = kind === "reply"
    ? z.strictObject({ ...shared, to: handle.describe("whose comment is answered") })
    : z.strictObject(shared);
  return defineTool<Comment>({
    name: `propose_${kind}`,
    description:
      `Proposes a ${kind} for a person to approve; it is posted only then, and you learn the decision later. ` +
      "Propose each text once. " +
      (kind === "reply" ? "The text begins with @ and the handle where the platform does it so." : ""),
    input: schema.superRefine(fitsPlatform),
    outward: ({ platform, post_url, text, reason, to }) => ({
      kind,
      platform,
      summary: `${kind} on ${platform}${to ? ` to @${to}` : ""}: ${clip(text.replace(/\s+/g, " "), 100)}`,
      preview: { post_url, text, reason, ...to && { to } },
    }),
    run: acting((comment, context) => post(kind, routes.get(comment.platform)!, comment, context), ({
      platform,
    }) => platform),
  });
}

function fitsPlatform({ platform, post_url, text }: Comment, check: z.RefinementCtx): void {
  if (!HOSTS[platform].test(URL.parse(post_url)?.hostname ?? "")) {
    check.addIssue({ code: "custom", path: ["post_url"], message: `is not on ${platform}` });
  }
  if (text.length > MAX_LENGTH[platform]) {
    const message = `is longer than the ${MAX_LENGTH[platform]} characters of a comment on ${platform}`;
    check.addIssue({ code: "custom", path: ["text"], message });
  }
}

async function post(
  kind: "comment" | "reply",
  route: Route,
  comment: Comment,
  context: ToolContext,
): Promise<unknown> {
  const { platform, post_url, text, to } = comment;
  const delivered = await deliver(route, {
    purpose: `${kind} on ${platform}`,
    path: `/api/${platform}/comments/post`,
    body: { postUrl: post_url, text },
    input: { kind, platform, post_url, text, ...to && { to } },
  }, context);
  try {
    await context.database.call("actp_record_engagement", {
      p_action: {
        platform,
        action_type: kind,
        target_url: post_url,
        ...to && { target_handle: to },
        result: delivered,
        agent_run_id: context.runId,
      },
    });
  } catch (error) {
    // It is out: an error here would have a person believe that it may not be.
    context.log.error(`Cannot record the ${kind} on ${platform}: ${(error as Error).message}`);
  }
  return delivered;
}
