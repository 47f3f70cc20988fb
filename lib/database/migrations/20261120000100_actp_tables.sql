-- Tables of the task queue and of the workers. Additive: an existing deployment keeps its rows and columns.

create table if not exists public.actp_workflow_tasks (
  id uuid primary key default gen_random_uuid(),
  execution_id uuid,
  step_id uuid,
  task_type text not null,
  status text not null default 'pending',
  input_data jsonb not null default '{}'::jsonb,
  output_data jsonb,
  claimed_by text,
  claimed_at timestamptz,
  completed_at timestamptz,
  timeout_minutes integer default 30,
  error text,
  created_at timestamptz default now()
);

alter table public.actp_workflow_tasks
  -- Higher runs first.
  add column if not exists priority integer not null default 0,
  add column if not exists run_at timestamptz not null default now(),
  add column if not exists attempts integer not null default 0,
  add column if not exists max_attempts integer not null default 3,
  -- The first delay before a retry, in seconds; it doubles with every further attempt.
  add column if not exists backoff_seconds integer not null default 5,
  -- Fencing token: grows with every claim; only its current holder may heartbeat or settle.
  add column if not exists fence bigint not null default 0,
  add column if not exists lease_expires_at timestamptz,
  add column if not exists started_at timestamptz,
  add column if not exists heartbeat_at timestamptz,
  add column if not exists progress jsonb,
  add column if not exists cancel_requested_at timestamptz,
  add column if not exists cancel_reason text,
  add column if not exists idempotency_key text,
  add column if not exists reward numeric,
  add column if not exists currency text,
  add column if not exists deadline timestamptz,
  -- Lists are in its order.
  add column if not exists seq bigint generated always as identity,
  -- What the claim index looks at, and not the status: completing a task then changes no indexed column, and is
  -- written beside the row without touching an index (HOT).
  add column if not exists queued boolean not null generated always as (status = 'pending') stored;

-- Room on each page for what a task's claim and completion write, without which completions touch all indexes.
alter table public.actp_workflow_tasks set (fillfactor = 50);

update public.actp_workflow_tasks set created_at = coalesce(claimed_at, completed_at, now()) where created_at is null;

-- The deployed table may carry a check that does not know 'cancelled'.
do $$
declare v_name text;
begin
  for v_name in
    select conname from pg_catalog.pg_constraint
    where conrelid = 'public.actp_workflow_tasks'::regclass and contype = 'c'
      and conname <> 'actp_workflow_tasks_known_status'
      and pg_catalog.pg_get_constraintdef(oid) ~ '\mstatus\M'
      and pg_catalog.pg_get_constraintdef(oid) !~ 'cancelled'
  loop
    execute format('alter table public.actp_workflow_tasks drop constraint %I', v_name);
  end loop;
  if not exists (
    select from pg_catalog.pg_constraint
    where conrelid = 'public.actp_workflow_tasks'::regclass and conname = 'actp_workflow_tasks_known_status'
  ) then
    alter table public.actp_workflow_tasks add constraint actp_workflow_tasks_known_status check
      (status in ('pending', 'claimed', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled')) not valid;
  end if;
end $$;

-- Claims read only pending rows, type by type, in the order they are claimed: their cost does not grow with history.
create index if not exists actp_workflow_tasks_claim
  on public.actp_workflow_tasks (task_type, priority desc, run_at) where queued;
create unique index if not exists actp_workflow_tasks_seq on public.actp_workflow_tasks (seq);
create unique index if not exists actp_workflow_tasks_idempotency
  on public.actp_workflow_tasks (idempotency_key) where idempotency_key is not null;
create index if not exists actp_workflow_tasks_execution
  on public.actp_workflow_tasks (execution_id) where execution_id is not null;

-- What was claimed together, until the lease of all of it has been looked at. Each task's own lease is in its row,
-- without an index: this is how tasks in progress are found, so that no task pays for being findable.
create table if not exists public.actp_task_claims (
  id bigint generated always as identity primary key,
  worker_id text not null,
  check_at timestamptz not null,
  task_ids uuid[] not null
);
-- Ids do not compress: do not try for every claim.
alter table public.actp_task_claims alter column task_ids set storage external;
create index if not exists actp_task_claims_check on public.actp_task_claims (check_at);

-- Limits over all workers, for a type or a pattern of types (`safari_*`).
create table if not exists public.actp_task_limits (
  pattern text primary key,
  -- How many may be claimed or running at once; null is no limit.
  max_running integer,
  paused boolean not null default false,
  reason text,
  updated_at timestamptz not null default now()
);

-- How many tasks each worker settled in each minute, by type and status; written with the settlement itself.
create table if not exists public.actp_task_counts (
  minute timestamptz not null,
  worker_id text not null,
  task_type text not null,
  status text not null,
  tasks integer not null,
  primary key (minute, worker_id, task_type, status)
);

-- Every attempt that did not succeed. The one that did is told by the task's own row.
create table if not exists public.actp_task_attempts (
  task_id uuid not null references public.actp_workflow_tasks (id) on delete cascade,
  fence bigint not null,
  attempt integer not null,
  worker_id text,
  started_at timestamptz,
  ended_at timestamptz not null default now(),
  -- failed, timed_out, cancelled, released, or lost: its lease ran out
  outcome text not null,
  error text,
  log_tail text,
  -- Of the task's program, where one failed.
  exit_code integer,
  duration_ms bigint,
  -- What a former holder reported after the task had passed on; refused, kept for the record.
  late_report jsonb,
  primary key (task_id, fence)
);

create table if not exists public.actp_worker_registrations (
  id uuid primary key default gen_random_uuid(),
  worker_id text unique not null,
  hostname text,
  capabilities text[] not null,
  max_concurrent integer default 3,
  status text default 'online',
  version text,
  system_info jsonb,
  registered_at timestamptz default now(),
  last_heartbeat timestamptz default now()
);

create table if not exists public.actp_worker_heartbeats (
  id uuid primary key default gen_random_uuid(),
  worker_id text unique not null,
  hostname text,
  os_version text,
  status text,
  current_job jsonb,
  capabilities jsonb,
  jobs_completed integer default 0,
  jobs_failed integer default 0,
  last_heartbeat timestamptz default now(),
  started_at timestamptz,
  system_info jsonb
);

create table if not exists public.actp_worker_logs (
  id uuid primary key default gen_random_uuid(),
  worker_id text,
  level text,
  service text,
  job_id text,
  message text,
  details jsonb,
  created_at timestamptz default now()
);
create index if not exists actp_worker_logs_created on public.actp_worker_logs (created_at);
create index if not exists actp_worker_logs_job on public.actp_worker_logs (job_id, created_at) where job_id is not null;
