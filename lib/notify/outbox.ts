/**
 * The durable outbox: notifications are rows in the database, one for each channel, until they are sent; on this machine's
 * disk until the database has taken them. Each is claimed
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
import { route, type RoutingSettings } from "./routing.ts";
import type { Spool, Spooled } from "./spool.ts";

/** Told what became of attempts to send: so many notifications were sent, are tried again or given up. May not throw. */
export type DeliveryObserver = (channel: ChannelName, outcome: Result["outcome"], count: number) => void;

/** What the outbox is made of. */
export interface OutboxOptions {
  readonly database: Database;
  readonly workerId: string;
  /** All that are configured on this worker, the log among them. */
  readonly channels: readonly (Channel & { readonly name: ChannelName })[];
  readonly routing: RoutingSettings;
  /** Keeps what the database has not taken, also from an earlier life of this worker. */
  readonly spool: Pick<Spool, "all" | "add" | "remove">;
  readonly clock: Clock;
  /** Never sent to anybody. */
  readonly secrets: readonly string[];
  /** Numbers in [0, 1). */
  readonly random?: () => number;
  readonly observe?: DeliveryObserver;
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
  #unwritten: readonly Spooled[];
  #writing: Promise<void> = Promise.resolve();
  #unsettled: Result[] = [];
  #failures: { readonly at: number; readonly channel: ChannelName; readonly error: string }[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#clean = redactor(options.secrets);
    this.#unwritten = options.spool.all();
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
    this.#keep({ notification, deliveries: stored, raisedAt: clock.now() });
    try {
      await this.#write();
    } catch (error) {
      this.#log.warn(`Cannot write a notification to the outbox: ${(error as Error).message}; tried again`);
    }
    this.#wakeup.wake();
  }

  /** From here on neither an outage of the database nor the end of this process loses it. */
  #keep(one: Spooled): void {
    if (this.#unwritten.length >= MAX_UNWRITTEN) {
      this.#lose(this.#unwritten[0]!, `more than ${MAX_UNWRITTEN} wait for the database`);
    }
    this.#unwritten = [...this.#unwritten, one];
    try {
      this.#options.spool.add(one);
    } catch (error) {
      this.#log.warn(`A notification is kept in memory only: ${(error as Error).message}`);
    }
  }

  #lose(one: Spooled, why: string): void {
    this.#log.error(`a notification is lost: ${one.notification.title}: ${why}`);
    this.#done(one);
  }

  /** It need not be kept any more. */
  #done(one: Spooled): void {
    this.#unwritten = this.#unwritten.filter((other) => other !== one);
    try {
      this.#options.spool.remove(one.notification.id);
    } catch (error) {
      // Written again at the next start, which changes nothing: it has the same id.
      this.#log.debug(`A notification stays in the spool: ${(error as Error).message}`);
    }
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
      this.#options.observe?.(name, "sent", batch.length);
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
    const delivered = Math.min(failure.delivered, batch.length);
    if (delivered > 0) this.#options.observe?.(name, "sent", delivered);
    this.#options.observe?.(name, failure.retry ? "retry" : "failed", batch.length - delivered);
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
    for (const one of this.#unwritten) {
      const waited = Math.max(0, (this.#options.clock.now() - one.raisedAt) / 1000);
      if (waited >= EXPIRES_SECONDS) {
        this.#lose(one, "the database could not be reached for a day");
        continue;
      }
      try {
        await this.#writeOne(one, waited);
        this.#done(one);
      } catch (error) {
        // What the database will never take must not keep the others waiting.
        if (!(error instanceof DatabaseError && /^(PT4|22)/.test(error.code ?? ""))) throw error;
        this.#lose(one, error.message);
      }
    }
  }

  async #writeOne({ notification, deliveries }: Spooled, waited: number): Promise<void> {
    const { database, workerId } = this.#options;
    const { dedupeKey, ...rest } = notification;
    await database.call("actp_notify", {
      p_notification: { ...rest, dedupe_key: dedupeKey },
      p_deliveries: deliveries.map(({ channel, delaySeconds, dedupeSeconds }) => ({
        channel,
        delay_seconds: Math.max(0, delaySeconds - waited),
        dedupe_seconds: dedupeSeconds,
        expires_seconds: EXPIRES_SECONDS - waited,
        local: LOCAL.includes(channel),
      })),
      p_worker_id: workerId,
    });
  }

  async #lastWords(): Promise<void> {
    try {
      await this.#write();
      await this.#settle();
    } catch (error) {
      const count = this.#unwritten.length;
      if (count > 0) {
        this.#log.warn(`${count} notifications wait for the next start: ${(error as Error).message}`);
      }
    }
  }
}
