-- What people and programs do with tasks from outside: cancel, retry, look, list, count.

-- Cancels a pending task at once, asks the holder of a running one to stop; a settled one stays as it is.
create or replace function public.actp_cancel_task(p_task_id uuid, p_reason text default null) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_task public.actp_workflow_tasks;
begin
  select * into v_task from public.actp_workflow_tasks where id = p_task_id for update;
  if not found then
    raise exception 'there is no task %', p_task_id using errcode = 'PT404';
  end if;
  if v_task.status = 'pending' then
    update public.actp_workflow_tasks set status = 'cancelled', completed_at = now(),
      cancel_requested_at = now(), cancel_reason = p_reason
    where id = p_task_id returning * into v_task;
    perform public.actp_count_tasks(null, array[v_task.task_type], array['cancelled']);
  elsif v_task.status in ('claimed', 'running') and v_task.cancel_requested_at is null then
    update public.actp_workflow_tasks set cancel_requested_at = now(), cancel_reason = p_reason
    where id = p_task_id returning * into v_task;
    perform public.actp_wake('cancel:' || p_task_id);
  end if;
  return public.actp_task_json(v_task);
end $$;

-- Puts a failed, timed-out or cancelled task back into the queue with all its attempts to come.
create or replace function public.actp_retry_task(p_task_id uuid) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_task public.actp_workflow_tasks;
begin
  select * into v_task from public.actp_workflow_tasks where id = p_task_id for update;
  if not found then
    raise exception 'there is no task %', p_task_id using errcode = 'PT404';
  end if;
  if v_task.status not in ('failed', 'timed_out', 'cancelled') then
    raise exception 'task % is %: only failed, timed_out and cancelled tasks can be retried', p_task_id, v_task.status
      using errcode = 'PT409';
  end if;
  update public.actp_workflow_tasks set status = 'pending', attempts = 0, run_at = now(), completed_at = null,
    cancel_requested_at = null, cancel_reason = null, claimed_by = null, claimed_at = null, started_at = null,
    heartbeat_at = null, progress = null, error = null
  where id = p_task_id returning * into v_task;
  perform public.actp_wake('pending');
  return public.actp_task_json(v_task);
end $$;

-- A task with the attempts that did not succeed, oldest first.
create or replace function public.actp_get_task(p_task_id uuid) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_task public.actp_workflow_tasks;
begin
  select * into v_task from public.actp_workflow_tasks where id = p_task_id;
  if not found then
    raise exception 'there is no task %', p_task_id using errcode = 'PT404';
  end if;
  return public.actp_task_json(v_task) || jsonb_build_object('history', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'attempt', a.attempt, 'token', a.fence::text, 'worker_id', a.worker_id, 'outcome', a.outcome, 'error', a.error,
      'log_tail', a.log_tail, 'duration_ms', a.duration_ms, 'started_at', a.started_at, 'ended_at', a.ended_at,
      'late_report', a.late_report) order by a.fence), '[]')
    from public.actp_task_attempts a where a.task_id = p_task_id));
end $$;

-- Newest first. p_cursor: the next_cursor of the page before. → {tasks, next_cursor}
create or replace function public.actp_list_tasks(
  p_status text[] default null, p_types text[] default null, p_execution_id uuid default null,
  p_limit integer default 50, p_cursor text default null
) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare v_tasks jsonb; v_next text; v_limit integer := least(greatest(coalesce(p_limit, 50), 1), 500); v_before bigint;
begin
  if p_cursor !~ '^\d{1,18}$' then
    raise exception 'p_cursor is not a cursor of an earlier page' using errcode = 'PT400';
  end if;
  v_before := p_cursor::bigint;
  with page as (
    select t.* from public.actp_workflow_tasks t
    where (p_status is null or t.status = any (p_status))
      and (p_types is null or t.task_type = any (p_types))
      and (p_execution_id is null or t.execution_id = p_execution_id)
      and (v_before is null or t.seq < v_before)
    order by t.seq desc limit v_limit
  )
  select coalesce(jsonb_agg(public.actp_task_json(page) order by page.seq desc), '[]'),
    case when count(*) = v_limit then min(page.seq)::text end
  into v_tasks, v_next from page;
  return jsonb_build_object('tasks', v_tasks, 'next_cursor', v_next);
end $$;

-- What waits and runs now, and what was settled in the last p_window_hours hours, by status and by type.
create or replace function public.actp_task_statistics(p_window_hours integer default 24) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  with open as (
    select 'pending' as status, task_type, count(*) as n, min(run_at) as oldest, count(*) filter (where run_at <= now()) as due
    from public.actp_workflow_tasks where queued group by task_type
    union all
    select status, task_type, count(*), null, 0 from public.actp_tasks_in_progress() group by status, task_type
  ), settled as (
    select status, task_type, sum(tasks) as n from public.actp_task_counts
    where minute >= now() - make_interval(hours => p_window_hours) group by status, task_type
  ), counted as (
    select status, task_type, n from open union all select status, task_type, n from settled
  )
  select jsonb_build_object(
    'window_hours', p_window_hours,
    'by_status', (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, sum(n) as n from counted group by status) s),
    'by_type', (select coalesce(jsonb_object_agg(task_type, counts), '{}')
      from (select task_type, jsonb_object_agg(status, n) as counts from counted group by task_type) t),
    'due', (select coalesce(sum(due), 0) from open),
    'oldest_due_seconds', (select greatest(0, extract(epoch from now() - min(oldest)))::integer from open where status = 'pending' and due > 0))
$$;

-- What a worker holds now, as claimed.
create or replace function public.actp_held_tasks(p_worker_id text) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
  select coalesce(jsonb_agg(public.actp_task_json(t) order by t.claimed_at), '[]')
  from public.actp_tasks_in_progress(p_worker_id) t
$$;
