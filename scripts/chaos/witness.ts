/** Who moved which task when: a trigger of this program's own writes every transition down, beside the product. */
import type { Sql } from "postgres";
import type { TaskStatus } from "../../lib/task/state.ts";

/** One change of a task's status or token. Fences are tokens as numbers. */
export interface Transition {
  readonly task: string;
  /** The role of the connection that did it: a worker's name, or the program's own. */
  readonly by: string;
  /** Undefined for the task's creation. */
  readonly from?: TaskStatus;
  readonly to: TaskStatus | "deleted";
  readonly fromFence?: number;
  readonly toFence: number;
  /** Who held it before and holds it after. */
  readonly fromHolder?: string;
  readonly toHolder?: string;
}

/** A task's row at the end. */
export interface FinalTask {
  readonly id: string;
  readonly key: number;
  readonly status: TaskStatus;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly fence: number;
  readonly output: unknown;
}

/** An attempt that did not succeed, as the queue recorded it. */
export interface Attempt {
  readonly task: string;
  readonly fence: number;
  readonly worker: string;
  readonly outcome: string;
  readonly error?: string;
  /** A former holder's report was refused and recorded. */
  readonly late: boolean;
}

const WITNESS = `
create schema chaos;
create table chaos.transition (
  seq bigserial primary key, at timestamptz not null default clock_timestamp(), role text not null default session_user,
  task_id uuid not null, from_status text, to_status text not null, from_fence bigint, to_fence bigint not null,
  from_holder text, to_holder text);
create function chaos.write_down() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into chaos.transition (task_id, to_status, to_fence) values (new.id, new.status, new.fence);
  elsif tg_op = 'DELETE' then
    insert into chaos.transition (task_id, from_status, to_status, from_fence, to_fence)
    values (old.id, old.status, 'deleted', old.fence, old.fence);
  elsif (old.status, old.fence, old.id) is distinct from (new.status, new.fence, new.id) then
    insert into chaos.transition (task_id, from_status, to_status, from_fence, to_fence, from_holder, to_holder)
    values (new.id, old.status, new.status, old.fence, new.fence, old.claimed_by, new.claimed_by);
  end if;
  return null;
end $$;
create trigger chaos_witness after insert or update or delete on public.actp_workflow_tasks
  for each row execute function chaos.write_down();
`;

/** Sets the witness on the task table, and makes a role for each worker to connect as. */
export async function callWitness(sql: Sql, roles: readonly string[]): Promise<void> {
  await sql.unsafe(WITNESS);
  for (const role of roles) await sql`create role ${sql(role)} login superuser`;
}

/** Oldest first; of one task they are in the order in which they happened. */
export async function readTransitions(sql: Sql): Promise<Transition[]> {
  const rows = await sql`
    select task_id as task, role as by, from_status as from, to_status as to, from_fence::integer as "fromFence",
      to_fence::integer as "toFence", from_holder as "fromHolder", to_holder as "toHolder"
    from chaos.transition order by seq`;
  return rows.map(withoutNulls<Transition>);
}

/** All tasks. */
export async function readTasks(sql: Sql): Promise<FinalTask[]> {
  const rows = await sql`
    select id, (input_data ->> 'key')::integer as key, status, attempts, max_attempts as "maxAttempts",
      fence::integer, output_data as output from public.actp_workflow_tasks order by 2`;
  return rows.map(withoutNulls<FinalTask>);
}

/** All attempts that did not succeed. */
export async function readAttempts(sql: Sql): Promise<Attempt[]> {
  const rows = await sql`
    select task_id as task, fence::integer, worker_id as worker, outcome, error, late_report is not null as late
    from public.actp_task_attempts order by task_id, fence`;
  return rows.map(withoutNulls<Attempt>);
}

function withoutNulls<T>(row: Record<string, unknown>): T {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T;
}
