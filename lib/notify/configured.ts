/** Which channels the configuration gives, and what the others lack. */
import type { Config } from "../config.ts";
import { CHANNEL_NAMES, type ChannelName } from "../config/notify_rules.ts";
import { discordChannel } from "./channels/discord.ts";
import { desktopChannel } from "./channels/desktop.ts";
import { emailChannel } from "./channels/email.ts";
import { logChannel } from "./channels/log.ts";
import { slackChannel } from "./channels/slack.ts";
import { telegramChannel } from "./channels/telegram.ts";
import { webhookChannel } from "./channels/webhook.ts";
import type { Channel } from "./notification.ts";

/** What the channels need of the configuration. */
export type ChannelSettings = Pick<
  Config,
  | "telegramToken"
  | "telegramChat"
  | "telegramApiUrl"
  | "slackWebhookUrl"
  | "discordWebhookUrl"
  | "notifyWebhookUrl"
  | "notifyWebhookSecret"
  | "notifyAllowPrivateUrls"
  | "smtpUrl"
  | "notifyEmailFrom"
  | "notifyEmailTo"
  | "notifyDesktop"
>;

/** A channel by its name. */
export type NamedChannel = Channel & { readonly name: ChannelName };

/** A channel, or the settings without which there is none. */
export type ChannelState =
  | { readonly name: ChannelName; readonly channel: NamedChannel }
  | { readonly name: ChannelName; readonly missing: string };

/** Every channel that there could be. */
export function channelStates(config: ChannelSettings): ChannelState[] {
  return CHANNEL_NAMES.map((name) => {
    const made = make(name, config);
    return typeof made === "string" ? { name, missing: made } : { name, channel: made };
  });
}

/** The channels that there are; the log is always one. */
export function configuredChannels(config: ChannelSettings): NamedChannel[] {
  return channelStates(config).flatMap((state) => "channel" in state ? [state.channel] : []);
}

function make(name: ChannelName, config: ChannelSettings): NamedChannel | string {
  switch (name) {
    case "log":
      return logChannel();
    case "telegram": {
      const { telegramToken, telegramChat, telegramApiUrl } = config;
      if (!telegramToken || !telegramChat) return "TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID";
      return telegramChannel({ telegramToken, telegramChat, telegramApiUrl });
    }
    case "slack": {
      const { slackWebhookUrl } = config;
      return slackWebhookUrl ? slackChannel({ slackWebhookUrl }) : "SLACK_WEBHOOK_URL";
    }
    case "discord": {
      const { discordWebhookUrl } = config;
      return discordWebhookUrl ? discordChannel({ discordWebhookUrl }) : "DISCORD_WEBHOOK_URL";
    }
    case "webhook": {
      const { notifyWebhookUrl, notifyWebhookSecret, notifyAllowPrivateUrls } = config;
      if (!notifyWebhookUrl || !notifyWebhookSecret) return "NOTIFY_WEBHOOK_URL and NOTIFY_WEBHOOK_SECRET";
      return webhookChannel({ notifyWebhookUrl, notifyWebhookSecret, notifyAllowPrivateUrls });
    }
    case "email": {
      const { smtpUrl, notifyEmailFrom, notifyEmailTo } = config;
      if (!smtpUrl || !notifyEmailFrom || notifyEmailTo.length === 0) {
        return "SMTP_URL, NOTIFY_EMAIL_FROM and NOTIFY_EMAIL_TO";
      }
      return emailChannel({ smtpUrl, notifyEmailFrom, notifyEmailTo });
    }
    case "desktop":
      return config.notifyDesktop ? desktopChannel() : "NOTIFY_DESKTOP";
  }
}
