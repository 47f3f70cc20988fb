/** Which executors can work here now: asked of the machine, never assumed. */
import { aborted, type Clock, within } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import type { Availability, Executor } from "../task/task.ts";

/** One executor and what its last check said. */
export interface Capability {
  readonly executor: Executor;
  readonly availability: Availability;
}

const CHECK_EVERY_MS = 60_000;
const CHECK_TIMEOUT_MS = 20_000;

/** Watches the executors; a tool that appears or disappears is noticed within a minute, or when it is missed. */
export class Capabilities implements Service {
  readonly name = "capabilities";
  readonly #log = logger("capabilities");
  readonly #executors: readonly Executor[];
  readonly #clock: Clock;
  #detecting: Promise<void> = Promise.resolve();
  #found: Capability[] = [];
  readonly #onChange = new Set<() => void>();

  constructor(executors: readonly Executor[], clock: Clock) {
    this.#executors = executors;
    this.#clock = clock;
  }

  /** What the last check found, available or not. */
  all(): readonly Capability[] {
    return this.#found;
  }

  /** The task types that can be done now. */
  types(): string[] {
    return this.#found.filter((found) => found.availability.available).map((found) => found.executor.type);
  }

  /** The executor of a type, if it can work now. */
  executor(type: string): Executor | undefined {
    return this.#found.find((found) => found.executor.type === type && found.availability.available)
      ?.executor;
  }

  /** Calls `listener` when the available types have changed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#onChange.add(listener);
    return () => this.#onChange.delete(listener);
  }

  /** Checks now, since something smells of a missing tool: is this type's gone? */
  async isLost(type: string): Promise<boolean> {
    await this.detect();
    return this.executor(type) === undefined;
  }

  /** Checks all executors side by side; after a check that is under way, so that the newest answer stays. */
  detect(): Promise<void> {
    this.#detecting = this.#detecting.then(() => this.#detect());
    return this.#detecting;
  }

  async #detect(): Promise<void> {
    const before = this.types().join();
    const known = new Map(this.#found.map((found) => [found.executor.type, found.availability.available]));
    this.#found = await Promise.all(this.#executors.map(async (executor) => ({
      executor,
      availability: await checked(executor, this.#clock),
    })));
    for (const { executor: { type }, availability } of this.#found) {
      if (known.get(type) === availability.available) continue;
      if (availability.available) this.#log.info("available", { type, version: availability.version });
      else this.#log.warn(`not available: ${availability.reason} (${availability.fix})`, { type });
    }
    if (this.types().join() !== before) { for (const listener of this.#onChange) listener(); }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(CHECK_EVERY_MS, signal);
      if (!signal.aborted) await Promise.race([this.detect(), aborted(signal)]);
    }
  }
}

async function checked(executor: Executor, clock: Clock): Promise<Availability> {
  try {
    return await within(clock, CHECK_TIMEOUT_MS, undefined, () => executor.check());
  } catch (error) {
    return { available: false, reason: `its check failed: ${(error as Error).message}`, fix: "see the log" };
  }
}
