-- The life of a task. Every function returns one jsonb value, is called with named arguments, and is never
-- overloaded. Planner settings are pinned: a plan cached while the table was small must not scan it when it is large.
-- Times go in and out in UTC, wherever the server stands.

-- A task as clients see it.
create or replace function public.actp_task_json(t public.actp_workflow_tasks) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', t.id, 'task_type', t.task_type, 'status', t.status, 'priority', t.priority,
    'execution_id', t.execution_id, 'step_id', t.step_id,
    'attempts', t.attempts, 'max_attempts', t.max_attempts, 'token', t.fence::text,
    'input_data', t.input_data, 'output_data', t.output_data, 'error', t.error, 'progress', t.progress,
    'claimed_by', t.claimed_by, 'claimed_at', t.claimed_at, 'started_at', t.started_at,
    'heartbeat_at', t.heartbeat_at, 'lease_expires_at', t.lease_expires_at,
    'completed_at', t.completed_at, 'created_at', t.created_at, 'run_at', t.run_at,
    'timeout_minutes', t.timeout_minutes, 'backoff_seconds', t.backoff_seconds,
    'cancel_requested_at', t.cancel_requested_at, 'cancel_reason', t.cancel_reason,
    'idempotency_key', t.idempotency_key, 'reward', t.reward::text, 'currency', t.currency, 'deadline', t.deadline)
$$;

-- Wakes the workers: 'pending' (there may be work) or 'cancel:<task id>'. A hint: workers poll besides.
create or replace function public.actp_wake(p_payload text) returns void
language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_notify('actp_tasks', p_payload);
  if to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null then
    begin
      execute 'select realtime.send($1, $2, $3, true)' using jsonb_build_object('payload', p_payload), 'wake', 'actp_tasks';
    exception when others then
      raise warning 'actp_wake: Realtime did not take the hint: %', sqlerrm;
    end;
  end if;
end $$;

-- Rows that other programs insert wake the workers too.
create or replace function public.actp_wake_on_insert() returns trigger
-- As its owner: whoever may insert need not be allowed to call anything.
language plpgsql security definer set search_path = '' as $$
begin
  perform public.actp_wake('pending');
  return null;
end $$;
create or replace trigger actp_workflow_tasks_wake after insert on public.actp_workflow_tasks
  for each statement execute function public.actp_wake_on_insert();

create or replace function public.actp_is_time(p_text text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return p_text ~ '^\d{4}-\d\d-\d\d' and isfinite(p_text::timestamptz);
exception when data_exception then
  return false;
end $$;

-- The first thing that is wrong with a task to enqueue, by the name of its field; null when nothing is.
create or replace function public.actp_task_problem(p_task jsonb, p_position bigint) returns text
language sql stable set search_path = '' as $$
  select format('task %s: %s %s', p_position, f.key, case r.kind
    when 'string' then format('must be a string of %s to %s characters', r.low, r.high)
    when 'whole' then format('must be a whole number from %s to %s', r.low, r.high)
    when 'object' then 'must be an object'
    when 'uuid' then 'must be a UUID'
    when 'decimal' then 'must be a decimal number'
    when 'time' then 'must be an ISO 8601 time'
    else 'is not a field of a task' end)
  from jsonb_each('{"task_type": null}' || case jsonb_typeof(p_task) when 'object' then p_task else '{}' end) as f
  cross join lateral (select f.value #>> '{}' as text, jsonb_typeof(f.value) as type) v
  left join (values
    ('task_type', 'string', 1, 200), ('input_data', 'object', 0, 0), ('priority', 'whole', -2147483648, 2147483647),
    ('run_at', 'time', 0, 0), ('max_attempts', 'whole', 1, 100), ('backoff_seconds', 'whole', 0, 86400),
    ('timeout_minutes', 'whole', 1, 10080), ('idempotency_key', 'string', 1, 200), ('execution_id', 'uuid', 0, 0),
    ('step_id', 'uuid', 0, 0), ('reward', 'decimal', 0, 0), ('currency', 'string', 1, 20), ('deadline', 'time', 0, 0)
  ) as r(field, kind, low, high) on r.field = f.key
  where (v.type <> 'null' or f.key in ('task_type', 'input_data')) and case r.kind
    when 'string' then v.type <> 'string' or length(v.text) not between r.low and r.high
    when 'whole' then case v.type when 'number'
      then v.text::numeric not between r.low and r.high or v.text::numeric % 1 <> 0 else true end
    when 'object' then v.type <> 'object'
    when 'uuid' then v.type <> 'string' or v.text !~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
    when 'decimal' then v.type not in ('number', 'string') or v.text !~ '^-?\d{1,30}(\.\d{1,30})?$'
    when 'time' then v.type <> 'string' or not public.actp_is_time(v.text)
    else true end
  order by f.key limit 1
$$;

-- p_tasks: [{task_type, input_data?, priority?, run_at?, max_attempts?, backoff_seconds?, timeout_minutes?,
--            idempotency_key?, execution_id?, step_id?, reward?, currency?, deadline?}]
-- → [{id, created}] in the same order. A known idempotency key returns the task it made before; with another
-- type or input it is refused (409).
create or replace function public.actp_enqueue_tasks(p_tasks jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
declare v_result jsonb; v_bad text;
begin
  if jsonb_typeof(p_tasks) is distinct from 'array' or jsonb_array_length(p_tasks) > 10000 then
    raise exception 'p_tasks must be a list of at most 10000 tasks' using errcode = 'PT400';
  end if;
  select public.actp_task_problem(e.task, e.position) into v_bad
  from jsonb_array_elements(p_tasks) with ordinality as e(task, position)
  where public.actp_task_problem(e.task, e.position) is not null order by e.position limit 1;
  if v_bad is not null then
    raise exception '%', v_bad using errcode = 'PT400';
  end if;

  with wanted as materialized (
    select e.position, gen_random_uuid() as id, e.task,
      e.task ->> 'task_type' as task_type, coalesce(e.task -> 'input_data', '{}') as input_data,
      e.task ->> 'idempotency_key' as idempotency_key
    from jsonb_array_elements(p_tasks) with ordinality as e(task, position)
  ), inserted as (
    insert into public.actp_workflow_tasks (id, task_type, input_data, priority, run_at, max_attempts, backoff_seconds,
      timeout_minutes, idempotency_key, execution_id, step_id, reward, currency, deadline, created_at)
    select w.id, w.task_type, w.input_data, coalesce((w.task ->> 'priority')::integer, 0),
      -- A microsecond apart, so that tasks of one batch keep their order; not later than now, so that all are due.
      coalesce((w.task ->> 'run_at')::timestamptz,
        now() - (jsonb_array_length(p_tasks) - w.position) * interval '1 microsecond'),
      coalesce((w.task ->> 'max_attempts')::integer, 3), coalesce((w.task ->> 'backoff_seconds')::integer, 5),
      coalesce((w.task ->> 'timeout_minutes')::integer, 30), w.idempotency_key,
      (w.task ->> 'execution_id')::uuid, (w.task ->> 'step_id')::uuid,
      (w.task ->> 'reward')::numeric, w.task ->> 'currency', (w.task ->> 'deadline')::timestamptz,
      now() + (w.position - 1) * interval '1 microsecond'
    from wanted w order by w.idempotency_key, w.position -- keys in one order: no two batches wait for each other
    on conflict (idempotency_key) where idempotency_key is not null do nothing
    returning id
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'created', i.id is not null, 'key', w.idempotency_key,
      'task_type', w.task_type, 'input_data', case when i.id is null then w.input_data end) order by w.position), '[]')
  into v_result from wanted w left join inserted i on i.id = w.id;

  if exists (select from jsonb_array_elements(v_result) r where not (r ->> 'created')::boolean) then
    -- A statement of its own, so that it sees what a concurrent enqueue has just committed.
    select jsonb_agg(r.entry || jsonb_build_object('id', coalesce(t.id, (r.entry ->> 'id')::uuid),
        'conflict', t.task_type is distinct from r.entry ->> 'task_type' or t.input_data is distinct from r.entry -> 'input_data')
        order by r.position)
    into v_result
    from jsonb_array_elements(v_result) with ordinality as r(entry, position)
    left join public.actp_workflow_tasks t
      on not (r.entry ->> 'created')::boolean and t.idempotency_key = r.entry ->> 'key';
    select r ->> 'key' into v_bad from jsonb_array_elements(v_result) r
    where not (r ->> 'created')::boolean and (r ->> 'conflict')::boolean limit 1;
    if v_bad is not null then
      raise exception 'idempotency key "%" was used for another task', v_bad
        using errcode = 'PT409', hint = 'Use a new key, or send the same type and input.';
    end if;
  end if;
  return (select coalesce(jsonb_agg(jsonb_build_object('id', r.entry -> 'id', 'created', r.entry -> 'created') order by r.position), '[]')
    from jsonb_array_elements(v_result) with ordinality as r(entry, position));
end $$;

-- Gives tasks whose holder is gone back to the queue; out of attempts, they fail. Any worker may call it, at
-- any time: rows that somebody else is working on are skipped, so no task is rescued twice.
-- p_held_by: also the tasks of that worker whose lease still runs (it has restarted and knows nothing of them).
create or replace function public.actp_rescue_tasks(p_limit integer default 100, p_held_by text default null) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
declare v_rescued jsonb;
begin
  with expired as materialized (
    select t.id, t.fence, t.attempts, t.claimed_by, t.claimed_at,
      case when p_held_by is null then 'the worker stopped answering and its lease ran out'
        else 'the worker was restarted while it held the task' end as reason
    from public.actp_workflow_tasks t
    where t.status in ('claimed', 'running')
      and (p_held_by is null or t.claimed_by = p_held_by)
      and t.lease_expires_at <= case when p_held_by is null then now() else 'infinity' end
    order by t.lease_expires_at limit p_limit for update skip locked
  ), recorded as (
    insert into public.actp_task_attempts (task_id, fence, attempt, worker_id, started_at, outcome, error, duration_ms)
    select e.id, e.fence, e.attempts, e.claimed_by, e.claimed_at, 'lost', e.reason,
      extract(epoch from now() - e.claimed_at) * 1000
    from expired e on conflict (task_id, fence) do nothing
  ), rescued as (
    update public.actp_workflow_tasks t set
      status = case when t.cancel_requested_at is not null then 'cancelled'
        when t.attempts >= t.max_attempts then 'failed' else 'pending' end,
      completed_at = case when t.cancel_requested_at is not null or t.attempts >= t.max_attempts then now() end,
      error = case when t.cancel_requested_at is not null then t.error
        else format('attempt %s of %s: %s', t.attempts, t.max_attempts, e.reason) end,
      run_at = now(), lease_expires_at = null, progress = null,
      claimed_by = case when t.cancel_requested_at is not null or t.attempts >= t.max_attempts then t.claimed_by end
    from expired e where t.id = e.id
    returning t.id, t.status, e.claimed_by
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', id, 'status', status, 'held_by', claimed_by)), '[]')
  into v_rescued from rescued;
  if v_rescued <> '[]' then
    perform public.actp_wake('pending');
  end if;
  return v_rescued;
end $$;

-- Refuses what would make a claim that nobody holds, or that never ends. A lease of 0 seconds is over at once.
create or replace function public.actp_check_claim(p_worker_id text, p_lease_seconds integer) returns void
language plpgsql set search_path = '' as $$
begin
  if coalesce(p_worker_id, '') = '' then
    raise exception 'p_worker_id must not be empty' using errcode = 'PT400';
  end if;
  if coalesce(p_lease_seconds, -1) not between 0 and 86400 then
    raise exception 'p_lease_seconds must be 0 to 86400' using errcode = 'PT400';
  end if;
end $$;

-- Claims at most p_room due tasks of the given types for a worker, by priority, then due time.
-- → [{id, task_type, input_data, attempt, max_attempts, priority, token, timeout_minutes, lease_seconds, …}]
create or replace function public.actp_claim_tasks(
  p_worker_id text, p_types text[], p_room integer, p_lease_seconds integer default 60
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set enable_bitmapscan = off as $$
declare v_tasks jsonb;
begin
  perform public.actp_check_claim(p_worker_id, p_lease_seconds);
  if coalesce(p_room, -1) not between 0 and 1000 then
    raise exception 'p_room must be 0 to 1000' using errcode = 'PT400';
  end if;
  perform public.actp_rescue_tasks();
  with first as (
    -- What would be claimed, unlocked: says how many of each type, so that no row is locked in vain.
    select c.* from (select distinct unnest(p_types) as task_type) wanted cross join lateral (
      select t.task_type, t.priority, t.run_at from public.actp_workflow_tasks t
      where t.status = 'pending' and t.task_type = wanted.task_type and t.run_at <= now()
      order by t.priority desc, t.run_at limit p_room
    ) c order by c.priority desc, c.run_at limit p_room
  ), share as materialized (
    select task_type, count(*) as room from first group by task_type
  ), picked as materialized (
    select c.id from share cross join lateral (
      select t.id from public.actp_workflow_tasks t
      where t.status = 'pending' and t.task_type = share.task_type and t.run_at <= now()
      order by t.priority desc, t.run_at limit share.room for update skip locked
    ) c
  ), claimed as (
    update public.actp_workflow_tasks t set
      status = 'claimed', claimed_by = p_worker_id, claimed_at = now(), started_at = null, heartbeat_at = now(),
      lease_expires_at = now() + make_interval(secs => p_lease_seconds),
      attempts = t.attempts + 1, fence = t.fence + 1, progress = null
    from picked where t.id = picked.id returning t.*
  )
  select coalesce(jsonb_agg(jsonb_build_object(
      'id', c.id, 'task_type', c.task_type, 'input_data', c.input_data, 'attempt', c.attempts,
      'max_attempts', c.max_attempts, 'priority', c.priority, 'token', c.fence::text,
      'timeout_minutes', c.timeout_minutes, 'lease_seconds', p_lease_seconds, 'created_at', c.created_at,
      'execution_id', c.execution_id, 'step_id', c.step_id, 'deadline', c.deadline)
      order by c.priority desc, c.run_at), '[]')
  into v_tasks from claimed c;
  return v_tasks;
end $$;

-- p_beats: [{task_id, token, progress?}] → ["ok" | "cancel" | "lost"] in the same order.
create or replace function public.actp_heartbeat_tasks(
  p_worker_id text, p_beats jsonb, p_lease_seconds integer default 60
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
declare v_answers jsonb;
begin
  perform public.actp_check_claim(p_worker_id, p_lease_seconds);
  with beat as materialized (
    select b.position, (b.entry ->> 'task_id')::uuid as id, (b.entry ->> 'token')::bigint as fence,
      b.entry -> 'progress' as progress
    from jsonb_array_elements(p_beats) with ordinality as b(entry, position)
  ), held as materialized (
    -- In one order, as settlements lock them: no two batches wait for each other.
    select t.id, beat.fence, beat.progress from beat join public.actp_workflow_tasks t
      on t.id = beat.id and t.fence = beat.fence and t.status in ('claimed', 'running') and t.claimed_by = p_worker_id
    order by t.id for update of t
  ), alive as (
    update public.actp_workflow_tasks t set
      status = 'running', started_at = coalesce(t.started_at, now()), heartbeat_at = now(),
      lease_expires_at = now() + make_interval(secs => p_lease_seconds),
      progress = coalesce(nullif(held.progress, 'null'), t.progress)
    from held where t.id = held.id
    returning t.id, t.fence, t.cancel_requested_at
  )
  select coalesce(jsonb_agg(case when alive.id is null then 'lost'
      when alive.cancel_requested_at is not null then 'cancel' else 'ok' end order by beat.position), '[]')
  into v_answers from beat left join alive on alive.id = beat.id and alive.fence = beat.fence;
  return v_answers;
end $$;

-- p_settlements: [{task_id, token, outcome, output?, error?, retry?, log_tail?, duration_ms?}], outcome one of
-- done | failed | timed_out | cancelled | released → ["settled" | "lost"] in the same order.
-- Idempotent: a settlement that was taken before is "settled" again. A former holder's is refused and recorded.
create or replace function public.actp_settle_tasks(p_worker_id text, p_settlements jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
declare v_answers jsonb; v_done integer; v_failed integer; v_requeued boolean; v_bad bigint;
begin
  select r.position into v_bad from jsonb_array_elements(p_settlements) with ordinality as r(entry, position)
  where coalesce(r.entry ->> 'outcome', '') not in ('done', 'failed', 'timed_out', 'cancelled', 'released') limit 1;
  if found then
    raise exception 'settlement %: outcome must be done, failed, timed_out, cancelled or released', v_bad
      using errcode = 'PT400';
  end if;
  -- A statement of its own, so that the next sees what another settlement of the same claim has just committed.
  perform 1 from public.actp_workflow_tasks t
  where t.id in (select (r ->> 'task_id')::uuid from jsonb_array_elements(p_settlements) r) order by t.id for update;
  with report as materialized (
    select row_number() over (partition by r.entry ->> 'task_id', r.entry ->> 'token' order by r.position) as nth, r.position, (r.entry ->> 'task_id')::uuid as id, (r.entry ->> 'token')::bigint as fence,
      r.entry ->> 'outcome' as outcome, r.entry -> 'output' as output, r.entry ->> 'error' as error,
      coalesce((r.entry ->> 'retry')::boolean, true) as retry, r.entry ->> 'log_tail' as log_tail,
      (r.entry ->> 'duration_ms')::numeric::bigint as duration_ms, r.entry
    from jsonb_array_elements(p_settlements) with ordinality as r(entry, position)
  ), held as materialized (
    select report.*, t.attempts, t.claimed_by, t.claimed_at, case
        when report.outcome = 'done' then 'succeeded'
        when report.outcome = 'cancelled' or t.cancel_requested_at is not null then 'cancelled'
        when report.outcome = 'released' then 'pending'
        when report.retry and t.attempts < t.max_attempts then 'pending'
        when report.outcome = 'timed_out' then 'timed_out'
        else 'failed' end as next_status
    from report join public.actp_workflow_tasks t on t.id = report.id and t.fence = report.fence
    where t.status in ('claimed', 'running') and report.nth = 1
  ), settled as (
    update public.actp_workflow_tasks t set
      status = h.next_status,
      output_data = case when h.outcome = 'done' then h.output else t.output_data end,
      error = case when h.outcome in ('done', 'released') then null else coalesce(h.error, t.error) end,
      completed_at = case when h.next_status <> 'pending' then now() end,
      -- Full jitter on the upper fifth of an exponential delay of at most an hour.
      run_at = case when h.next_status <> 'pending' then t.run_at
        when h.outcome = 'released' then now()
        else now() + make_interval(secs => least(3600, t.backoff_seconds * power(2, least(t.attempts, 20) - 1)) * (1 - 0.2 * random())) end,
      attempts = t.attempts - case when h.outcome = 'released' and h.next_status = 'pending' then 1 else 0 end,
      lease_expires_at = null,
      claimed_by = case when h.next_status = 'pending' then null else t.claimed_by end,
      progress = case when h.next_status = 'pending' then null else t.progress end
    from held h where t.id = h.id
    returning t.id, t.fence, t.status, h.outcome
  ), recorded as (
    insert into public.actp_task_attempts
      (task_id, fence, attempt, worker_id, started_at, outcome, error, log_tail, duration_ms)
    select h.id, h.fence, h.attempts, h.claimed_by, h.claimed_at,
      h.outcome, h.error, h.log_tail, h.duration_ms
    from held h where h.outcome <> 'done'
    on conflict (task_id, fence) do nothing
  ), refused as (
    select r.*, coalesce(t.fence = r.fence and t.status = 'succeeded' and r.outcome = 'done', false)
        or coalesce(a.outcome = r.outcome, false) as replayed
    from report r
    left join public.actp_workflow_tasks t on t.id = r.id
    left join public.actp_task_attempts a on a.task_id = r.id and a.fence = r.fence
    where not exists (select from settled s where s.id = r.id and s.fence = r.fence)
  ), noted as (
    update public.actp_task_attempts a set late_report =
        jsonb_build_object('outcome', f.outcome, 'error', f.error, 'worker_id', p_worker_id, 'reported_at', now())
    from refused f where not f.replayed and a.task_id = f.id and a.fence = f.fence
  )
  select coalesce(jsonb_agg(case when s.id is not null or f.replayed then 'settled' else 'lost' end order by r.position), '[]'),
    count(*) filter (where r.nth = 1 and s.status = 'succeeded'),
    count(*) filter (where r.nth = 1 and s.status in ('failed', 'timed_out')),
    coalesce(bool_or(s.outcome = 'released' and s.status = 'pending'), false)
  into v_answers, v_done, v_failed, v_requeued
  from report r left join settled s on s.id = r.id and s.fence = r.fence left join refused f on f.position = r.position;

  if v_done + v_failed > 0 then
    update public.actp_worker_heartbeats set
      jobs_completed = coalesce(jobs_completed, 0) + v_done, jobs_failed = coalesce(jobs_failed, 0) + v_failed
    where worker_id = p_worker_id;
  end if;
  if v_requeued then
    perform public.actp_wake('pending');
  end if;
  return v_answers;
end $$;

-- Cancels a pending task at once, asks the holder of a running one to stop; a settled one stays as it is.
create or replace function public.actp_cancel_task(p_task_id uuid, p_reason text default null) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
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
  elsif v_task.status in ('claimed', 'running') and v_task.cancel_requested_at is null then
    update public.actp_workflow_tasks set cancel_requested_at = now(), cancel_reason = p_reason
    where id = p_task_id returning * into v_task;
    perform public.actp_wake('cancel:' || p_task_id);
  end if;
  return public.actp_task_json(v_task);
end $$;

-- Puts a failed, timed-out or cancelled task back into the queue with all its attempts to come.
create or replace function public.actp_retry_task(p_task_id uuid) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
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
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
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
declare v_tasks jsonb; v_next text; v_limit integer := least(greatest(coalesce(p_limit, 50), 1), 500);
  v_before timestamptz; v_before_id uuid;
begin
  if p_cursor is not null then
    begin
      v_before := split_part(p_cursor, '|', 1)::timestamptz;
      v_before_id := split_part(p_cursor, '|', 2)::uuid;
    exception when others then
      raise exception 'p_cursor is not a cursor of an earlier page' using errcode = 'PT400';
    end;
  end if;
  with page as (
    select t.* from public.actp_workflow_tasks t
    where (p_status is null or t.status = any (p_status))
      and (p_types is null or t.task_type = any (p_types))
      and (p_execution_id is null or t.execution_id = p_execution_id)
      and (v_before is null or (t.created_at, t.id) < (v_before, v_before_id))
    order by t.created_at desc, t.id desc limit v_limit
  )
  select coalesce(jsonb_agg(public.actp_task_json(page) order by page.created_at desc, page.id desc), '[]'),
    case when count(*) = v_limit then
      (array_agg(page.created_at::text || '|' || page.id::text order by page.created_at, page.id))[1] end
  into v_tasks, v_next from page;
  return jsonb_build_object('tasks', v_tasks, 'next_cursor', v_next);
end $$;

-- What waits and runs now, and what was settled in the last p_window_hours hours, by status and by type.
create or replace function public.actp_task_statistics(p_window_hours integer default 24) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  with open as (
    select status, task_type, count(*) as n, min(run_at) as oldest,
      count(*) filter (where status = 'pending' and run_at <= now()) as due
    from public.actp_workflow_tasks where status = 'pending' group by status, task_type
    union all
    select status, task_type, count(*), null, 0
    from public.actp_workflow_tasks where status in ('claimed', 'running') group by status, task_type
  ), settled as (
    select status, task_type, count(*) as n from public.actp_workflow_tasks
    where completed_at > now() - make_interval(hours => p_window_hours) group by status, task_type
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
language sql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
  select coalesce(jsonb_agg(public.actp_task_json(t) order by t.claimed_at), '[]')
  from public.actp_workflow_tasks t where t.status in ('claimed', 'running') and t.claimed_by = p_worker_id
$$;
