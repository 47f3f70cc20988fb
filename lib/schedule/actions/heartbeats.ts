/**
 * Runs heartbeat actions under the quiet contract: people hear of a run only when there is something to act on, and of an
 * action that cannot look any more. Each action has a session of its own, and its errors are its own.
 */
import { z } from "zod";
import type { Clock } from "../../clock.ts";
import { hours, timeZone } from "../../config/notify_rules.ts";
import type { Database } from "../../database/database.ts";
import { isWithin, parseHours } from "../../hours.ts";
import { logger } from "../../log.ts";
import type { Notifier } from "../../notify/notification.ts";
import type { RunAction, RunContext } from "../routine.ts";
import type { HeartbeatAction, HeartbeatResult } from "./action.ts";

/** What the actions are run with. */
export interface HeartbeatsOptions {
  readonly actions: readonly HeartbeatAction[];
  readonly database: Database;
  readonly workerId: string;
  /** The task types that this worker can do now. */
  readonly types: () => readonly string[];
  readonly notifier: Notifier;
  readonly clock: Clock;
  /** Of active hours that name none; the machine's unless given. */
  readonly timeZone?: string;
  /** After so many failures in a row people are told. */
  readonly tellAfterFailures: () => number;
}

/** What came of a run, kept with it. */
export type HeartbeatOutcome =
  | { readonly told: false; readonly skipped?: string }
  | { readonly told: true; readonly severity: string; readonly title: string };

/** What `actp_begin_heartbeat` answers. */
interface Session {
  readonly id: string;
  readonly state: Record<string, unknown>;
  readonly last_run_at: string | null;
  readonly failures_in_a_row: number;
  readonly now: string;
}

/** What a routine says besides the name of its action. */
const routineOptions = z.strictObject({
  activeHours: hours.optional(),
  timeZone: timeZone.optional(),
  config: z.record(z.string(), z.unknown()).default({}),
});

const result = z.discriminatedUnion("notify", [
  z.object({ notify: z.literal(false), state: z.record(z.string(), z.unknown()).optional() }),
  z.object({
    notify: z.literal(true),
    severity: z.enum(["info", "warning", "alert"]),
    message: z.string().min(1),
    title: z.string().optional(),
    dedupeKey: z.string().min(1).optional(),
    data: z.record(z.string(), z.unknown()).optional(),
    state: z.record(z.string(), z.unknown()).optional(),
  }),
]);

const MAX_STATE_BYTES = 1_000_000;

/** Runs any of the actions. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  /** Of sessions whose failures could not be recorded. */
  readonly #unrecorded = new Map<string, number>();

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
  }

  /** For the scheduler. */
  readonly runAction: RunAction<"heartbeat"> = ({ id, action }, run) =>
    this.run(id, action.action, action.options, run);

  /**
   * Runs an action once. `session`: what its state is kept under, e.g. the routine's id.
   * @throws what the action throws, after it has been counted
   */
  async run(
    session: string,
    name: string,
    options: Readonly<Record<string, unknown>>,
    run: Pick<RunContext, "signal">,
  ): Promise<HeartbeatOutcome> {
    const { clock, notifier, tellAfterFailures } = this.#options;
    try {
      const { action, own, active } = this.#prepare(name, options);
      if (active && !isWithin(parseHours(active.hours), clock.now(), active.timeZone)) {
        return { told: false, skipped: `outside of its active hours ${active.hours}` };
      }
      return await this.#perform(session, action, own, run.signal);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const failures = await this.#failed(session, message);
      if (failures === tellAfterFailures()) {
        await notifier.notify({
          kind: "heartbeat.failing",
          severity: "warning",
          title: `Heartbeat action ${name} failed ${failures} times in a row`,
          text: message,
          dedupeKey: `heartbeat.failing ${session}`,
        });
      }
      throw error;
    }
  }

  /** @throws Error for an unknown action and for options that are wrong, in one line */
  #prepare(name: string, options: Readonly<Record<string, unknown>>) {
    const action = this.#options.actions.find((action) => action.name === name);
    if (!action) {
      const names = this.#options.actions.map(({ name }) => name).join(", ");
      throw new Error(
        `there is no heartbeat action ${JSON.stringify(name)} on this worker (there are ${names})`,
      );
    }
    const { config, activeHours, timeZone = this.#options.timeZone } = read(routineOptions, options, name);
    const own = read(action.options, config, name);
    return { action, own, active: activeHours === undefined ? undefined : { hours: activeHours, timeZone } };
  }

  async #perform(
    id: string,
    action: HeartbeatAction,
    own: unknown,
    signal: AbortSignal,
  ): Promise<HeartbeatOutcome> {
    const { database, workerId, types, notifier, tellAfterFailures } = this.#options;
    const session = await database.call<Session>("actp_begin_heartbeat", { p_id: id }, { signal });
    const answer = await action.run(own, {
      database,
      workerId,
      types: types(),
      since: session.last_run_at ?? undefined,
      signal,
      log: logger("heartbeat").with({ action: action.name }),
      session: { id, state: session.state },
    });
    signal.throwIfAborted();
    const checked: HeartbeatResult = read(result, answer, `${action.name} answered`);
    if (JSON.stringify(checked.state ?? {}).length > MAX_STATE_BYTES) {
      throw new Error(`${action.name} wants to remember more than ${MAX_STATE_BYTES} bytes`);
    }
    const told = checked.notify ? await this.#tell(action.name, checked) : undefined;
    const failures = Math.max(session.failures_in_a_row, this.#unrecorded.get(id) ?? 0);
    if (failures >= tellAfterFailures()) {
      await notifier.notify({
        kind: "heartbeat.recovered",
        severity: "info",
        title: `Heartbeat action ${action.name} works again after ${failures} failures`,
        text: "",
      });
    }
    // After people have been told: a crash in between tells twice, and never not at all.
    await database.call("actp_end_heartbeat", {
      p_id: id,
      p_began: session.now,
      p_told: checked.notify,
      ...checked.state === undefined ? {} : { p_state: checked.state },
    });
    this.#unrecorded.delete(id);
    return told ?? { told: false };
  }

  async #tell(name: string, answer: Extract<HeartbeatResult, { notify: true }>): Promise<HeartbeatOutcome> {
    const { severity, message, dedupeKey, data } = answer;
    const title = answer.title ?? message.split("\n", 1)[0]!;
    await this.#options.notifier.notify({
      kind: `heartbeat.${name}`,
      severity,
      title,
      text: message,
      ...dedupeKey === undefined ? {} : { dedupeKey },
      ...data === undefined ? {} : { data },
    });
    return { told: true, severity, title };
  }

  /** Counts a failure, here where the database cannot: an outage is no silence either. Returns how many in a row. */
  async #failed(id: string, message: string): Promise<number> {
    const before = this.#unrecorded.get(id) ?? 0;
    try {
      const recorded = await this.#options.database.call<number>("actp_fail_heartbeat", {
        p_id: id,
        p_error: message.slice(0, 2000),
      });
      return recorded + before;
    } catch (error) {
      const { message } = error as Error;
      logger("heartbeat").warn(`Cannot record a failure of ${id}: ${message}; it is counted all the same`);
      this.#unrecorded.set(id, before + 1);
      return before + 1;
    }
  }
}

/** Reads a value by its schema. @throws Error that names every field that is wrong */
function read<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.map(String).join(".")} ${message}` : message
  );
  throw new Error(`${name}: ${problems.join("; ")}`);
}
