/** Messages and connection requests to prospects: proposed to a person, sent once when approved, and counted. */
import { z } from "zod";
import {
  type AgentServices,
  type AgentTool,
  defineTool,
  type ToolContext,
} from "../../../lib/agent/agent.ts";
import { acting, beforehand } from "../answering.ts";
import { deliver, type Delivery, type Route } from "../delivery.ts";
import { clip, days, handle, id, limit, text, webAddress } from "../fields.ts";
import { localService } from "../settings.ts";
import { prospectOf } from "./prospects.ts";

/** The channels that messages go through. */
const CHANNELS = ["linkedin", "twitter", "instagram", "tiktok", "email"] as const;
type Channel = typeof CHANNELS[number];

/** Where each platform's local service takes messages. */
const PATHS: Partial<Record<Channel, string>> = {
  linkedin: "/api/linkedin/messages/send-to",
  twitter: "/api/twitter/messages/send-to",
  instagram: "/api/messages/send-to",
  tiktok: "/api/tiktok/messages/send-to",
};
/** The kinds of acts that are outreach. */
const OUTREACH_KINDS = ["message", "connection_request"];
const LINKEDIN_PROFILE = /^https:\/\/([a-z]{2,3}\.)?linkedin\.com\/in\/[^/?#]+\/?$/;

/** The tools of outreach; those that send only for the channels that there is a way to. */
export function outreachTools(services: AgentServices): AgentTool[] {
  const routes = messageRoutes(services);
  const linkedin = routes.get("linkedin");
  return [
    ...routes.size > 0 ? [queueMessage(routes)] : [],
    ...linkedin ? [proposeConnection(linkedin)] : [],
    pendingOutreach(),
    recordReply(),
    outreachStatistics(),
  ];
}

function messageRoutes(services: AgentServices): ReadonlyMap<Channel, Route> {
  const type = services.setting("AGENT_MESSAGE_TASK_TYPE");
  return new Map(CHANNELS.flatMap((channel): [Channel, Route][] => {
    const service = channel === "email" ? undefined : localService(services, channel, "messages");
    if (service) return [[channel, { via: "service", service }]];
    return type ? [[channel, { via: "task", type }]] : [];
  }));
}

interface Message {
  readonly prospect_id: string;
  readonly channel: Channel;
  readonly recipient: string;
  readonly subject?: string;
  readonly text: string;
  readonly reason: string;
}

function queueMessage(routes: ReadonlyMap<Channel, Route>): AgentTool {
  const input: z.ZodType<Message> = z.strictObject({
    prospect_id: id,
    channel: z.enum([...routes.keys()] as [Channel, ...Channel[]]),
    recipient: z.string().trim().min(1).max(300).describe(
      "linkedin: the profile's address; email: the address; else the handle",
    ),
    subject: text(200).optional().describe("for email"),
    text: text(5_000),
    reason: text(500).describe("why this message to this person now"),
  }).superRefine(fitsChannel);
  return defineTool<Message>({
    name: "queue_message",
    description:
      "Proposes a message to a prospect for a person to approve; it is sent only then, and you learn the decision " +
      "later. Propose each message once, and look at pending_outreach before.",
    input,
    outward: ({ prospect_id, channel, recipient, subject, text, reason }) => ({
      kind: "message",
      platform: channel,
      summary: `message to ${clip(recipient, 60)} on ${channel}: ${clip(text.replace(/\s+/g, " "), 80)}`,
      preview: { prospect_id, recipient, ...subject && { subject }, text, reason },
    }),
    run: acting(
      (message, context) =>
        send(
          "message",
          routes.get(message.channel)!,
          message,
          messageDelivery(message),
          context,
        ),
      ({ channel }) => channel,
    ),
  });
}

function fitsChannel({ channel, recipient, subject }: Message, check: z.RefinementCtx): void {
  const problem = channel === "linkedin"
    ? LINKEDIN_PROFILE.test(recipient) ? undefined : "must be a LinkedIn profile's address"
    : channel === "email"
    ? z.email().safeParse(recipient).success ? undefined : "must be an e-mail address"
    : handle.safeParse(recipient).success
    ? undefined
    : "must be a handle";
  if (problem) check.addIssue({ code: "custom", path: ["recipient"], message: problem });
  if (channel === "email" && !subject) {
    check.addIssue({ code: "custom", path: ["subject"], message: "is needed for an e-mail" });
  }
}

function messageDelivery({ channel, recipient, subject, text }: Message): Delivery {
  const to = recipient.replace(/^@/, "");
  return {
    purpose: `send a message on ${channel}`,
    path: PATHS[channel] ?? "",
    body: channel === "linkedin" ? { profileUrl: recipient, text } : { username: to, text },
    input: { kind: "message", channel, recipient: to, ...subject && { subject }, text },
  };
}

/** @see the LinkedIn service's `POST /api/linkedin/connections/request {profileUrl, note?}` */
function proposeConnection(route: Route): AgentTool {
  return defineTool({
    name: "propose_connection",
    description:
      "Proposes a LinkedIn connection request for a person to approve; at most 10 a day go out, whatever is approved.",
    input: z.strictObject({
      prospect_id: id,
      profile_url: webAddress.regex(LINKEDIN_PROFILE, "must be a LinkedIn profile's address"),
      note: text(300).optional(),
      reason: text(500).describe("why this person"),
    }),
    outward: ({ prospect_id, profile_url, note, reason }) => ({
      kind: "connection_request",
      platform: "linkedin",
      summary: `connection request to ${clip(profile_url, 100)}${note ? " with a note" : ""}`,
      preview: { prospect_id, profile_url, ...note && { note }, reason },
    }),
    run: acting(({ prospect_id, profile_url, note }, context) => {
      const message = { prospect_id, channel: "linkedin", recipient: profile_url, text: note ?? "" };
      return send("connection_request", route, message, {
        purpose: "request a connection on linkedin",
        path: "/api/linkedin/connections/request",
        body: { profileUrl: profile_url, ...note && { note }, skipIfConnected: true, skipIfPending: true },
        input: {
          kind: "connection_request",
          channel: "linkedin",
          recipient: profile_url,
          ...note && { note },
        },
      }, context);
    }, () => "linkedin"),
  });
}

async function send(
  kind: string,
  route: Route,
  message: Pick<Message, "prospect_id" | "recipient" | "text"> & { readonly channel: string },
  delivery: Delivery,
  context: ToolContext,
): Promise<unknown> {
  const { database, log, runId } = context;
  await beforehand(() => prospectOf(context, message.prospect_id));
  const delivered = await deliver(route, delivery, context);
  try {
    await database.call("actp_record_outreach", {
      p_message: {
        prospect_id: message.prospect_id,
        kind,
        channel: message.channel,
        recipient: message.recipient,
        body: message.text,
        ...!delivered.sent && { task_id: delivered.task_id },
        agent_run_id: runId,
      },
    });
  } catch (error) {
    // It is out: an error here would have a person believe that it may not be.
    log.error(`Cannot record a ${kind} on ${message.channel}: ${(error as Error).message}`);
  }
  return delivered;
}

function pendingOutreach(): AgentTool {
  return defineTool({
    name: "pending_outreach",
    description:
      "Lists the messages and connection requests that wait for approval or to be sent, the oldest first.",
    input: z.strictObject({ limit: limit(50, 20) }),
    run: ({ limit }, { database, agentId }) =>
      database.call("actp_pending_acts", {
        p_agent_id: agentId,
        p_kinds: OUTREACH_KINDS,
        p_limit: limit,
      }),
  });
}

function recordReply(): AgentTool {
  return defineTool({
    name: "record_reply",
    description: "Notes that a prospect has answered our last message, and whether a call was agreed on.",
    input: z.strictObject({ prospect_id: id, booked: z.boolean().default(false) }),
    async run({ prospect_id, booked }, { database }) {
      const noted = await database.call("actp_record_reply", {
        p_prospect_id: prospect_id,
        p_booked: booked,
      });
      if (!noted) throw new Error(`Nothing was sent to prospect ${prospect_id} that could be answered`);
      return { prospect_id, replied: true, booked };
    },
  });
}

/** What went out and came back. */
interface OutreachStatistics {
  readonly sent: number;
  readonly replied: number;
  readonly booked: number;
}

function outreachStatistics(): AgentTool {
  return defineTool({
    name: "outreach_statistics",
    description: "Counts what was sent, answered and led to a call, in all and by channel.",
    input: z.strictObject({ days: days(30) }),
    async run({ days }, { database }) {
      const counted = await database.call<OutreachStatistics>("actp_outreach_statistics", { p_days: days });
      return {
        ...counted,
        reply_rate: rate(counted.replied, counted.sent),
        booking_rate: rate(counted.booked, counted.sent),
      };
    },
  });
}

function rate(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round(part / whole * 1_000) / 1_000;
}
