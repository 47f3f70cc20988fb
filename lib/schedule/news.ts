/** What a scheduler tells people and the log of its routines. */
import { logger } from "../log.ts";
import type { Notification, Severity } from "../notify/notification.ts";
import type { Missed } from "./missed.ts";
import type { LostRun } from "./store.ts";

/** Takes notifications; may throw, which is logged. */
export type Notify = (notification: Notification) => Promise<void>;

/** Says it in words. */
export class RoutineNews {
  readonly #log = logger("schedule");
  readonly #notify: Notify | undefined;

  constructor(notify: Notify | undefined) {
    this.#notify = notify;
  }

  /** Runs did not happen. */
  missed(id: string, { count, more, first, last }: Missed): void {
    const [from, to] = [first, last].map((each) => new Date(each).toISOString());
    const times = `${count}${more ? " or more" : ""} ${count === 1 ? "time" : "times"}`;
    this.#log.warn(`${id} was missed ${times}: ${count === 1 ? to : `from ${from} to ${to}`}`, {
      routine: id,
      missed: count,
    });
  }

  /** A worker fell silent with a run in its hands. */
  lost({ run_id, routine_id, due_at, worker_id }: LostRun): void {
    const text =
      `the run of ${routine_id} that was due at ${due_at} is lost: its worker ${worker_id} fell silent. ` +
      `It is not known what was done, and it is not repeated.`;
    this.#log.error(text, { routine: routine_id, run: run_id });
    this.#tell("warning", "routine.lost", routine_id, `A run of ${routine_id} was lost`, text);
  }

  /** It failed too often. */
  switchedOff(id: string, failures: number, error: string): void {
    const text = `${id} failed ${failures} times in a row and is switched off; the last failure: ${error}. ` +
      `Switch it on again with \`actp-worker schedule enable ${id}\`.`;
    this.#log.error(text, { routine: id });
    this.#tell("alert", "routine.disabled", id, `${id} is switched off`, text);
  }

  #tell(severity: Severity, kind: string, id: string, title: string, text: string): void {
    this.#notify?.({ kind, severity, title, text, dedupeKey: `${kind} ${id}` })
      .catch((error) => this.#log.error(`Cannot tell people that ${title}: ${error.message}`));
  }
}
