/** Telegram, Slack and Discord as far as notifications meet them: their addresses, limits and errors, over real HTTP. */
import { type Asked, type ScriptedServer, scriptedServer } from "./scripted_server.ts";

/** The three in one server. */
export interface ChatServices extends ScriptedServer {
  readonly telegram: {
    readonly telegramToken: string;
    readonly telegramChat: string;
    readonly telegramApiUrl: string;
  };
  readonly slack: { readonly slackWebhookUrl: string };
  readonly discord: { readonly discordWebhookUrl: string };
  /** What Telegram's readers see, message by message. */
  readonly telegramTexts: readonly string[];
}

const TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz0123456";
const CHAT = "-1001234";
const SLACK = "/services/T000/B000/secretpart";
const DISCORD = "/api/webhooks/42/secret-token";

/** Starts them. `interfere`: answers in their place where it answers at all. */
export function chatServices(
  interfere: (asked: Asked, nth: number) => Response | undefined = () => undefined,
): ChatServices {
  const telegramTexts: string[] = [];
  const server = scriptedServer((asked, nth) => {
    const own = interfere(asked, nth);
    if (own) return own;
    if (asked.method !== "POST" || !asked.headers.get("content-type")?.startsWith("application/json")) {
      return new Response("wrong method or content type", { status: 405 });
    }
    if (asked.path.startsWith("/bot")) return telegram(asked, telegramTexts);
    if (asked.path === SLACK) return slack(asked.body);
    if (asked.path === DISCORD) return discord(asked.body);
    return new Response("no_service", { status: 404 });
  });
  return {
    ...server,
    telegram: { telegramToken: TOKEN, telegramChat: CHAT, telegramApiUrl: server.url },
    slack: { slackWebhookUrl: server.url + SLACK },
    discord: { discordWebhookUrl: server.url + DISCORD },
    telegramTexts,
  };
}

function telegram({ path, body }: Asked, seen: string[]): Response {
  const no = (error_code: number, description: string) =>
    Response.json({ ok: false, error_code, description }, { status: error_code });
  if (path !== `/bot${TOKEN}/sendMessage`) return no(path.includes(TOKEN) ? 404 : 401, "Unauthorized");
  const { chat_id, text, parse_mode } = body as Record<string, unknown>;
  if (chat_id !== CHAT) return no(400, "Bad Request: chat not found");
  if (typeof text !== "string" || text === "") return no(400, "Bad Request: message text is empty");
  const plain = parse_mode === "HTML" ? readHtml(text) : text;
  if (plain === undefined) return no(400, "Bad Request: can't parse entities");
  if (plain.length > 4096) return no(400, "Bad Request: message is too long");
  seen.push(plain);
  return Response.json({ ok: true, result: { message_id: seen.length } });
}

/** Telegram's HTML: a few tags, well nested, and four named entities; undefined for anything else. */
function readHtml(html: string): string | undefined {
  const open: string[] = [];
  let plain = "";
  for (const [part] of html.matchAll(/<[^>]*>?|&[a-z#0-9]*;?|[^<&]+/g)) {
    const tag = /^<(\/?)(b|i|u|s|code|pre)>$/.exec(part);
    if (tag?.[1] === "") open.push(tag[2]!);
    else if (tag && open.pop() !== tag[2]) return undefined;
    else if (tag) continue;
    else if (part.startsWith("<")) return undefined;
    else if (part.startsWith("&")) {
      const entity =
        ({ "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"' } as Record<string, string>)[part];
      if (entity === undefined) return undefined;
      plain += entity;
    } else plain += part;
  }
  return open.length > 0 ? undefined : plain;
}

interface SlackBlock {
  readonly type?: unknown;
  readonly text?: { readonly type?: unknown; readonly text?: unknown };
}

function slack(body: unknown): Response {
  const { text, blocks } = body as { text?: unknown; blocks?: readonly SlackBlock[] };
  if (typeof text !== "string" || text === "") return new Response("no_text", { status: 400 });
  if (/<[!@#]/.test(text)) return new Response("somebody would be mentioned", { status: 400 });
  const wrong = !Array.isArray(blocks) || blocks.length > 50 || blocks.some(({ type, text }) => {
    const max = type === "header" ? 150 : type === "section" ? 3000 : 0;
    return text?.type !== "plain_text" || typeof text.text !== "string" || text.text.length < 1 ||
      text.text.length > max;
  });
  return wrong ? new Response("invalid_blocks", { status: 400 }) : new Response("ok");
}

interface DiscordEmbed {
  readonly title?: string;
  readonly description?: string;
  readonly timestamp?: string;
}

function discord(body: unknown): Response {
  const { embeds, allowed_mentions } = body as {
    embeds?: readonly DiscordEmbed[];
    allowed_mentions?: { parse?: unknown[] };
  };
  const size = (embed: DiscordEmbed) => (embed.title?.length ?? 0) + (embed.description?.length ?? 0);
  const wrong = !Array.isArray(embeds) || embeds.length < 1 || embeds.length > 10 ||
    allowed_mentions?.parse?.length !== 0 || embeds.reduce((sum, embed) => sum + size(embed), 0) > 6000 ||
    embeds.some((embed: DiscordEmbed) =>
      size(embed) === 0 || (embed.title?.length ?? 0) > 256 || (embed.description?.length ?? 0) > 4096 ||
      Number.isNaN(Date.parse(embed.timestamp ?? ""))
    );
  if (wrong) return Response.json({ message: "Invalid Form Body", code: 50035 }, { status: 400 });
  return new Response(null, { status: 204 });
}
