/** Slack, by an incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
import { cut } from "../bounds.ts";
import type { Channel, OutgoingNotification } from "../notification.ts";
import { inParcels, type Parcel } from "./parcels.ts";
import { postJson } from "./post_json.ts";
import { body, headline, pieces } from "./wording.ts";

const MAX_HEADER = 150;
const MAX_SECTION = 3000;
const MAX_BLOCKS = 50;
/** Of the text that phones show. */
const MAX_TEXT = 300;

type Block = {
  readonly type: "header" | "section";
  readonly text: { readonly type: "plain_text"; readonly text: string; readonly emoji: false };
};

interface Message {
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** Makes the channel. */
export function slackChannel(
  { slackWebhookUrl }: { readonly slackWebhookUrl: string },
): Channel & { readonly name: "slack" } {
  const target = { service: "Slack", url: slackWebhookUrl, setting: "SLACK_WEBHOOK_URL" };
  return {
    name: "slack",
    send: (batch, signal) => inParcels(slackMessages(batch), (message) => postJson(target, message, signal)),
  };
}

/** The messages of a batch, each of at most 50 blocks. Blocks are plain text: nobody is mentioned, nothing is a link. Pure. */
export function slackMessages(batch: readonly OutgoingNotification[]): Parcel<Message>[] {
  const parcels: { heads: string[]; blocks: Block[]; ends: number }[] = [];
  for (const notification of batch) {
    const text = body(notification);
    const blocks = [
      block("header", cut(headline(notification), MAX_HEADER)),
      ...text === "" ? [] : pieces(text, MAX_SECTION).map((piece) => block("section", piece)),
    ];
    const last = parcels.at(-1);
    if (last && last.blocks.length + blocks.length <= MAX_BLOCKS) {
      last.blocks.push(...blocks);
      last.heads.push(notification.title);
      last.ends++;
    } else parcels.push({ heads: [headline(notification)], blocks, ends: 1 });
  }
  return parcels.map(({ heads, blocks, ends }) => ({
    content: { text: escapeSlack(cut(heads.join("; "), MAX_TEXT)), blocks },
    ends,
  }));
}

function block(type: Block["type"], text: string): Block {
  return { type, text: { type: "plain_text", text, emoji: false } };
}

/** The three characters that begin mentions and links. */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
