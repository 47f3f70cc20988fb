/** Empties the journal into the queue: reports outcomes together, again and again until each is acknowledged. */
import { backoffDelay } from "../backoff.ts";
import { type Clock, within } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import { type SettleAnswer, type Settlement, SourceError, type TaskSource } from "../task/task.ts";
import { Wakeup } from "../wakeup.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import { cleanText } from "./limits.ts";
import type { Outage } from "./outage.ts";
import type { TaskListener } from "./task_news.ts";

const BATCH = 500;
const CALL_TIMEOUT_MS = 15_000;
const BACKOFF = { firstMs: 500, maxMs: 30_000 };

/** One per source. */
export class Settler implements Service {
  readonly name: string;
  readonly #log = logger("settle");
  readonly #wakeup = new Wakeup();
  readonly #retry = new Wakeup();
  /** Journal numbers of what the queue refuses for good: kept there, left alone until the next start. */
  readonly #unsendable = new Set<number>();
  readonly #source: TaskSource;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #outage: Outage;
  readonly #onTask: TaskListener | undefined;
  #failures = 0;
  #idle: (() => void)[] = [];

  constructor(
    options: { source: TaskSource; journal: Journal; clock: Clock; outage: Outage; onTask?: TaskListener },
  ) {
    this.name = `settler of ${options.source.name}`;
    this.#source = options.source;
    this.#journal = options.journal;
    this.#clock = options.clock;
    this.#outage = options.outage;
    this.#onTask = options.onTask;
  }

  async run(signal: AbortSignal): Promise<void> {
    const stopListening = this.#journal.onAppend(() => this.#wakeup.wake());
    try {
      while (!signal.aborted) {
        const entries = this.#unsent();
        if (entries.length === 0) {
          for (const idle of this.#idle.splice(0)) idle();
          await this.#wakeup.wait(60_000, this.#clock, signal);
        } else if (!await this.#report(entries, signal)) {
          await this.#retry.wait(backoffDelay(this.#failures, BACKOFF), this.#clock, signal);
        }
      }
    } finally {
      stopListening();
    }
  }

  /** Tries at once, without waiting for the back-off to end. */
  hurry(): void {
    if (this.#failures > 0) this.#retry.wake();
  }

  /** Resolves when everything that this source can take has been acknowledged. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#wakeup.wake();
      this.hurry();
    });
  }

  #unsent(): JournalEntry[] {
    return this.#journal.unsent(this.#source.name, BATCH + this.#unsendable.size)
      .filter((entry) => !this.#unsendable.has(entry.id));
  }

  /** Whether to go on at once; false asks for a pause. */
  async #report(entries: JournalEntry[], signal: AbortSignal): Promise<boolean> {
    const settlements = entries.map((entry) => entry.settlement);
    let answers: SettleAnswer[];
    try {
      answers = await this.#settle(settlements, signal);
    } catch (error) {
      if (signal.aborted) return false;
      if (isRefusal(error)) return await this.#findRefused(entries, error, signal);
      return this.#failed(error as Error);
    }
    this.#failures = 0;
    this.#outage.succeeded();
    for (const { task } of settlements) this.#onTask?.({ kind: "settled", source: this.#source.name, task });
    answers.forEach((answer, i) => {
      if (answer === "settled") return;
      const { task, outcome } = settlements[i];
      this.#log.warn("the queue refused a late outcome: the task had passed to another claim", {
        taskId: task.id,
        fence: task.token,
        outcome: outcome.kind,
      });
    });
    return this.#journaled(() => this.#journal.forget(entries.map((entry) => entry.id)));
  }

  async #settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<SettleAnswer[]> {
    const answers = await within(
      this.#clock,
      CALL_TIMEOUT_MS,
      signal,
      (signal) => this.#source.settle(settlements, signal),
    );
    if (answers.length === settlements.length) return answers;
    throw new SourceError(`Cannot report outcomes: ${answers.length} answers for ${settlements.length}`, {
      transient: true,
    });
  }

  /** The queue refuses the batch for good: report one by one, so that only the outcome at fault suffers. */
  async #findRefused(entries: JournalEntry[], error: SourceError, signal: AbortSignal): Promise<boolean> {
    if (entries.length > 1) {
      for (const entry of entries) if (!await this.#report([entry], signal)) return false;
      return true;
    }
    if (await this.#refusesAll(signal)) return signal.aborted ? false : this.#failed(error);
    const [{ id, settlement: { task, outcome } }] = entries;
    this.#log.error(error.message, { taskId: task.id, outcome: outcome.kind });
    if (outcome.kind === "done") {
      const why = cleanText(`the result could not be stored: ${error.message}`, 4000);
      return this.#journaled(() => this.#journal.replace(id, { kind: "failed", retry: false, error: why }));
    }
    this.#unsendable.add(id);
    return true;
  }

  /** Asks with nothing to report: is it the queue (a missing right or function), and not the outcome? */
  async #refusesAll(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#settle([], signal);
      return false;
    } catch {
      return true; // the error of the real call tells why
    }
  }

  #failed(error: Error): false {
    this.#failures++;
    this.#outage.failed(error);
    return false;
  }

  /** Changes the journal; where the disk refuses, the outcome is reported again, which does no harm. */
  #journaled(change: () => void): boolean {
    try {
      change();
      return true;
    } catch (error) {
      this.#failures++;
      this.#log.error(`Cannot write the journal: ${(error as Error).message}`);
      return false;
    }
  }
}

function isRefusal(error: unknown): error is SourceError {
  return error instanceof SourceError && !error.transient;
}
