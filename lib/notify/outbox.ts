/**
 * The durable outbox: notifications are rows in the database, one for each channel, until they are sent. Each is claimed
 * with a lease, so that of several workers one sends it; it goes out twice only when that one dies between sending and
 * saying so.
 */
import { backoffDelay } from "../backoff.ts";
import { type Clock, within } from "../clock.ts";
import type { ChannelName } from "../config/notify_rules.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { logger } from "../log.ts";
import { type Redactor, redactor } from "../log/redaction.ts";
import type { Service } from "../service.ts";
import { Wakeup } from "../wakeup.ts";
import { bounded } from "./bounds.ts";
import {
  type Channel,
  DeliveryError,
  type Notification,
  type Notifier,
  type OutgoingNotification,
} from "./notification.ts";
import { type Delivery, route, type RoutingSettings } from "./routing.ts";

/** What the outbox is made of. */
export interface OutboxOptions {
  readonly database: Database;
  readonly workerId: string;
  /** All that are configured on this worker, the log among them. */
  readonly channels: readonly (Channel & { readonly name: ChannelName })[];
  readonly routing: RoutingSettings;
  readonly clock: Clock;
  /** Never sent to anybody. */
  readonly secrets: readonly string[];
  /** How long what was sent is kept, in days; 0 is for ever. */
  readonly keepDays: number;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
}

interface Claimed extends OutgoingNotification {
  readonly token: string;
  readonly channel: ChannelName;
  readonly attempts: number;
}

interface Result {
  readonly id: string;
  readonly token: string;
  readonly outcome: "sent" | "retry" | "failed";
  readonly error?: string;
  readonly retry_seconds?: number;
}

interface Unwritten {
  readonly notification: Notification & { readonly id: string };
  readonly deliveries: readonly Delivery[];
  readonly since: number;
}

/** Only on the machine that raised them. */
const LOCAL: readonly ChannelName[] = ["desktop"];
const POLL_MS = 15_000;
const LEASE_SECONDS = 120;
const SEND_MS = 60_000;
/** How long a send may go on when the worker stops. */
const STOP_MS = 3_000;
const BATCH = 100;
const RETRY = { firstMs: 30_000, maxMs: 3_600_000 };
const DATABASE_RETRY = { firstMs: 1_000, maxMs: 60_000 };
/** How long a notification is worth sending after its time. */
const EXPIRES_SECONDS = 86_400;
const MAX_UNWRITTEN = 1000;
const PRUNE_MS = 3_600_000;
const FAILURES_MS = 3_600_000;
const MAX_FAILURES = 1000;

/** Takes notifications, and sends them for as long as it runs. */
export class Outbox implements Notifier, Service {
  readonly name = "notifications";
  readonly #options: OutboxOptions;
  readonly #log = logger("notify");
  readonly #clean: Redactor;
  readonly #wakeup = new Wakeup();
  readonly #channels: ReadonlyMap<ChannelName, Channel>;
  /** Those that asked to be left alone, until when on the monotonic clock. */
  readonly #resting = new Map<ChannelName, number>();
  #unwritten: Unwritten[] = [];
  #writing: Promise<void> = Promise.resolve();
  #unsettled: Result[] = [];
  #prunedAt = -Infinity;
  #failures: { readonly at: number; readonly channel: ChannelName; readonly error: string }[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#clean = redactor(options.secrets);
    this.#channels = new Map(options.channels.map((channel) => [channel.name, channel]));
  }

  /** What could not be sent within the last hour by this worker, oldest first; one for each notification. */
  failures(): readonly { readonly channel: string; readonly error: string }[] {
    const since = this.#options.clock.monotonic() - FAILURES_MS;
    this.#failures = this.#failures.filter(({ at }) => at >= since).slice(-MAX_FAILURES);
    return this.#failures;
  }

  async notify(given: Notification): Promise<void> {
    const { clock, routing } = this.#options;
    const notification = { ...bounded(given, this.#clean), id: crypto.randomUUID() };
    const deliveries = route(notification, routing, [...this.#channels.keys()], clock.now());
    if (deliveries.length === 0 || deliveries.some(({ channel }) => channel === "log")) {
      await this.#channels.get("log")?.send(
        [{ ...notification, createdAt: new Date(clock.now()).toISOString(), repeats: 0 }],
        new AbortController().signal,
      );
    }
    const stored = deliveries.filter(({ channel }) => channel !== "log");
    if (stored.length === 0) return;
    if (this.#unwritten.length >= MAX_UNWRITTEN) {
      const lost = this.#unwritten.shift()!;
      this.#log.error(
        `a notification is lost, more than ${MAX_UNWRITTEN} wait for the database: ${lost.notification.title}`,
      );
    }
    this.#unwritten.push({ notification, deliveries: stored, since: clock.monotonic() });
    try {
      await this.#write();
    } catch (error) {
      this.#log.warn(`Cannot write a notification to the outbox: ${(error as Error).message}; tried again`);
    }
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const late = new AbortController();
    const over = new AbortController();
    const stop = () => void clock.sleep(STOP_MS, over.signal).then(() => late.abort("the worker stops"));
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    let failures = 0;
    try {
      while (!signal.aborted) {
        let pause: number;
        try {
          pause = await this.#round(late.signal);
          failures = 0;
        } catch (error) {
          if (failures++ === 0) this.#log.warn(`Cannot send notifications: ${(error as Error).message}`);
          pause = backoffDelay(failures, DATABASE_RETRY, this.#options.random?.());
        }
        await this.#wakeup.wait(pause, clock, signal);
      }
      await this.#lastWords();
    } finally {
      over.abort("over");
      signal.removeEventListener("abort", stop);
    }
  }

  /** Writes, settles, claims and sends what there is. Returns how long there is nothing more to do, in ms. */
  async #round(signal: AbortSignal): Promise<number> {
    const { database, workerId } = this.#options;
    await this.#write();
    await this.#settle();
    await this.#prune();
    const channels = this.#awake();
    if (channels.length === 0) return POLL_MS;
    const { notifications, next_seconds } = await database.call<
      { notifications: (Omit<Claimed, "createdAt"> & { created_at: string })[]; next_seconds: number | null }
    >("actp_claim_notifications", {
      p_worker_id: workerId,
      p_channels: channels,
      p_limit: BATCH,
      p_lease_seconds: LEASE_SECONDS,
    });
    const claimed = notifications.map(({ created_at, ...rest }): Claimed => ({
      ...rest,
      createdAt: created_at,
    }));
    const batches = Map.groupBy(claimed, ({ channel }) => channel);
    await Promise.all([...batches].map(([channel, batch]) => this.#send(channel, batch, signal)));
    await this.#settle();
    if (claimed.length === BATCH) return 0;
    const rest = Math.min(
      ...[...this.#resting.values()].map((until) => until - this.#options.clock.monotonic()),
    );
    return Math.max(0, Math.min(POLL_MS, rest, next_seconds === null ? POLL_MS : next_seconds * 1000));
  }

  /** The channels that may be used now, without the log, which is written at once. */
  #awake(): ChannelName[] {
    const now = this.#options.clock.monotonic();
    for (const [channel, until] of this.#resting) if (until <= now) this.#resting.delete(channel);
    return [...this.#channels.keys()].filter((name) => name !== "log" && !this.#resting.has(name));
  }

  async #send(name: ChannelName, batch: readonly Claimed[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const channel = this.#channels.get(name)!;
    try {
      await within(clock, SEND_MS, signal, (signal) => channel.send(batch, signal));
      this.#unsettled.push(...batch.map(({ id, token }) => ({ id, token, outcome: "sent" as const })));
    } catch (error) {
      const failure = error instanceof DeliveryError
        ? error
        : new DeliveryError((error as Error).message ?? String(error), { retry: true, cause: error });
      if (failure.retryAfterMs !== undefined) {
        this.#resting.set(name, clock.monotonic() + Math.min(failure.retryAfterMs, RETRY.maxMs));
      }
      this.#failed(name, batch, failure);
    }
  }

  #failed(name: ChannelName, batch: readonly Claimed[], failure: DeliveryError): void {
    const message = this.#clean.text(failure.message);
    const next = failure.retry ? "tried again" : "given up";
    this.#log[failure.retry ? "warn" : "error"](
      `Cannot send ${batch.length - failure.delivered} notifications by ${name}: ${message}; ${next}`,
    );
    for (const [position, { id, token, attempts }] of batch.entries()) {
      if (position < failure.delivered) this.#unsettled.push({ id, token, outcome: "sent" });
      else if (!failure.retry) {
        this.#unsettled.push({ id, token, outcome: "failed", error: message });
        this.#failures.push({ at: this.#options.clock.monotonic(), channel: name, error: message });
        this.failures();
      } else {
        const pause = failure.retryAfterMs ?? backoffDelay(attempts, RETRY, this.#options.random?.());
        const retry_seconds = Math.min(pause, RETRY.maxMs) / 1000;
        this.#unsettled.push({ id, token, outcome: "retry", error: message, retry_seconds });
      }
    }
  }

  /** What cannot be said now is said later; a lease that has run out meanwhile answers "lost", which is fine. */
  async #settle(): Promise<void> {
    const results = [...this.#unsettled];
    if (results.length === 0) return;
    await this.#options.database.call("actp_settle_notifications", {
      p_worker_id: this.#options.workerId,
      p_results: results,
    });
    this.#unsettled = this.#unsettled.filter((result) => !results.includes(result));
  }

  /** One at a time: nothing is written twice. */
  #write(): Promise<void> {
    const written = this.#writing.then(() => this.#writeAll());
    this.#writing = written.catch(() => {}); // whoever asked hears of it
    return written;
  }

  async #writeAll(): Promise<void> {
    for (const one of [...this.#unwritten]) {
      try {
        await this.#writeOne(one);
      } catch (error) {
        // What the database will never take must not keep the others waiting.
        if (!(error instanceof DatabaseError && /^(PT4|22)/.test(error.code ?? ""))) throw error;
        this.#log.error(`a notification is lost: ${one.notification.title}: ${error.message}`);
      }
      this.#unwritten = this.#unwritten.filter((other) => other !== one);
    }
  }

  async #writeOne({ notification, deliveries, since }: Unwritten): Promise<void> {
    const { database, workerId, clock } = this.#options;
    const waited = (clock.monotonic() - since) / 1000;
    const { dedupeKey, ...rest } = notification;
    await database.call("actp_notify", {
      p_notification: { ...rest, dedupe_key: dedupeKey },
      p_deliveries: deliveries.map(({ channel, delaySeconds, dedupeSeconds }) => ({
        channel,
        delay_seconds: Math.max(0, delaySeconds - waited),
        dedupe_seconds: dedupeSeconds,
        expires_seconds: EXPIRES_SECONDS,
        local: LOCAL.includes(channel),
      })),
      p_worker_id: workerId,
    });
  }

  async #prune(): Promise<void> {
    const { database, keepDays, clock } = this.#options;
    if (keepDays === 0 || clock.monotonic() - this.#prunedAt < PRUNE_MS) return;
    this.#prunedAt = clock.monotonic();
    await database.call("actp_prune_notifications", { p_days: keepDays, p_limit: BATCH * 100 });
  }

  async #lastWords(): Promise<void> {
    try {
      await this.#write();
      await this.#settle();
    } catch (error) {
      for (const { notification } of this.#unwritten) {
        this.#log.error(`a notification is lost: ${notification.title}: ${(error as Error).message}`);
      }
    }
  }
}
