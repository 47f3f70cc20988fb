/** The words of telling people something: what is told, who takes it, and where it goes. No I/O lives here. */

/** `info` can wait, `warning` should be seen today, `alert` now. */
export type Severity = "info" | "warning" | "alert";

/** From the least to the most urgent. */
export const SEVERITIES: readonly Severity[] = ["info", "warning", "alert"];

/** Something that people should know. */
export interface Notification {
  /** What it is about, e.g. `heartbeat.task-scan`; rules choose by it. */
  readonly kind: string;
  readonly severity: Severity;
  /** One line. */
  readonly title: string;
  readonly text: string;
  /** The same key again within a rule's time is counted and not sent again. */
  readonly dedupeKey?: string;
  /** For programs: webhooks pass it on. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Takes notifications from all parts of the worker. */
export interface Notifier {
  /**
   * Writes it to the outbox and returns; delivery is somebody else's business and tried again until it works.
   * Never throws: what cannot be written is kept on disk, tried again, and logged.
   */
  notify(notification: Notification): Promise<void>;
}

/** A notification on its way. */
export interface OutgoingNotification extends Notification {
  /** The same at every attempt. */
  readonly id: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** How often it came again while it was not sent again. */
  readonly repeats: number;
}

/** One way to reach people. */
export interface Channel {
  /** As rules name it, e.g. `telegram`. */
  readonly name: string;
  /**
   * Sends them, as few messages as it can.
   * @throws {@link DeliveryError}
   */
  send(batch: readonly OutgoingNotification[], signal: AbortSignal): Promise<void>;
}

/** A channel could not send. The message names no secret and no address with one. */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  /** Whether trying again may help. */
  readonly retry: boolean;
  /** How long the other side asks to be left alone, in ms. */
  readonly retryAfterMs?: number;
  /** How many of the batch, from its beginning, were sent all the same. */
  readonly delivered: number;
  constructor(
    message: string,
    options: { retry: boolean; retryAfterMs?: number; delivered?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.retry = options.retry;
    this.retryAfterMs = options.retryAfterMs;
    this.delivered = options.delivered ?? 0;
  }
}
