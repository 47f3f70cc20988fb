/** Tells the database who this worker is, what it can do and that it lives. */
import { backoffDelay } from "../backoff.ts";
import { type Clock, within } from "../clock.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import { Wakeup } from "../wakeup.ts";
import type { Outage } from "./outage.ts";

/** What is registered; see `actp_worker_registrations`. */
export interface WorkerIdentity {
  readonly worker_id: string;
  readonly hostname: string;
  readonly os_version: string;
  readonly version: string;
  readonly max_concurrent: number;
}

/** A task in progress, as the heartbeat shows it. */
export interface CurrentTask {
  readonly task_id: string;
  readonly task_type: string;
  /** ISO 8601 */
  readonly started_at: string;
}

/** Another living worker uses this worker's id. */
export class WorkerIdTakenError extends Error {
  override readonly name = "WorkerIdTakenError";
}

const CALL_TIMEOUT_MS = 15_000;
const LAST_WORD_MS = 2000;

/** Registers, then sends a heartbeat at every interval and whenever the capabilities change. */
export class Registration implements Service {
  readonly name = "registration";
  readonly #log = logger("registration");
  readonly #wakeup = new Wakeup();
  readonly #options: RegistrationOptions;
  #registered = false;
  /** What was registered is no longer what this machine is like. */
  #outdated = false;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Capabilities (or what is known of them) have changed: tell the database now. */
  changed(): void {
    this.#outdated = true;
    this.#wakeup.wake();
  }

  /** @throws {@link WorkerIdTakenError} when another living worker uses the id, or a DatabaseError */
  async register(signal?: AbortSignal): Promise<void> {
    const { identity, types, systemInfo, startedAt } = this.#options;
    const worker = { ...identity, capabilities: types(), system_info: systemInfo(), started_at: startedAt };
    this.#outdated = false; // before the call: what changes meanwhile is told by the next one
    const answer = await this.#register(worker, signal);
    if (!answer.registered) {
      throw new WorkerIdTakenError(
        `Cannot register: the worker id "${identity.worker_id}" is in use on the host "${answer.hostname}" (set WORKER_ID to another)`,
      );
    }
    this.#registered = true;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, outage } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      let wait = intervalMs;
      try {
        const known = this.#registered;
        if (!known || this.#outdated) {
          await within(clock, CALL_TIMEOUT_MS, signal, (signal) => this.register(signal));
        }
        // Registering does not tell what the worker is busy with.
        if (known) await within(clock, CALL_TIMEOUT_MS, signal, (signal) => this.#beat("alive", signal));
        failures = 0;
        outage.succeeded();
      } catch (error) {
        if (error instanceof WorkerIdTakenError) throw error;
        if (signal.aborted) break;
        // A row that somebody has deleted is written anew, at once.
        if (this.#registered && error instanceof DatabaseError && error.code === "PT404") {
          this.#registered = false;
          continue;
        }
        outage.failed(error as Error);
        wait = Math.min(intervalMs, backoffDelay(++failures, { firstMs: 1000, maxMs: 30_000 }));
      }
      await this.#wakeup.wait(wait, clock, signal);
    }
    await this.#sayGoodbye();
  }

  async #register(
    worker: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<{ registered: boolean; hostname?: string }> {
    try {
      return await this.#options.database.call("actp_register_worker", { p_worker: worker }, { signal });
    } catch (error) {
      this.#outdated = true;
      throw error;
    }
  }

  #beat(status: "alive" | "offline", signal: AbortSignal): Promise<unknown> {
    const { database, identity, types, current, asks } = this.#options;
    const tasks = current();
    asks?.();
    return database.call("actp_heartbeat_worker", {
      p_worker_id: identity.worker_id,
      p_status: status === "offline" ? "offline" : tasks.length > 0 ? "busy" : "online",
      p_current: status === "offline" ? [] : tasks,
      p_capabilities: types(),
    }, { signal });
  }

  async #sayGoodbye(): Promise<void> {
    if (!this.#registered) return;
    try {
      await within(this.#options.clock, LAST_WORD_MS, undefined, (signal) => this.#beat("offline", signal));
    } catch (error) {
      this.#log.warn(`the database was not told that this worker stops: ${(error as Error).message}`);
    }
  }
}

/** `intervalMs` between heartbeats; `startedAt` ISO 8601; `asks` is called with every heartbeat that goes out. */
export interface RegistrationOptions {
  readonly database: Database;
  readonly identity: WorkerIdentity;
  readonly types: () => string[];
  /** What the machine is and has; asked anew whenever that has changed. */
  readonly systemInfo: () => Record<string, unknown>;
  readonly current: () => CurrentTask[];
  readonly startedAt: string;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly outage: Outage;
  readonly asks?: () => void;
}
