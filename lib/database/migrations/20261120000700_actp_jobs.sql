-- The jobs protocol's view of the queue: a job is a task of type 'wdl_run', under the name that its client gave it, or
-- under its task's id. Everything stands on the task functions; jobs and tasks are one queue with two doors.
-- What cannot be done is answered as {problem: word}, which the server turns into its own codes.

-- The jobs that somebody named, or put in with an idempotency key. All others go by their task's id.
create table if not exists public.actp_jobs (
  run_id text primary key,
  task_id uuid not null unique references public.actp_workflow_tasks (id) on delete cascade,
  idempotency_key text unique,
  -- Of the request as it was put in: what comes again under the same name or key must be the same.
  request_sha256 text not null
);

-- Who may speak to a jobs server besides the holder of the home token. A worker's token is its own; a submitter's puts in
-- jobs and looks at them.
create table if not exists public.actp_job_tokens (
  id uuid primary key default gen_random_uuid(),
  token_digest text unique not null,
  role text not null check (role in ('worker', 'submit')),
  worker_id text check ((role = 'worker') = (worker_id is not null)),
  name text,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);

-- The task of a job; null where there is none.
create or replace function public.actp_job_task(p_run_id text) returns uuid
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
declare v_id uuid;
begin
  select j.task_id into v_id from public.actp_jobs j where j.run_id = p_run_id;
  if not found and p_run_id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then
    select t.id into v_id from public.actp_workflow_tasks t where t.id = p_run_id::uuid and t.task_type = 'wdl_run';
  end if;
  return v_id;
end $$;

create or replace function public.actp_job_run_id(p_task_id uuid) returns text
language sql stable set search_path = '' set enable_seqscan = off set jit = off as $$
  select coalesce((select j.run_id from public.actp_jobs j where j.task_id = p_task_id), p_task_id::text)
$$;

create or replace function public.actp_job_state(p_status text) returns text
language sql immutable set search_path = '' as $$
  select case p_status when 'pending' then 'Pending' when 'claimed' then 'Running' when 'running' then 'Running'
    when 'succeeded' then 'Succeeded' when 'failed' then 'Failed' when 'timed_out' then 'TimedOut' else 'Canceled' end
$$;

-- A job as lists show it: neither what was asked nor what came of it, which may be large.
create or replace function public.actp_job_line(t public.actp_workflow_tasks) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object(
    'run_id', public.actp_job_run_id(t.id), 'state', public.actp_job_state(t.status), 'worker_id', t.claimed_by,
    'task_id', t.id, 'attempt', t.attempts, 'max_attempts', t.max_attempts, 'priority', t.priority, 'progress', t.progress,
    'cancel_requested', t.cancel_requested_at is not null, 'created_at', t.created_at, 'due_at', t.run_at,
    'claimed_at', t.claimed_at, 'heartbeat_at', t.heartbeat_at, 'lease_expires_at', t.lease_expires_at,
    'completed_at', t.completed_at)
$$;

-- A job as it is handed to a worker.
create or replace function public.actp_job_work(t public.actp_workflow_tasks, p_lease_seconds integer) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object(
    'run_id', public.actp_job_run_id(t.id),
    'request', '{"inputs": null, "options": {}}'::jsonb || t.input_data,
    'token', t.fence::text, 'attempt', t.attempts, 'max_attempts', t.max_attempts, 'priority', t.priority,
    'created_at', t.created_at, 'lease_seconds', p_lease_seconds, 'timeout_seconds', coalesce(t.timeout_minutes, 30) * 60,
    'cancel', t.cancel_requested_at is not null)
$$;

-- Puts in a job. p_request: {wdl, inputs?, options?, imports?}. The same name or key with the same request is the same
-- job. → {run_id, created} or {problem: run_id_taken | key_taken}
create or replace function public.actp_submit_job(
  p_request jsonb, p_run_id text default null, p_idempotency_key text default null, p_priority integer default null,
  p_max_attempts integer default null, p_timeout_minutes integer default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_sha256 text; v_key bigint; v_known public.actp_jobs; v_task_id uuid;
begin
  v_sha256 := encode(sha256(convert_to(jsonb_build_array(p_request, p_priority, p_max_attempts, p_timeout_minutes)::text,
    'UTF8')), 'hex');
  -- Two that come at the same time see each other; in one order, so that they never wait for each other.
  for v_key in
    select distinct hashtextextended(w.word, 0) from unnest(array['actp_jobs name ' || p_run_id,
      'actp_jobs key ' || p_idempotency_key]) as w(word) where w.word is not null order by 1
  loop
    perform pg_advisory_xact_lock(v_key);
  end loop;
  if p_idempotency_key is not null then
    select * into v_known from public.actp_jobs j where j.idempotency_key = p_idempotency_key;
    if found then
      return case when v_known.request_sha256 = v_sha256
        then jsonb_build_object('run_id', v_known.run_id, 'created', false)
        else jsonb_build_object('problem', 'key_taken') end;
    end if;
  end if;
  if p_run_id is not null and public.actp_job_task(p_run_id) is not null then
    select * into v_known from public.actp_jobs j where j.run_id = p_run_id;
    return case when v_known.request_sha256 = v_sha256
      then jsonb_build_object('run_id', p_run_id, 'created', false)
      else jsonb_build_object('problem', 'run_id_taken') end;
  end if;
  v_task_id := (public.actp_enqueue_tasks(jsonb_build_array(jsonb_build_object(
    'task_type', 'wdl_run', 'input_data', p_request, 'priority', p_priority, 'max_attempts', p_max_attempts,
    'timeout_minutes', p_timeout_minutes))) -> 0 ->> 'id')::uuid;
  if p_run_id is not null or p_idempotency_key is not null then
    insert into public.actp_jobs (run_id, task_id, idempotency_key, request_sha256)
    values (coalesce(p_run_id, v_task_id::text), v_task_id, p_idempotency_key, v_sha256);
  end if;
  return jsonb_build_object('run_id', coalesce(p_run_id, v_task_id::text), 'created', true);
end $$;

-- A job with its attempts and what came of it: {job} or {problem: unknown}.
create or replace function public.actp_get_job(p_run_id text) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_task public.actp_workflow_tasks; v_attempts jsonb; v_last jsonb; v_result jsonb;
begin
  select * into v_task from public.actp_workflow_tasks where id = public.actp_job_task(p_run_id);
  if not found then
    return jsonb_build_object('problem', 'unknown');
  end if;
  select coalesce(jsonb_agg(jsonb_build_object(
    'attempt', a.attempt, 'worker_id', a.worker_id, 'outcome', a.outcome, 'message', a.error, 'stderr', a.log_tail,
    'exit_code', a.exit_code, 'started_at', a.started_at, 'ended_at', a.ended_at, 'duration_ms', a.duration_ms) order by a.fence), '[]')
  into v_attempts from public.actp_task_attempts a where a.task_id = v_task.id;
  v_last := v_attempts -> -1;
  if v_task.status = 'succeeded' then
    v_result := jsonb_build_object('type', 'success', 'response', v_task.output_data);
    v_attempts := v_attempts || jsonb_build_object('attempt', v_task.attempts, 'worker_id', v_task.claimed_by,
      'outcome', 'succeeded', 'message', null, 'stderr', null, 'exit_code', null, 'started_at', v_task.claimed_at,
      'ended_at', v_task.completed_at,
      'duration_ms', (extract(epoch from v_task.completed_at - v_task.claimed_at) * 1000)::bigint);
  elsif v_task.status = 'cancelled' then
    v_result := jsonb_build_object('type', 'failure',
      'message', 'canceled' || coalesce(': ' || v_task.cancel_reason, ''), 'stderr', null, 'exit_code', null);
  elsif v_task.status in ('failed', 'timed_out') then
    v_result := jsonb_build_object('type', 'failure', 'message', coalesce(v_task.error, v_task.status),
      'stderr', v_last -> 'stderr', 'exit_code', v_last -> 'exit_code');
  end if;
  return jsonb_build_object('job', public.actp_job_line(v_task)
    || jsonb_build_object('result', v_result, 'cancel_reason', v_task.cancel_reason, 'attempts', v_attempts));
end $$;

-- Newest first. p_cursor: the next_cursor of the page before. → {jobs, next_cursor}
create or replace function public.actp_list_jobs(
  p_states text[] default null, p_worker_id text default null, p_limit integer default 50, p_cursor text default null
) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare v_jobs jsonb; v_next text; v_limit integer := least(greatest(coalesce(p_limit, 50), 1), 500); v_before bigint;
begin
  if p_cursor !~ '^\d{1,18}$' then
    raise exception 'cursor is not one of an earlier page' using errcode = 'PT400';
  end if;
  v_before := p_cursor::bigint;
  with page as (
    select t.* from public.actp_workflow_tasks t
    where t.task_type = 'wdl_run' and (p_states is null or public.actp_job_state(t.status) = any (p_states))
      and (p_worker_id is null or t.claimed_by = p_worker_id) and (v_before is null or t.seq < v_before)
    order by t.seq desc limit v_limit
  )
  select coalesce(jsonb_agg(public.actp_job_line(page) order by page.seq desc), '[]'),
    case when count(*) = v_limit then min(page.seq)::text end
  into v_jobs, v_next from page;
  return jsonb_build_object('jobs', v_jobs, 'next_cursor', v_next);
end $$;

-- A worker that speaks to a jobs server shows by every call that it lives; one with a session of its own does so itself.
create or replace function public.actp_touch_job_worker(p_worker_id text) returns void
language sql set search_path = '' as $$
  update public.actp_worker_registrations set last_heartbeat = now(), status = 'online'
  where worker_id = p_worker_id and presence_pid is null and last_heartbeat < now() - interval '10 seconds';
  update public.actp_worker_heartbeats set last_heartbeat = now(), status = 'online'
  where worker_id = p_worker_id and last_heartbeat < now() - interval '10 seconds'
    and exists (select from public.actp_worker_registrations r where r.worker_id = p_worker_id and r.presence_pid is null);
$$;

-- A worker introduces itself. One that also claims tasks here without the server has told more than this: its entry stays.
-- → {registered: true} or what actp_register_worker says to an id that another host uses.
create or replace function public.actp_register_job_worker(p_worker jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
begin
  if exists (
    select from public.actp_worker_registrations r
    where r.worker_id = p_worker ->> 'worker_id' and r.hostname is not distinct from p_worker ->> 'hostname'
      and r.capabilities <> '{wdl_run}' and r.status <> 'offline' and r.last_heartbeat > now() - interval '2 minutes'
  ) then
    return jsonb_build_object('registered', true);
  end if;
  return public.actp_register_worker(p_worker || '{"capabilities": ["wdl_run"]}');
end $$;

-- The next job for a worker: [] or [job].
create or replace function public.actp_claim_job(p_worker_id text, p_lease_seconds integer) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_id uuid; v_jobs jsonb;
begin
  v_id := (public.actp_claim_tasks(p_worker_id => p_worker_id, p_types => '{wdl_run}', p_room => 1,
    p_lease_seconds => p_lease_seconds) -> 0 ->> 0)::uuid;
  perform public.actp_touch_job_worker(p_worker_id);
  select coalesce(jsonb_agg(public.actp_job_work(t, p_lease_seconds)), '[]') into v_jobs
  from public.actp_workflow_tasks t where t.id = v_id;
  return v_jobs;
end $$;

-- The jobs that a worker holds, as claimed, the oldest claim first.
create or replace function public.actp_running_jobs(p_worker_id text, p_lease_seconds integer) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
  select coalesce(jsonb_agg(public.actp_job_work(t, p_lease_seconds) order by t.claimed_at), '[]')
  from public.actp_tasks_in_progress(p_worker_id) t where t.task_type = 'wdl_run'
$$;

-- What keeps a worker from speaking of a job as its holder: unknown | stale | not_owner | not_running; null when nothing
-- does. Without a token (old clients send none) the worker's id decides.
create or replace function public.actp_job_problem(t public.actp_workflow_tasks, p_worker_id text, p_token text) returns text
language sql immutable set search_path = '' as $$
  select case
    when t.id is null then 'unknown'
    when p_token is not null and p_token <> t.fence::text then 'stale'
    when t.claimed_by is not null and t.claimed_by <> p_worker_id then 'not_owner'
    when t.status not in ('claimed', 'running') then 'not_running' end
$$;

-- A sign of life: renews the lease. A job over its time limit ends here, whatever its worker thinks of it.
-- → {cancel: boolean, reason, lease_seconds} or {problem: unknown | stale | not_owner | not_running | timed_out}
create or replace function public.actp_heartbeat_job(
  p_run_id text, p_worker_id text, p_lease_seconds integer, p_token text default null, p_progress jsonb default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_task public.actp_workflow_tasks; v_problem text; v_answer text;
begin
  select * into v_task from public.actp_workflow_tasks where id = public.actp_job_task(p_run_id) for update;
  v_problem := public.actp_job_problem(v_task, p_worker_id, p_token);
  if v_problem is not null then
    return jsonb_build_object('problem', v_problem);
  end if;
  perform public.actp_touch_job_worker(p_worker_id);
  if now() > v_task.claimed_at + make_interval(mins => coalesce(v_task.timeout_minutes, 30)) then
    perform public.actp_settle_tasks(p_worker_id, jsonb_build_array(jsonb_build_object(
      'task_id', v_task.id, 'token', v_task.fence, 'outcome', 'timed_out', 'retry', false,
      'error', format('it ran longer than %s minutes', coalesce(v_task.timeout_minutes, 30)))));
    return jsonb_build_object('problem', 'timed_out');
  end if;
  v_answer := public.actp_heartbeat_tasks(p_worker_id, jsonb_build_array(jsonb_build_object(
    'task_id', v_task.id, 'token', v_task.fence, 'progress', p_progress)), p_lease_seconds) ->> 0;
  if v_answer = 'lost' then
    return jsonb_build_object('problem', 'not_running');
  end if;
  return jsonb_build_object('cancel', v_answer = 'cancel', 'reason', v_task.cancel_reason, 'lease_seconds', p_lease_seconds);
end $$;

-- The end of an attempt. p_report: {outcome: done | failed | timed_out | released, output?, error?, stderr?, exit_code?,
-- retry?, duration_ms?}. → {state} (the same again for the same report) or
-- {problem: unknown | stale | not_owner | not_running | conflict}
create or replace function public.actp_finish_job(
  p_run_id text, p_worker_id text, p_report jsonb, p_token text default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_task public.actp_workflow_tasks; v_problem text; v_fence bigint; v_settlement jsonb; v_attempt public.actp_task_attempts;
begin
  select * into v_task from public.actp_workflow_tasks where id = public.actp_job_task(p_run_id) for update;
  v_problem := public.actp_job_problem(v_task, p_worker_id, p_token);
  if v_problem = 'unknown' then
    return jsonb_build_object('problem', v_problem);
  end if;
  v_fence := coalesce(p_token::bigint, v_task.fence);
  v_settlement := jsonb_build_array((p_report - '{stderr,exit_code}'::text[]) || jsonb_build_object(
    'task_id', v_task.id, 'token', v_fence, 'log_tail', p_report -> 'stderr'));
  if v_problem is null then
    if public.actp_settle_tasks(p_worker_id, v_settlement) ->> 0 <> 'settled' then
      return jsonb_build_object('problem', 'not_running');
    end if;
    update public.actp_task_attempts set exit_code = (p_report ->> 'exit_code')::integer
    where task_id = v_task.id and fence = v_fence and p_report ->> 'exit_code' is not null;
    perform public.actp_touch_job_worker(p_worker_id);
    return jsonb_build_object('state', (select public.actp_job_state(t.status) from public.actp_workflow_tasks t
      where t.id = v_task.id));
  end if;

  -- Not held any more: is it the report that ended that attempt?
  if p_report ->> 'outcome' = 'done' then
    if v_problem = 'not_running' and v_task.status = 'succeeded' and v_task.fence = v_fence
      and v_task.output_data = p_report -> 'output' then
      return jsonb_build_object('state', 'Succeeded');
    end if;
  else
    select * into v_attempt from public.actp_task_attempts a
    where a.task_id = v_task.id and a.fence = v_fence and a.worker_id = p_worker_id;
    if found and v_attempt.outcome = p_report ->> 'outcome' and v_attempt.error is not distinct from p_report ->> 'error'
      and v_attempt.log_tail is not distinct from p_report ->> 'stderr'
      and v_attempt.exit_code is not distinct from (p_report ->> 'exit_code')::integer then
      return jsonb_build_object('state', public.actp_job_state(v_task.status));
    end if;
  end if;
  if v_problem = 'not_running' and v_task.status <> 'pending' then
    v_problem := 'conflict';
  end if;
  if v_problem in ('stale', 'conflict') and p_token is not null then
    perform public.actp_settle_tasks(p_worker_id, v_settlement); -- refused, and kept for the record
  end if;
  return jsonb_build_object('problem', v_problem, 'state', public.actp_job_state(v_task.status));
end $$;

-- Cancels a waiting job at once, and asks the holder of a running one to stop; where it has not within p_seconds, it is
-- cancelled all the same. → {state, cancel_requested} or {problem: unknown}
create or replace function public.actp_cancel_job(p_run_id text, p_reason text default null, p_seconds integer default null)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_id uuid := public.actp_job_task(p_run_id); v_task jsonb;
begin
  if v_id is null then
    return jsonb_build_object('problem', 'unknown');
  end if;
  v_task := case when p_seconds is null then public.actp_cancel_task(v_id, p_reason)
    else public.actp_cancel_task_within(v_id, p_seconds, p_reason) end;
  return jsonb_build_object('run_id', public.actp_job_run_id(v_id), 'state', public.actp_job_state(v_task ->> 'status'),
    'cancel_requested', v_task ->> 'cancel_requested_at' is not null);
end $$;

create or replace function public.actp_job_token_json(k public.actp_job_tokens) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object('id', k.id, 'role', k.role, 'worker_id', k.worker_id, 'name', k.name, 'created_at', k.created_at,
    'last_used_at', k.last_used_at, 'revoked_at', k.revoked_at)
$$;

-- Only the hash of a token is kept.
create or replace function public.actp_create_job_token(
  p_digest text, p_role text, p_worker_id text default null, p_name text default null
) returns jsonb
language plpgsql set search_path = '' as $$
declare v_token public.actp_job_tokens;
begin
  insert into public.actp_job_tokens (token_digest, role, worker_id, name)
  values (p_digest, p_role, p_worker_id, p_name) returning * into v_token;
  return public.actp_job_token_json(v_token);
end $$;

create or replace function public.actp_list_job_tokens() returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(public.actp_job_token_json(k) order by k.created_at, k.id), '[]') from public.actp_job_tokens k
$$;

create or replace function public.actp_revoke_job_token(p_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare v_token public.actp_job_tokens;
begin
  update public.actp_job_tokens set revoked_at = coalesce(revoked_at, now()) where id = p_id returning * into v_token;
  if not found then
    raise exception 'there is no token %', p_id using errcode = 'PT404';
  end if;
  return public.actp_job_token_json(v_token);
end $$;

-- Whose token it is, and that it was used: {} for one that is unknown or revoked.
create or replace function public.actp_use_job_token(p_digest text) returns jsonb
language plpgsql set search_path = '' as $$
declare v_token public.actp_job_tokens;
begin
  select * into v_token from public.actp_job_tokens where token_digest = p_digest and revoked_at is null;
  if not found then
    return '{}';
  end if;
  update public.actp_job_tokens set last_used_at = now()
  where id = v_token.id and (last_used_at is null or last_used_at < now() - interval '1 minute');
  return public.actp_job_token_json(v_token);
end $$;

select public.actp_grant_access(
  array['actp_jobs', 'actp_job_tokens'],
  array['actp_job_task', 'actp_job_run_id', 'actp_job_state', 'actp_job_line', 'actp_job_work', 'actp_submit_job', 'actp_get_job',
    'actp_list_jobs', 'actp_touch_job_worker', 'actp_register_job_worker', 'actp_claim_job', 'actp_running_jobs',
    'actp_job_problem', 'actp_heartbeat_job', 'actp_finish_job', 'actp_cancel_job', 'actp_job_token_json',
    'actp_create_job_token', 'actp_list_job_tokens', 'actp_revoke_job_token', 'actp_use_job_token']);
notify pgrst, 'reload schema';
