/** Telegram, by the Bot API's sendMessage (https://core.telegram.org/bots/api#sendmessage). */
import type { Channel, OutgoingNotification } from "../notification.ts";
import { body, headline, pieces } from "./wording.ts";
import { type JsonTarget, postJson } from "./post_json.ts";
import { inParcels, type Parcel } from "./parcels.ts";

/** Which bot speaks to which chat. */
export interface TelegramSettings {
  readonly telegramToken: string;
  /** A chat's number, or `@channel`. */
  readonly telegramChat: string;
  /** Without a slash at its end. */
  readonly telegramApiUrl: string;
}

/** Of a message, counted after its marks have been read; in UTF-16 units. */
const MAX_MESSAGE = 4096;

/** One message for as many notifications as it holds. */
interface Message {
  readonly chat_id: string;
  readonly text: string;
  readonly parse_mode: "HTML";
  readonly link_preview_options: { readonly is_disabled: true };
}

/** Makes the channel. */
export function telegramChannel(settings: TelegramSettings): Channel & { readonly name: "telegram" } {
  const target: JsonTarget = {
    service: "Telegram",
    url: `${settings.telegramApiUrl}/bot${settings.telegramToken}/sendMessage`,
    setting: "TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID",
    explain,
  };
  return {
    name: "telegram",
    send: (batch, signal) =>
      inParcels(
        telegramMessages(batch, settings.telegramChat),
        (message) => postJson(target, message, signal),
      ),
  };
}

/** The messages of a batch, several notifications in one where they fit, long ones in several. Pure. */
export function telegramMessages(batch: readonly OutgoingNotification[], chat: string): Parcel<Message>[] {
  const parcels: { html: string; length: number; ends: number }[] = [];
  for (const notification of batch) {
    const head = headline(notification);
    const text = body(notification);
    const plain = text === "" ? head : `${head}\n${text}`;
    const last = parcels.at(-1);
    if (last && last.length + 2 + plain.length <= MAX_MESSAGE) {
      last.html += `\n\n${html(head, text)}`;
      last.length += 2 + plain.length;
      last.ends++;
      continue;
    }
    const [first, ...more] = pieces(plain, MAX_MESSAGE);
    const rest = first!.length > head.length ? first!.slice(head.length + 1) : "";
    parcels.push({ html: html(head, rest), length: first!.length, ends: 0 });
    for (const piece of more) parcels.push({ html: escapeHtml(piece), length: piece.length, ends: 0 });
    parcels.at(-1)!.ends++;
  }
  return parcels.map(({ html, ends }) => ({
    content: {
      chat_id: chat,
      text: html,
      parse_mode: "HTML" as const,
      link_preview_options: { is_disabled: true as const },
    },
    ends,
  }));
}

function html(head: string, text: string): string {
  return `<b>${escapeHtml(head)}</b>${text === "" ? "" : `\n${escapeHtml(text)}`}`;
}

/** The three characters that HTML mode reads. */
function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** `{ok: false, description, parameters: {retry_after}}`, in seconds. */
function explain(body: unknown): { why?: string; retryAfterMs?: number } {
  const { description, parameters } = (body ?? {}) as {
    description?: unknown;
    parameters?: { retry_after?: unknown };
  };
  const wait = parameters?.retry_after;
  return {
    ...typeof description === "string" ? { why: description } : {},
    ...typeof wait === "number" && wait >= 0 ? { retryAfterMs: wait * 1000 } : {},
  };
}
