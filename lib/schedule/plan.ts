/** One worker's routines with their states, and which of them is due next. No I/O. */
import { Calendar } from "./calendar.ts";
import { type DueTimes, dueTimes } from "./due.ts";
import { DueHeap } from "./due_heap.ts";
import { decideDue } from "./missed.ts";
import type { Routine } from "./routine.ts";
import type { Claim, RoutineState } from "./store.ts";

interface Entry {
  readonly routine: Routine;
  times?: DueTimes;
  handledUntil: number;
  switched: boolean | null;
  /** When it is due next, if it is known to the database, on, and not being dealt with. */
  nextAt: number | undefined;
}

interface Due {
  readonly at: number;
  readonly entry: Entry;
}

const AHEAD_MS = 60_000;

/** The routines of one configuration. */
export class Plan {
  readonly routines: readonly Routine[];
  readonly #entries: Map<string, Entry>;
  readonly #heap = new DueHeap<Due>();
  readonly #calendar: Calendar;

  /** @throws an Error for an id that comes twice */
  constructor(routines: readonly Routine[], timeZone: string) {
    // Those with the same expression after each other: it need not be read again.
    this.routines = routines.toSorted((a, b) => scheduleKey(a) < scheduleKey(b) ? -1 : 1);
    this.#calendar = new Calendar(timeZone);
    this.#entries = new Map(routines.map((routine) => [
      routine.id,
      { routine, handledUntil: 0, switched: null, nextAt: undefined },
    ]));
    if (this.#entries.size < routines.length) {
      const ids = routines.map(({ id }) => id);
      throw new Error(`the routine ${ids.find((id, index) => ids.indexOf(id) !== index)} is there twice`);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many are switched on. */
  on(): number {
    return [...this.#entries.values()].filter(isOn).length;
  }

  find(id: string): Routine | undefined {
    return this.#entries.get(id)?.routine;
  }

  /** When the first one is due. */
  nextAt(): number | undefined {
    for (let first = this.#heap.peek(); first; first = this.#heap.peek()) {
      if (first.entry.nextAt === first.at) return first.at;
      this.#heap.pop(); // meanwhile changed
    }
  }

  /**
   * Takes the states that the database told. With its anchor, as at the first time, a routine becomes able to be due.
   * @throws an Error for a schedule that makes no sense
   */
  take(states: readonly (Omit<RoutineState, "anchor"> & { readonly anchor?: number })[]): void {
    for (const { id, anchor, handledUntil, switched } of states) {
      const entry = this.#entries.get(id);
      if (!entry) continue;
      if (anchor !== undefined) {
        entry.times = dueTimes(entry.routine.schedule, anchor, this.#calendar);
      }
      entry.switched = switched;
      entry.handledUntil = handledUntil;
      this.#planNext(entry);
    }
  }

  /** Takes out at most `limit` that are due at `now`, with what is to be done about each. */
  due(now: number, limit: number): Claim[] {
    const claims: Claim[] = [];
    while (claims.length < limit && (this.nextAt() ?? Infinity) <= now) {
      const { entry } = this.#heap.pop()!;
      const { routine, times, handledUntil } = entry;
      entry.nextAt = undefined;
      const decision = times && decideDue(times, handledUntil, now, routine);
      if (decision) claims.push({ id: routine.id, from: handledUntil, ...decision });
      else this.#planNext(entry);
    }
    return claims;
  }

  /** All that is due up to `until` has been dealt with. */
  handled(id: string, until: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.handledUntil = until;
    this.#planNext(entry);
  }

  /** Makes sure that what was taken out and not dealt with is due again. */
  putBack(claims: readonly Claim[]): void {
    for (const { id, from } of claims) {
      const entry = this.#entries.get(id);
      if (entry && entry.nextAt === undefined && entry.handledUntil === from) this.#planNext(entry);
    }
  }

  /** Those that have been dealt with for times which, at `now`, are more than a minute ahead: the clock was set back. */
  ahead(now: number): string[] {
    return [...this.#entries.values()].filter(({ handledUntil }) => handledUntil > now + AHEAD_MS)
      .map(({ routine }) => routine.id);
  }

  /** The routine cannot be due until its state is told again. */
  drop(id: string): void {
    const entry = this.#entries.get(id);
    if (entry) entry.nextAt = entry.times = undefined;
  }

  #planNext(entry: Entry): void {
    const at = isOn(entry) ? entry.times?.next(entry.handledUntil) : undefined;
    if (at !== undefined && at !== entry.nextAt) this.#heap.push({ at, entry });
    entry.nextAt = at;
  }
}

function scheduleKey({ schedule }: Routine): string {
  return "cron" in schedule ? schedule.cron : "";
}

function isOn({ routine, switched }: Pick<Entry, "routine" | "switched">): boolean {
  return switched ?? routine.enabled;
}
