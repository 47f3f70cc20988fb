/** The goals of one agent in the database (`actp_agent_tasks`): claimed one at a time, held by a lease, settled once. */
import { type Clock, within } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";
import { Wakeup } from "../wakeup.ts";
import type { RunOutcome } from "./loop/outcome.ts";
import { steadily } from "./steady.ts";
import { storableText } from "./storable.ts";

/** What an agent is asked to do. */
export interface NewGoal {
  readonly agent_type: string;
  readonly goal: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly priority?: "CRITICAL" | "HIGH" | "NORMAL" | "LOW";
  /** ISO 8601. */
  readonly expires_at?: string;
  readonly run_at?: string;
  readonly max_attempts?: number;
  /** Who asks: `api`, `cli`, a routine's id, or an agent. */
  readonly source?: string;
  /** A second goal of the same key is not made. */
  readonly idempotency_key?: string;
}

/** A goal in this process's hands. */
export interface HeldGoal {
  readonly id: string;
  readonly token: string;
  readonly goal: string;
  readonly context: Readonly<Record<string, unknown>> | null;
  readonly attempts: number;
  readonly source: string | null;
}

/** Why a run is to stop; the reason of its signal. */
export type StopReason = "cancelled" | "lost" | "released";

const LEASE_SECONDS = 60;
const RENEW_MS = 15_000;
const CALL_MS = 10_000;

/** Puts a goal into the table. @throws DatabaseError, also for a bad field, which it names */
export function enqueueGoal(database: Database, goal: NewGoal): Promise<{ id: string; created: boolean }> {
  return database.call("actp_enqueue_agent_task", { p_task: goal });
}

/** The goals of one type, as one process claims them. */
export class Goals {
  readonly #database: Database;
  readonly #agentType: string;
  readonly #holder: string;
  readonly #clock: Clock;
  readonly #check = new Wakeup();

  /** @param holder names this process: `worker/agent/` and something of its own */
  constructor(database: Database, agentType: string, holder: string, clock: Clock) {
    this.#database = database;
    this.#agentType = agentType;
    this.#holder = holder;
    this.#clock = clock;
  }

  /** Gives back what an earlier process of this agent on this worker left; at start, when that is surely gone. */
  async rescue(signal: AbortSignal): Promise<void> {
    const holders = this.#holder.slice(0, this.#holder.lastIndexOf("/") + 1);
    await steadily(this.#clock, signal, () =>
      this.#database.call("actp_rescue_agent_tasks", {
        p_holders: holders,
        p_except: this.#holder,
      }, { signal }));
  }

  /** The most urgent one that is due. */
  async claim(signal: AbortSignal): Promise<HeldGoal | undefined> {
    const [goal] = await this.#database.call<HeldGoal[]>("actp_claim_agent_task", {
      p_agent_type: this.#agentType,
      p_holder: this.#holder,
      p_lease_seconds: LEASE_SECONDS,
    }, { signal });
    return goal;
  }

  /**
   * Renews the lease until the signal aborts; calls `stop` when the goal was cancelled, or is not ours any more because
   * it was given to another or could not be renewed in time.
   */
  async keep(goal: HeldGoal, stop: (why: StopReason) => void, signal: AbortSignal): Promise<void> {
    let renewedAt = this.#clock.monotonic();
    while (true) {
      await this.#check.wait(RENEW_MS, this.#clock, signal);
      if (signal.aborted) return;
      try {
        const answer = await within(
          this.#clock,
          CALL_MS,
          signal,
          (signal) =>
            this.#database.call<"ok" | "cancel" | "lost">("actp_heartbeat_agent_task", {
              p_id: goal.id,
              p_token: goal.token,
              p_lease_seconds: LEASE_SECONDS,
            }, { signal }),
        );
        if (answer !== "ok") return stop(answer === "cancel" ? "cancelled" : "lost");
        renewedAt = this.#clock.monotonic();
      } catch (error) {
        if (signal.aborted) return;
        logger("agent").warn(`The claim of the goal cannot be renewed: ${(error as Error).message}`);
        if (this.#clock.monotonic() - renewedAt >= (LEASE_SECONDS - 5) * 1000) return stop("lost");
      }
    }
  }

  /** Renews the lease now, and so hears at once of a cancellation. */
  check(): void {
    this.#check.wake();
  }

  /** Reports what became of it. `lost`: another process holds it by now. */
  settle(goal: HeldGoal, outcome: RunOutcome): Promise<"settled" | "lost"> {
    const words = settlementOf(outcome);
    return steadily(this.#clock, undefined, () =>
      this.#database.call("actp_settle_agent_task", {
        p_id: goal.id,
        p_token: goal.token,
        ...words,
      }, { timeoutMs: CALL_MS }));
  }
}

function settlementOf({ stop, text, error, retry, costUsd }: RunOutcome): Record<string, unknown> {
  const p_result = { stop, text: storableText(text), cost_usd: costUsd };
  const p_error = error && storableText(error);
  switch (stop) {
    case "end_turn":
      return { p_outcome: "succeeded", p_result };
    case "cancelled":
      return { p_outcome: "cancelled", p_result, p_error };
    case "released":
      return { p_outcome: "released" };
    default:
      return { p_outcome: "failed", p_result, p_error, p_retry: retry };
  }
}
