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
  readonly system_info: Record<string, unknown>;
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

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Capabilities have changed: tell the database now. */
  changed(): void {
    this.#wakeup.wake();
  }

  /** @throws {@link WorkerIdTakenError} when another living worker uses the id, or a DatabaseError */
  async register(signal?: AbortSignal): Promise<void> {
    const { database, identity, types, startedAt } = this.#options;
    const answer = await database.call<{ registered: boolean; hostname?: string }>("actp_register_worker", {
      p_worker: { ...identity, capabilities: types(), started_at: startedAt },
    }, { signal });
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
        if (this.#registered) {
          await within(clock, CALL_TIMEOUT_MS, signal, (signal) => this.#beat("alive", signal));
        } else await within(clock, CALL_TIMEOUT_MS, signal, (signal) => this.register(signal));
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
  readonly current: () => CurrentTask[];
  readonly startedAt: string;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly outage: Outage;
  readonly asks?: () => void;
}
