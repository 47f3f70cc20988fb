/** A heartbeat action: something looked at on a schedule, of which people hear only when there is something to act on. */
import type { Logger } from "@logtape/logtape";
import type { ZodType } from "zod";
import type { Database } from "../../database/database.ts";
import type { Severity } from "../../notify/notification.ts";

/** What an action remembers from run to run; its own, whatever other actions do. */
export interface HeartbeatSession {
  readonly id: string;
  /** What the last successful run left; empty at first. */
  readonly state: Readonly<Record<string, unknown>>;
}

/** What an action is given besides its options. */
export interface HeartbeatContext {
  readonly database: Database;
  readonly workerId: string;
  /** The task types that this worker can do now. */
  readonly types: readonly string[];
  /** When its last successful run began, ISO 8601; undefined at first. */
  readonly since: string | undefined;
  /** Aborts at the run's time limit and at shutdown. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly session: HeartbeatSession;
}

/** What came of it. `state`: replaces what the session remembers, after people have been told; left out: nothing changes. */
export type HeartbeatResult =
  | { readonly notify: false; readonly state?: Readonly<Record<string, unknown>> }
  | {
    readonly notify: true;
    readonly severity: Severity;
    /** What people read. The first line also serves as the title where there is none. */
    readonly message: string;
    readonly title?: string;
    readonly dedupeKey?: string;
    /** For programs. */
    readonly data?: Readonly<Record<string, unknown>>;
    readonly state?: Readonly<Record<string, unknown>>;
  };

/** One kind of look. */
export interface HeartbeatAction<Options = unknown> {
  /** e.g. `task-scan`. */
  readonly name: string;
  readonly description: string;
  /** When it runs unless the configuration says otherwise. */
  readonly defaultCron: string;
  readonly options: ZodType<Options>;
  /** Throws when it cannot tell: an error is counted, and never taken for silence. */
  run(options: Options, context: HeartbeatContext): Promise<HeartbeatResult>;
}

/** Types an action's literal; the options' type comes from its schema. */
export function defineAction<Options>(action: HeartbeatAction<Options>): HeartbeatAction<Options> {
  return action;
}
