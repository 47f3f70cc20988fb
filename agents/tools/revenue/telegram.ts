/** Sending the weekly report by Telegram, when a person has agreed to it. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { TaskError } from "../../../lib/task/task.ts";
import { acting } from "../answering.ts";
import { clip, text } from "../fields.ts";
import { askService, type Service, ServiceError } from "../service.ts";
import { messageParts } from "./message_parts.ts";

const OFFICIAL_URL = "https://api.telegram.org";
/** https://core.telegram.org/bots/api#sendmessage */
const MAX_MESSAGE = 4_096;
const MAX_REPORT = 20_000;

/** `send_weekly_report`, where the bot and the chat are configured. */
export function telegramTools(services: AgentServices): AgentTool[] {
  const token = services.setting("TELEGRAM_BOT_TOKEN");
  const chat = services.setting("TELEGRAM_CHAT_ID");
  if (!token || !chat) return [];
  const service: Service = {
    name: "Telegram",
    baseUrl: `${(services.setting("TELEGRAM_API_URL") ?? OFFICIAL_URL).replace(/\/+$/, "")}/bot${token}`,
    keySetting: "TELEGRAM_BOT_TOKEN",
    fetch: services.fetch,
  };
  return [sendWeeklyReport(service, chat)];
}

function sendWeeklyReport(service: Service, chat: string): AgentTool {
  return defineTool({
    name: "send_weekly_report",
    description:
      "Proposes to send the weekly report to the configured Telegram chat; it is sent when a person has approved it. " +
      "Give the text that weekly_report returned.",
    input: z.strictObject({ report_md: text(MAX_REPORT) }),
    outward: ({ report_md }) => ({
      kind: "message",
      platform: "telegram",
      summary: `send the weekly report by Telegram (${report_md.length} characters): ${
        clip(report_md.replace(/\s+/g, " "), 60)
      }`,
      preview: { report_md },
    }),
    run: acting(async ({ report_md }, { signal }) => {
      // As plain text: Markdown that Telegram does not like would be refused as a whole.
      const parts = messageParts(report_md, MAX_MESSAGE);
      for (const [index, part] of parts.entries()) {
        await sendPart(service, chat, part, signal).catch((error) => {
          throw index === 0 ? error : partly(error, index, parts.length);
        });
      }
      return { sent: true, messages: parts.length };
    }, () => "telegram"),
  });
}

async function sendPart(service: Service, chat: string, part: string, signal: AbortSignal): Promise<void> {
  const { body } = await askService(service, {
    method: "POST",
    path: "/sendMessage",
    body: { chat_id: chat, text: part },
    purpose: "send the report",
    signal,
  });
  if (!z.object({ ok: z.literal(true) }).safeParse(body).success) {
    throw new TaskError("Cannot send the report: Telegram did not say that it was sent", {
      retry: false,
      uncertain: true,
    });
  }
}

/** The chat has its beginning already: to send all of it again needs a person's word. */
function partly(error: unknown, sent: number, all: number): Error {
  const why = error instanceof ServiceError ? error.message : String((error as Error).message);
  return new TaskError(`${sent} of ${all} parts of the report were sent, then: ${why}`, {
    retry: false,
    uncertain: true,
    cause: error,
  });
}
