-- The life of a task. Every function returns one JSON value, is called with named arguments, and is never
-- overloaded. Planner settings are pinned: a plan cached while the table was small must not scan it when it is large,
-- and where only a scan will do, its forbidding price must not start the JIT compiler.
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

-- The tasks that are claimed or running, whoever holds them (or one worker).
create or replace function public.actp_tasks_in_progress(p_worker_id text default null)
returns setof public.actp_workflow_tasks
language sql stable set search_path = '' set enable_seqscan = off set jit = off as $$
  select t.* from public.actp_workflow_tasks t
  where t.id in (select unnest(c.task_ids) from public.actp_task_claims c where p_worker_id is null or c.worker_id = p_worker_id)
    and t.status in ('claimed', 'running') and (p_worker_id is null or t.claimed_by = p_worker_id)
$$;

-- Counts settled tasks by worker, type and status. p_tasks: [{task_type, status}].
create or replace function public.actp_count_tasks(p_worker_id text, p_types text[], p_statuses text[]) returns void
language sql set search_path = '' as $$
  insert into public.actp_task_counts as c (minute, worker_id, task_type, status, tasks)
  select date_trunc('minute', now()), coalesce(p_worker_id, ''), s.task_type, s.status, count(*)
  from unnest(p_types, p_statuses) as s(task_type, status) group by s.task_type, s.status order by 3, 4
  on conflict (minute, worker_id, task_type, status) do update set tasks = c.tasks + excluded.tasks
$$;

-- Gives tasks whose holder is gone back to the queue; out of attempts, they fail. Any worker may call it, at
-- any time: rows that somebody else is working on are skipped, so no task is rescued twice.
-- p_limit: how many claims are looked at.
-- p_held_by: the tasks of that worker whose lease still runs (it has ended, or restarted and knows nothing of them).
create or replace function public.actp_rescue_tasks(p_limit integer default 100, p_held_by text default null) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_rescued jsonb; v_types text[]; v_statuses text[];
begin
  perform public.actp_expire_cancellations();
  with looked_at as materialized (
    select c.id, c.task_ids from public.actp_task_claims c
    where c.check_at <= case when p_held_by is null then now() else 'infinity' end
      and (p_held_by is null or c.worker_id = p_held_by)
    order by c.check_at limit p_limit for update skip locked
  ), expired as materialized (
    select t.id, t.fence, t.attempts, t.claimed_by, t.claimed_at,
      case when p_held_by is null then 'the worker stopped answering and its lease ran out'
        else 'the worker ended while it held the task' end as reason
    from public.actp_workflow_tasks t
    where t.id in (select unnest(l.task_ids) from looked_at l) and t.status in ('claimed', 'running')
      and case when p_held_by is null then t.lease_expires_at <= now() else t.claimed_by = p_held_by end
    order by t.id for update skip locked
  ), left_over as materialized (
    -- Still held, by a renewed lease or by somebody's lock: looked at again later.
    select l.id, array_agg(t.id) as task_ids, min(t.lease_expires_at) as check_at
    from looked_at l cross join unnest(l.task_ids) as m(id) join public.actp_workflow_tasks t on t.id = m.id
    where t.status in ('claimed', 'running') and t.id not in (select e.id from expired e)
    group by l.id
  ), kept as (
    update public.actp_task_claims c set task_ids = l.task_ids, check_at = greatest(l.check_at, now() + interval '1 second')
    from left_over l where c.id = l.id
  ), over as (
    delete from public.actp_task_claims c using looked_at l
    where c.id = l.id and not exists (select from left_over o where o.id = l.id)
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
    returning t.id, t.task_type, t.status, e.claimed_by
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', id, 'status', status, 'held_by', claimed_by)), '[]'),
    array_agg(task_type) filter (where status <> 'pending'), array_agg(status) filter (where status <> 'pending')
  into v_rescued, v_types, v_statuses from rescued;
  if v_types is not null then
    perform public.actp_count_tasks(p_held_by, v_types, v_statuses);
  end if;
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
-- p_type_rooms: {type: how many of it at the most}, for types with a limit of the worker's own.
-- → [[id, task_type, input_data, attempt, max_attempts, priority, token, timeout_minutes, lease_seconds, created_at,
--      execution_id, step_id, deadline]]: without names, which would be most of a large answer.
create or replace function public.actp_claim_tasks(
  p_worker_id text, p_types text[], p_room integer, p_lease_seconds integer default 60, p_type_rooms jsonb default null
) returns json
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off set enable_bitmapscan = off as $$
declare v_tasks json; v_ids uuid[]; v_types text[]; v_rooms integer[];
begin
  perform public.actp_check_claim(p_worker_id, p_lease_seconds);
  if coalesce(p_room, -1) not between 0 and 1000 then
    raise exception 'p_room must be 0 to 1000' using errcode = 'PT400';
  end if;
  if exists (select from public.actp_task_claims where check_at <= now()) then
    perform public.actp_rescue_tasks();
  end if;

  -- How many of each type.
  if p_type_rooms is null and not exists (select from public.actp_task_limits) then
    select array_agg(w), array_agg(p_room) into v_types, v_rooms from (select distinct unnest(p_types) as w) d;
  else
    select array_agg(r.task_type), array_agg(r.room) into v_types, v_rooms
    from public.actp_type_rooms(p_types, p_room, p_type_rooms) r;
  end if;
  if array_length(v_types, 1) > 1 then
    -- What would be claimed, unlocked: no row of one type is locked in vain because another type's come first.
    select array_agg(s.task_type), array_agg(s.room) into v_types, v_rooms
    from (
      select f.task_type, count(*)::integer as room from (
        select c.* from unnest(v_types, v_rooms) as share(task_type, room) cross join lateral (
          select t.task_type, t.priority, t.run_at from public.actp_workflow_tasks t
          where t.queued and t.task_type = share.task_type and t.run_at <= now()
          order by t.priority desc, t.run_at limit share.room
        ) c order by c.priority desc, c.run_at limit p_room
      ) f group by f.task_type
    ) s;
  end if;

  with picked as materialized (
    select c.row_at from unnest(v_types, v_rooms) as share(task_type, room) cross join lateral (
      select t.ctid as row_at from public.actp_workflow_tasks t
      where t.queued and t.task_type = share.task_type and t.run_at <= now()
      order by t.priority desc, t.run_at limit share.room for update skip locked
    ) c
  ), claimed as (
    update public.actp_workflow_tasks t set
      status = 'claimed', claimed_by = p_worker_id, claimed_at = now(), started_at = null, heartbeat_at = now(),
      lease_expires_at = now() + make_interval(secs => p_lease_seconds),
      attempts = t.attempts + 1, fence = t.fence + 1, progress = null
    -- By its place, which the lock holds still, and not by another look into an index.
    from picked where t.ctid = picked.row_at
    returning t.id, t.task_type, t.input_data, t.attempts, t.max_attempts, t.priority, t.fence, t.timeout_minutes,
      t.created_at, t.execution_id, t.step_id, t.deadline, t.run_at
  )
  select json_agg(json_build_array(c.id, c.task_type, c.input_data, c.attempts, c.max_attempts, c.priority, c.fence::text,
      c.timeout_minutes, p_lease_seconds, c.created_at, c.execution_id, c.step_id, c.deadline)
      order by c.priority desc, c.run_at), array_agg(c.id)
  into v_tasks, v_ids from claimed c;
  if v_ids is not null then
    insert into public.actp_task_claims (worker_id, check_at, task_ids)
    values (p_worker_id, now() + make_interval(secs => p_lease_seconds), v_ids);
  end if;
  return coalesce(v_tasks, '[]');
end $$;

-- p_beats: [{task_id, token, progress?}] → ["ok" | "cancel" | "lost"] in the same order.
create or replace function public.actp_heartbeat_tasks(
  p_worker_id text, p_beats jsonb, p_lease_seconds integer default 60
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
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

-- Settles tasks that succeeded, of any holder whose token is the current one; the usual case, made cheap.
-- p_outputs: their results in the same order; null where none has any.
-- → how many it settled. Where that is fewer than were given, actp_settle_tasks tells what has become of each.
create or replace function public.actp_complete_tasks(
  p_worker_id text, p_task_ids uuid[], p_tokens bigint[], p_outputs jsonb default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_types text[]; v_done integer;
begin
  if cardinality(p_tokens) is distinct from cardinality(p_task_ids)
    or jsonb_array_length(p_outputs) <> cardinality(p_task_ids) then
    raise exception 'p_task_ids, p_tokens and p_outputs must be of one length' using errcode = 'PT400';
  end if;
  -- One statement, which touches no index.
  with settled as (
    update public.actp_workflow_tasks t set
      status = 'succeeded', output_data = r.output, error = null, completed_at = now(), lease_expires_at = null
    from (
      select e.id, e.fence, nullif(e.output, 'null') as output
      from rows from (unnest(p_task_ids), unnest(p_tokens), jsonb_array_elements(p_outputs)) as e(id, fence, output)
      order by e.id -- as heartbeats lock them: no two batches wait for each other
    ) r where t.id = r.id and t.fence = r.fence and t.status in ('claimed', 'running')
    returning t.task_type
  )
  select array_agg(task_type) into v_types from settled;
  v_done := coalesce(cardinality(v_types), 0);
  if v_done > 0 then
    perform public.actp_count_tasks(p_worker_id, v_types, array_fill('succeeded'::text, array[v_done]));
    update public.actp_worker_heartbeats set jobs_completed = coalesce(jobs_completed, 0) + v_done
    where worker_id = p_worker_id;
  end if;
  return to_jsonb(v_done);
end $$;

-- p_settlements: [{task_id, token, outcome, output?, error?, retry?, log_tail?, exit_code?, duration_ms?}], outcome one of
-- done | failed | timed_out | cancelled | released → ["settled" | "lost"] in the same order.
-- Idempotent: a settlement that was taken before is "settled" again. A former holder's is refused and recorded.
create or replace function public.actp_settle_tasks(p_worker_id text, p_settlements jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_answers jsonb; v_types text[]; v_statuses text[]; v_requeued boolean; v_bad bigint;
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
      (r.entry ->> 'duration_ms')::numeric::bigint as duration_ms, (r.entry ->> 'exit_code')::integer as exit_code, r.entry
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
        when h.outcome = 'released' then public.actp_released_until(t.id)
        else now() + make_interval(secs => least(3600, t.backoff_seconds * power(2, least(t.attempts, 20) - 1)) * (1 - 0.2 * random())) end,
      attempts = t.attempts - case when h.outcome = 'released' and h.next_status = 'pending' then 1 else 0 end,
      lease_expires_at = null,
      claimed_by = case when h.next_status = 'pending' then null else t.claimed_by end,
      progress = case when h.next_status = 'pending' then null else t.progress end
    from held h where t.id = h.id
    returning t.id, t.fence, t.task_type, t.status, h.outcome
  ), recorded as (
    insert into public.actp_task_attempts
      (task_id, fence, attempt, worker_id, started_at, outcome, error, log_tail, duration_ms, exit_code)
    select h.id, h.fence, h.attempts, h.claimed_by, h.claimed_at,
      h.outcome, h.error, h.log_tail, h.duration_ms, h.exit_code
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
    array_agg(s.task_type) filter (where r.nth = 1 and s.status <> 'pending'),
    array_agg(s.status) filter (where r.nth = 1 and s.status <> 'pending'),
    coalesce(bool_or(s.outcome = 'released' and s.status = 'pending'), false)
  into v_answers, v_types, v_statuses, v_requeued
  from report r left join settled s on s.id = r.id and s.fence = r.fence left join refused f on f.position = r.position;

  if v_types is not null then
    perform public.actp_count_tasks(p_worker_id, v_types, v_statuses);
  end if;
  update public.actp_worker_heartbeats set
    jobs_completed = coalesce(jobs_completed, 0) + coalesce(array_length(array_positions(v_statuses, 'succeeded'), 1), 0),
    jobs_failed = coalesce(jobs_failed, 0) + coalesce(array_length(array_positions(v_statuses, 'failed'), 1), 0)
      + coalesce(array_length(array_positions(v_statuses, 'timed_out'), 1), 0)
  where worker_id = p_worker_id and v_types is not null;
  if v_requeued then
    perform public.actp_wake('pending');
  end if;
  return v_answers;
end $$;
