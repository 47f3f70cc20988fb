/** Where workers wait for jobs: a claim that may wait, and nothing that is lost when its worker goes away meanwhile. */
import { backoffDelay } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import type { ClaimedJob } from "../jobs/protocol.ts";
import { logger } from "../log.ts";
import { wakeListener } from "../queue/wake_listener.ts";
import { runServices, type Service } from "../service.ts";
import { Wakeup } from "../wakeup.ts";
import type { JobStore } from "./store.ts";

/** What the desk is made of. */
export interface ClaimDeskOptions {
  readonly database: Database;
  readonly store: JobStore;
  readonly clock: Clock;
  readonly leaseSeconds: number;
}

/** Jobs may come due, or be there without a hint: looked for so often while somebody waits, in ms. */
const LOOK_EVERY_MS = 2000;
/** Over this many that wait, the next are answered at once. */
const MAX_WAITING = 1000;
const MAX_RESCUE_MS = 10_000;

/** One server's desk. */
export class ClaimDesk {
  readonly #waiting = new Set<Wakeup>();
  readonly #closed = new AbortController();

  constructor(private readonly options: ClaimDeskOptions) {}

  /**
   * Listens for hints and gives back what lost its worker, until it is stopped; then nobody waits any more. Without it
   * claims work all the same.
   */
  service(): Service {
    const { database, clock } = this.options;
    const hints = wakeListener(
      {
        name: "jobs",
        ...(database.listen && {
          listen: (wake) =>
            database.listen!("actp_tasks", (payload) => {
              if (payload === "pending") wake({ kind: "pending" });
            }),
        }),
      },
      () => this.wake(),
      clock,
    );
    return {
      name: "jobs",
      run: async (signal) => {
        signal.addEventListener("abort", () => this.#closed.abort("the server stops"), { once: true });
        await runServices([hints, { name: "lost jobs", run: (signal) => this.#rescue(signal) }], signal);
      },
    };
  }

  /** There may be a job: everybody who waits looks now. */
  wake(): void {
    for (const waiting of this.#waiting) waiting.wake();
  }

  /**
   * The next job for the worker; where there is none, it is waited for, at most `waitMs`. `gone` aborts when the worker
   * does not listen for the answer any more: then a job that was claimed goes back.
   */
  async claim(workerId: string, waitMs: number, gone: AbortSignal): Promise<ClaimedJob | undefined> {
    const { store, clock } = this.options;
    const until = clock.monotonic() + (this.#waiting.size < MAX_WAITING ? waitMs : 0);
    const wakeup = new Wakeup();
    const stop = new AbortController();
    const cut = () => stop.abort("nobody waits");
    gone.addEventListener("abort", cut);
    this.#closed.signal.addEventListener("abort", cut);
    this.#waiting.add(wakeup);
    try {
      while (!gone.aborted) {
        // Never cut short: what has been claimed must be known.
        const job = await store.claim(workerId);
        // A turn of the event loop: a connection that was closed meanwhile is seen no sooner.
        if (job) await clock.sleep(0);
        if (job && gone.aborted) return await this.#giveBack(workerId, job);
        const left = until - clock.monotonic();
        if (job || left <= 0 || this.#closed.signal.aborted) return job;
        if (await wakeup.wait(Math.min(left, LOOK_EVERY_MS), clock, stop.signal)) await clock.sleep(0);
      }
      return undefined;
    } finally {
      this.#waiting.delete(wakeup);
      gone.removeEventListener("abort", cut);
      this.#closed.signal.removeEventListener("abort", cut);
    }
  }

  async #giveBack(workerId: string, { run_id, token }: ClaimedJob): Promise<undefined> {
    try {
      await this.options.store.finish({ runId: run_id, workerId, token }, {
        outcome: "released",
        error: "the worker went away before it was told of the job",
      });
    } catch (error) {
      // Its lease runs out, and then it goes back.
      logger("jobs").warn(`cannot give back job ${run_id}: ${(error as Error).message}`);
    }
  }

  async #rescue(signal: AbortSignal): Promise<void> {
    const { store, clock, leaseSeconds } = this.options;
    const everyMs = Math.min(MAX_RESCUE_MS, leaseSeconds * 250);
    for (let failures = 0; !signal.aborted;) {
      const restMs = failures > 0 ? backoffDelay(failures, { firstMs: 1000, maxMs: 60_000 }) : 0;
      await clock.sleep(everyMs + restMs, signal);
      if (signal.aborted) return;
      try {
        await store.rescue(signal);
        failures = 0;
      } catch (error) {
        if (!signal.aborted && failures++ === 0) {
          logger("jobs").warn(`cannot look for jobs that lost their worker: ${(error as Error).message}`);
        }
      }
    }
  }
}
