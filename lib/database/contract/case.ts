/** What the contract's cases share: the database under test, and short words for the calls they make. */
import type { ClaimedRow } from "../claimed_row.ts";
import type { Database } from "../database.ts";

/** A migrated database behind one of the drivers. */
export interface Subject extends AsyncDisposable {
  readonly database: Database;
  /** A second client of the same database, where more than one can be. */
  readonly other?: Database;
  /** Plain SQL by somebody else, where anybody else can reach the database. */
  sql?(text: string): Promise<Record<string, unknown>[]>;
}

/** One behaviour that every driver must have. `needs` leaves it out where the subject lacks the part. */
export interface Case {
  readonly name: string;
  readonly needs?: "sql" | "other" | "listen";
  run(subject: Subject): Promise<void>;
}

/** The parts of a claimed task that cases look at. */
export interface Claimed {
  readonly id: string;
  readonly task_type: string;
  readonly input_data: unknown;
  readonly attempt: number;
  readonly token: string;
  readonly lease_seconds: number;
}

/** The parts of `actp_get_task` that cases look at; times are ISO 8601. */
export interface TaskRow {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly token: string;
  readonly error: string | null;
  readonly run_at: string;
  readonly [column: string]: unknown;
  readonly history: readonly { readonly outcome: string; readonly [column: string]: unknown }[];
}

/** A settlement; what is left out takes the function's default. */
export interface Report {
  readonly outcome: string;
  readonly output?: unknown;
  readonly error?: string;
  readonly retry?: boolean;
  readonly log_tail?: string;
  readonly duration_ms?: number;
}

/** A task type, worker id or key that no other case uses: cases share one database. */
export function unique(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Enqueues `count` tasks of the type, alike but for `input_data.n`, and returns their ids. */
export async function enqueue(
  database: Database,
  type: string,
  count = 1,
  fields: Record<string, unknown> = {},
): Promise<string[]> {
  const tasks = Array.from({ length: count }, (_, n) => ({ task_type: type, input_data: { n }, ...fields }));
  const made = await database.call<{ id: string }[]>("actp_enqueue_tasks", { p_tasks: tasks });
  return made.map(({ id }) => id);
}

/**
 * Claims as `worker`. A lease of 0 seconds is over at once: that is how cases make one expire.
 * @param rooms `p_type_rooms`
 * @param except `p_except`
 */
export async function claim(
  database: Database,
  worker: string,
  type: string | readonly string[],
  room = 1,
  leaseSeconds = 60,
  rooms?: Record<string, number>,
  except?: unknown,
): Promise<Claimed[]> {
  const rows = await database.call<ClaimedRow[]>("actp_claim_tasks", {
    p_worker_id: worker,
    p_types: typeof type === "string" ? [type] : type,
    p_room: room,
    p_lease_seconds: leaseSeconds,
    p_type_rooms: rooms,
    p_except: except,
  });
  return rows.map(([id, task_type, input_data, attempt, , , token, , lease_seconds]) => ({
    id,
    task_type,
    input_data,
    attempt,
    token,
    lease_seconds,
  }));
}

/** Enqueues one task and claims it. */
export async function claimNew(
  database: Database,
  worker: string,
  fields: Record<string, unknown> = {},
): Promise<Claimed> {
  const type = unique("type");
  await enqueue(database, type, 1, fields);
  const [task] = await claim(database, worker, type);
  return task!;
}

/** One task's sign of life, as the answer to it. */
export async function beat(
  database: Database,
  worker: string,
  task: Pick<Claimed, "id" | "token">,
  progress?: unknown,
): Promise<string> {
  const beats = [{ task_id: task.id, token: task.token, progress }];
  const [answer] = await database.call<string[]>("actp_heartbeat_tasks", {
    p_worker_id: worker,
    p_beats: beats,
  });
  return answer!;
}

/** Settles one task; returns the answer. */
export async function settle(
  database: Database,
  worker: string,
  task: Pick<Claimed, "id" | "token">,
  report: Report,
): Promise<string> {
  const [answer] = await database.call<string[]>("actp_settle_tasks", {
    p_worker_id: worker,
    p_settlements: [{ task_id: task.id, token: task.token, ...report }],
  });
  return answer!;
}

/** Completes tasks; returns how many that settled. */
export function complete(
  database: Database,
  worker: string,
  tasks: readonly Pick<Claimed, "id" | "token">[],
  outputs?: readonly unknown[],
): Promise<number> {
  return database.call<number>("actp_complete_tasks", {
    p_worker_id: worker,
    p_task_ids: tasks.map(({ id }) => id),
    p_tokens: tasks.map(({ token }) => token),
    p_outputs: outputs,
  });
}

/** The task with its history. */
export function get(database: Database, id: string): Promise<TaskRow> {
  return database.call<TaskRow>("actp_get_task", { p_task_id: id });
}

/** Seconds from the database's own now until the time, negative for the past. */
export async function secondsUntil(database: Database, time: string): Promise<number> {
  const { now } = await database.call<{ now: string }>("actp_database_status");
  return (Date.parse(time) - Date.parse(now)) / 1000;
}
