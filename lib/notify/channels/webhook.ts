/**
 * A webhook of the owner's own, signed as Standard Webhooks has it
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): one POST for each
 * notification, whose id stays the same when it is sent again.
 */
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { type PostOptions, postUrl, PrivateAddressError } from "../../net/post_url.ts";
import { retryAfterMs } from "../../net/retry_after.ts";
import { type Channel, DeliveryError, type OutgoingNotification } from "../notification.ts";
import { inParcels } from "./parcels.ts";
import { isWorthRetrying, withoutUrls } from "./post_json.ts";

/** Where to, and what signs it. */
export interface WebhookSettings {
  readonly notifyWebhookUrl: string;
  /** `whsec_` and base64, or any text. */
  readonly notifyWebhookSecret: string;
  readonly notifyAllowPrivateUrls: boolean;
}

/** Makes the channel. `network`: how names are resolved and who is trusted, unless as the machine does it. */
export function webhookChannel(
  settings: WebhookSettings,
  network: Pick<PostOptions, "resolve" | "caCerts"> & { readonly now?: () => number } = {},
): Channel & { readonly name: "webhook" } {
  const { now = Date.now } = network;
  async function post(notification: OutgoingNotification, signal: AbortSignal): Promise<void> {
    const body = webhookBody(notification);
    const timestamp = Math.floor(now() / 1000);
    const { notifyWebhookSecret: secret } = settings;
    const answer = await postUrl({
      url: new URL(settings.notifyWebhookUrl),
      body: new TextEncoder().encode(body),
      headers: {
        "content-type": "application/json",
        "webhook-id": notification.id,
        "webhook-timestamp": `${timestamp}`,
        "webhook-signature": signature(secret, notification.id, timestamp, body),
      },
      allowPrivate: settings.notifyAllowPrivateUrls,
      signal,
      ...network,
    }).catch((error) => {
      throw failure(error);
    });
    const { status, headers } = answer;
    if (status >= 200 && status < 300) return;
    const retry = isWorthRetrying(status);
    throw new DeliveryError(`the webhook answered ${status}${retry ? "" : " (check NOTIFY_WEBHOOK_URL)"}`, {
      retry,
      retryAfterMs: retryAfterMs(headers.get("retry-after"), now()),
    });
  }
  return {
    name: "webhook",
    send: (batch, signal) =>
      inParcels(batch.map((content) => ({ content, ends: 1 })), (notification) => post(notification, signal)),
  };
}

/** What is posted. Pure. */
export function webhookBody(notification: OutgoingNotification): string {
  const { kind, severity, title, text, data, id, createdAt, repeats } = notification;
  return JSON.stringify({
    type: kind,
    timestamp: createdAt,
    data: {
      id,
      severity,
      title,
      text,
      repeats,
      ...data === undefined || data === null ? {} : { details: data },
    },
  });
}

/** The header's value for one secret. Pure. */
export function signature(secret: string, id: string, timestamp: number, body: string): string {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret);
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

function failure(error: unknown): DeliveryError {
  if (error instanceof PrivateAddressError) {
    const fix = "set NOTIFY_ALLOW_PRIVATE_URLS=true to allow that";
    return new DeliveryError(`the webhook is at a private address; ${fix}`, { retry: false, cause: error });
  }
  return new DeliveryError(`cannot reach the webhook: ${withoutUrls(error)}`, { retry: true, cause: error });
}
