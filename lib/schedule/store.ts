/** The scheduler's words to the database (see migrations/…_actp_schedule.sql), with instants as ms since the epoch. */
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import type { DatabaseTime } from "./database_time.ts";
import type { DueDecision } from "./missed.ts";
import { rulesOf } from "./policy.ts";
import type { Routine } from "./routine.ts";

/** What the database knows of a routine. */
export interface RoutineState {
  readonly id: string;
  /** Where intervals without an anchor of their own count from. */
  readonly anchor: number;
  /** All that was due up to then has been dealt with. */
  readonly handledUntil: number;
  /** A person's word or that of too many failures; null: as configured. */
  readonly switched: boolean | null;
}

/** A decision about a routine whose state was `from`. */
export interface Claim extends DueDecision {
  readonly id: string;
  readonly from: number;
}

/** What came of a claim. */
export type ClaimAnswer =
  /** The run is this worker's. */
  | { readonly outcome: "run"; readonly run_id: string }
  | { readonly outcome: "skip"; readonly why: string }
  /** It waits for the end of the one in progress; `cancel`: which is this one, and has to end. */
  | { readonly outcome: "wait" }
  | { readonly outcome: "cancel"; readonly run_id: string }
  | { readonly outcome: "missed" }
  /** Somebody else was first, or it has been switched. */
  | { readonly outcome: "moved" | "off"; readonly handledUntil: number }
  /** By the database's clock it is not due yet. */
  | { readonly outcome: "early" }
  /** The database does not know the routine (any more). */
  | { readonly outcome: "unknown" };

/** A run whose worker fell silent. */
export interface LostRun {
  readonly run_id: string;
  readonly routine_id: string;
  readonly due_at: string;
  readonly worker_id: string;
  readonly failures: number;
  /** It was one failure too many: the routine has been switched off. */
  readonly off: boolean;
}

/** A run that waited and is now this worker's. */
export interface StartedRun {
  readonly run_id: string;
  readonly routine_id: string;
  readonly due_at: string;
  readonly by_hand: boolean;
}

/** The answer to a sign of life. */
export interface Beat {
  readonly known: true;
  readonly stop: readonly { readonly run_id: string; readonly reason: string }[];
  /** Runs that are not this worker's any more. */
  readonly gone: readonly string[];
  readonly lost: readonly LostRun[];
  readonly switched: readonly Omit<RoutineState, "anchor">[];
  readonly waiting: boolean;
}

/** How a run can end where it ran. */
export type RunEnd = "succeeded" | "failed" | "timed_out" | "cancelled";

/** The answer to the end of a run. */
export interface EndAnswer {
  /** False: it was not this worker's any more. */
  readonly recorded: boolean;
  readonly status: string | null;
  readonly failures: number;
  readonly off: boolean;
  readonly waiting: boolean;
}

interface StateRow {
  readonly id: string;
  readonly anchor: string;
  readonly handled_until: string;
  readonly switched: boolean | null;
}

const CALL_MS = 15_000;
const SYNC_MS = 60_000;

/** Who calls, and what. */
export interface StoreOptions {
  readonly database: Database;
  readonly workerId: string;
  readonly clock: Clock;
  /** A run whose worker is silent for so long is lost. */
  readonly leaseMs: number;
}

/** One worker's calls. All throw a DatabaseError when they cannot be made. */
export class RoutineStore {
  readonly #database: Database;
  readonly #workerId: string;
  readonly #leaseSeconds: number;
  readonly #clock: Clock;
  readonly #time: DatabaseTime;

  /** `time` is told what time the database says it is, with each answer that says so. */
  constructor(options: StoreOptions, time: DatabaseTime) {
    this.#database = options.database;
    this.#workerId = options.workerId;
    this.#leaseSeconds = options.leaseMs / 1000;
    this.#clock = options.clock;
    this.#time = time;
  }

  /** Tells all routines of this worker, and gets their states. */
  async sync(routines: readonly Routine[], signal: AbortSignal): Promise<RoutineState[]> {
    const answer = await this.#call<{ routines: StateRow[] }>(
      "actp_sync_routines",
      {
        p_routines: routines.map((routine) => ({
          id: routine.id,
          enabled: routine.enabled,
          definition: definitionOf(routine),
        })),
      },
      signal,
      SYNC_MS,
    );
    return answer.routines.map(({ anchor, ...row }) => ({ ...stateOf(row), anchor: Date.parse(anchor) }));
  }

  /** Shows that this scheduler and its runs live; undefined when it has to sync first. */
  async beat(runs: readonly string[], since: number, signal?: AbortSignal): Promise<Beat | undefined> {
    type Row = { known: boolean; switched: Omit<StateRow, "anchor">[] };
    const answer = await this.#call<Omit<Beat, "switched" | "known"> & Row>("actp_beat_scheduler", {
      p_runs: runs,
      p_lease_seconds: this.#leaseSeconds,
      p_changes_since: iso(since),
    }, signal);
    if (!answer.known) return undefined;
    return { ...answer, known: true, switched: answer.switched.map(stateOf) };
  }

  /** Begins again from now with routines that, before the clock was set back, were dealt with for times to come. */
  async rewind(ids: readonly string[], signal: AbortSignal): Promise<Omit<RoutineState, "anchor">[]> {
    const rows = await this.#call<Omit<StateRow, "anchor">[]>("actp_rewind_routines", { p_ids: ids }, signal);
    return rows.map(stateOf);
  }

  /** Tells decisions; the answers are in their order. */
  async claim(
    claims: readonly Claim[],
    signal: AbortSignal,
  ): Promise<{ lost: readonly LostRun[]; answers: ClaimAnswer[] }> {
    const { lost, answers } = await this.#call<{ lost: LostRun[]; answers: Record<string, unknown>[] }>(
      "actp_claim_routine_runs",
      { p_claims: claims.map(claimRow), p_lease_seconds: this.#leaseSeconds },
      signal,
    );
    return {
      lost,
      answers: answers.map(({ handled_until, ...answer }) =>
        ({
          ...answer,
          ...typeof handled_until === "string" && { handledUntil: Date.parse(handled_until) },
        }) as unknown as ClaimAnswer
      ),
    };
  }

  /** Takes at most `limit` runs that wait for this worker's routines and may start. */
  startWaiting(limit: number, signal: AbortSignal): Promise<StartedRun[]> {
    return this.#call(
      "actp_start_waiting_runs",
      { p_lease_seconds: this.#leaseSeconds, p_limit: limit },
      signal,
    );
  }

  /** Tells how a run ended; may be told again. */
  end(
    runId: string,
    status: RunEnd,
    told: { readonly error?: string; readonly result?: unknown },
    signal?: AbortSignal,
  ): Promise<EndAnswer> {
    return this.#call("actp_end_routine_run", {
      p_run_id: runId,
      p_status: status,
      p_error: told.error ?? null,
      p_result: told.result ?? null,
    }, signal);
  }

  async #call<T>(
    fn: string,
    args: Record<string, unknown>,
    signal?: AbortSignal,
    timeoutMs = CALL_MS,
  ): Promise<T> {
    const sent = this.#clock.monotonic();
    const answer = await this.#database.call<T & { now?: string }>(
      fn,
      { p_worker_id: this.#workerId, ...args },
      { signal, timeoutMs },
    );
    if (answer.now !== undefined) this.#time.heard(Date.parse(answer.now), sent);
    return answer;
  }
}

/** What the database keeps of a routine: for lists, and the rules that it applies. */
function definitionOf({ id: _id, enabled: _enabled, ...routine }: Routine): Record<string, unknown> {
  return { ...routine, rules: rulesOf(routine) };
}

function stateOf({ id, handled_until, switched }: Omit<StateRow, "anchor">): Omit<RoutineState, "anchor"> {
  return { id, handledUntil: Date.parse(handled_until), switched };
}

function claimRow({ id, from, until, fire, missed }: Claim): Record<string, unknown> {
  return {
    id,
    from: iso(from),
    until: iso(until),
    fire,
    ...missed && { missed: { ...missed, first: iso(missed.first), last: iso(missed.last) } },
  };
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
