/** Which executors can work here now: asked of the machine, never assumed. */
import { isDeepStrictEqual } from "node:util";
import { aborted, type Clock, within } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import { type Exceptions, exceptionsOf, isExcepted, toldException } from "../task/exception.ts";
import type { Availability, Executor, Task } from "../task/task.ts";

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
  /** A check that has not begun yet: whoever asks meanwhile gets its answer. */
  #next: Promise<void> | undefined;
  #found: Capability[] = [];
  #exceptions: Exceptions | undefined;
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

  /** The tasks of these types that cannot be done now; undefined where there are none. */
  exceptions(): Exceptions | undefined {
    return this.#exceptions;
  }

  /** The executor of a type, if it can work now. */
  executor(type: string): Executor | undefined {
    return this.#found.find((found) => found.executor.type === type && found.availability.available)
      ?.executor;
  }

  /** Calls `listener` when what a check found differs from before, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#onChange.add(listener);
    return () => this.#onChange.delete(listener);
  }

  /** Whether a task can be done now, by its type and by what its input asks for. */
  takes(task: Pick<Task, "type" | "input">): boolean {
    return this.executor(task.type) !== undefined && !isExcepted(this.#exceptions, task);
  }

  /** Checks now, since something smells of a missing tool: is what this task needs gone? */
  async isLost(task: Pick<Task, "type" | "input">): Promise<boolean> {
    await this.detect();
    return !this.takes(task);
  }

  /**
   * Checks all executors side by side. Waits for a check that is under way, so that the newest answer stays; many
   * that ask at the same time share one.
   */
  detect(): Promise<void> {
    return this.#next ??= this.#detecting = this.#detecting.then(() => {
      this.#next = undefined;
      return this.#detect();
    });
  }

  async #detect(): Promise<void> {
    const before = this.#found;
    this.#found = await Promise.all(this.#executors.map(async (executor) => ({
      executor,
      availability: await checked(executor, this.#clock),
    })));
    this.#exceptions = exceptionsOf(this.#found);
    const known = new Map(before.map(({ executor, availability }) => [executor.type, availability]));
    const changed = this.#found.filter(({ executor, availability }) =>
      !isDeepStrictEqual(known.get(executor.type), availability)
    );
    for (const { executor, availability } of changed) {
      this.#tell(executor.type, availability, known.get(executor.type));
    }
    if (changed.length > 0) { for (const listener of this.#onChange) listener(); }
  }

  #tell(type: string, now: Availability, before: Availability | undefined): void {
    if (now.available) {
      const except = now.except && toldException(now.except);
      return this.#log.info("available", { type, version: now.version, ...except && { except } });
    }
    const told = `not available: ${now.reason} (${now.fix})`;
    // It was not before: only why is new, and nobody has to be alarmed again.
    if (before?.available === false) this.#log.info(told, { type });
    else this.#log.warn(told, { type });
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
