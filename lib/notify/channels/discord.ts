/** Discord, by a webhook (https://docs.discord.com/developers/resources/webhook#execute-webhook). */
import { cut } from "../bounds.ts";
import type { Channel, OutgoingNotification, Severity } from "../notification.ts";
import { inParcels, type Parcel } from "./parcels.ts";
import { postJson } from "./post_json.ts";
import { body, headline, pieces } from "./wording.ts";

const MAX_TITLE = 256;
const MAX_DESCRIPTION = 4096;
const MAX_EMBEDS = 10;
/** Of all embeds of a message together. */
const MAX_MESSAGE = 6000;
const COLOURS: Record<Severity, number> = { info: 0x3b82f6, warning: 0xf59e0b, alert: 0xdc2626 };

interface Embed {
  readonly title?: string;
  readonly description?: string;
  readonly color: number;
  readonly timestamp: string;
}

interface Message {
  readonly embeds: readonly Embed[];
  readonly allowed_mentions: { readonly parse: readonly [] };
}

/** Makes the channel. */
export function discordChannel(
  { discordWebhookUrl }: { readonly discordWebhookUrl: string },
): Channel & { readonly name: "discord" } {
  const target = { service: "Discord", url: discordWebhookUrl, setting: "DISCORD_WEBHOOK_URL", explain };
  return {
    name: "discord",
    send: (batch, signal) =>
      inParcels(discordMessages(batch), (message) => postJson(target, message, signal)),
  };
}

/** The messages of a batch, within Discord's limits. Nobody is mentioned, and nothing is read as a mark. Pure. */
export function discordMessages(batch: readonly OutgoingNotification[]): Parcel<Message>[] {
  const parcels: { embeds: Embed[]; size: number; ends: number }[] = [];
  for (const notification of batch) {
    const embeds = embedsOf(notification);
    for (const [index, embed] of embeds.entries()) {
      const size = (embed.title?.length ?? 0) + (embed.description?.length ?? 0);
      const ends = index === embeds.length - 1 ? 1 : 0;
      const last = parcels.at(-1);
      if (last && last.embeds.length < MAX_EMBEDS && last.size + size <= MAX_MESSAGE) {
        last.embeds.push(embed);
        last.size += size;
        last.ends += ends;
      } else parcels.push({ embeds: [embed], size, ends });
    }
  }
  return parcels.map(({ embeds, ends }) => ({
    content: { embeds, allowed_mentions: { parse: [] as const } },
    ends,
  }));
}

function embedsOf(notification: OutgoingNotification): Embed[] {
  const common = { color: COLOURS[notification.severity], timestamp: notification.createdAt };
  const title = escapeMarkdown(headline(notification), MAX_TITLE);
  const text = body(notification);
  if (text === "") return [{ ...common, title }];
  // Escaped, a text grows to twice its length at most.
  return pieces(text, MAX_DESCRIPTION / 2).map((piece, index) => ({
    ...common,
    ...index === 0 ? { title } : {},
    description: escapeMarkdown(piece, MAX_DESCRIPTION),
  }));
}

function escapeMarkdown(text: string, max: number): string {
  const escaped = text.replace(/[\\*_~`|>#\-[\]()<@:]/g, "\\$&");
  return escaped.length <= max ? escaped : cut(escaped, max).replace(/\\(?=…$)/, "");
}

/** `{message, retry_after, global}`, in seconds with fractions. */
function explain(body: unknown): { why?: string; retryAfterMs?: number } {
  const { message, retry_after } = (body ?? {}) as { message?: unknown; retry_after?: unknown };
  return {
    ...typeof message === "string" ? { why: message } : {},
    ...typeof retry_after === "number" && retry_after >= 0 ? { retryAfterMs: retry_after * 1000 } : {},
  };
}
