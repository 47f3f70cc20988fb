-- The queue's policy: limits and pauses over all workers, many retries at once, cancelling an execution or with a
-- deadline, and retention. Scans that are discouraged look dear to the planner, which would compile them: no jit.

-- A pattern is a task type, or the beginning of one followed by '*'.
create or replace function public.actp_pattern_matches(p_pattern text, p_type text) returns boolean
language sql immutable set search_path = '' as $$
  select case when right(p_pattern, 1) = '*' then starts_with(p_type, left(p_pattern, -1)) else p_type = p_pattern end
$$;

create or replace function public.actp_check_pattern(p_pattern text) returns void
language plpgsql set search_path = '' as $$
begin
  if coalesce(p_pattern, '') !~ '^([^*]{1,200}|[^*]{0,199}\*)$' then
    raise exception 'p_pattern must be a task type, or the beginning of one followed by *' using errcode = 'PT400';
  end if;
end $$;

-- The claims of tasks under a limit, until a later claim finds them over: what runs is counted here, at the cost of what
-- the limit allows and not of all that runs.
create table if not exists public.actp_task_slots (
  task_id uuid not null,
  fence bigint not null,
  task_type text not null,
  primary key (task_id, fence)
);

create or replace function public.actp_note_slots() returns trigger
language plpgsql set search_path = '' set jit = off set enable_seqscan = off as $$
begin
  if exists (select from public.actp_task_limits where max_running is not null) then
    with held as materialized (
      select t.id, t.fence, t.task_type from public.actp_workflow_tasks t
      where t.id = any (new.task_ids) and t.status in ('claimed', 'running')
    )
    insert into public.actp_task_slots (task_id, fence, task_type)
    select h.id, h.fence, h.task_type from held h
    where h.task_type in (
      select d.task_type from (select distinct task_type from held) d join public.actp_task_limits l
        on l.max_running is not null and public.actp_pattern_matches(l.pattern, d.task_type)
    ) on conflict do nothing;
  end if;
  return null;
end $$;
create or replace trigger actp_task_claims_slots after insert on public.actp_task_claims
  for each row execute function public.actp_note_slots();

-- A place under a limit has come free: whoever waits for it need not wait for his next poll.
create or replace function public.actp_wake_on_free_slot() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select from public.actp_task_limits l
    where l.max_running is not null and public.actp_pattern_matches(l.pattern, new.task_type)) then
    perform public.actp_wake('pending');
  end if;
  return null;
end $$;
create or replace trigger actp_task_counts_wake after insert or update on public.actp_task_counts
  for each row execute function public.actp_wake_on_free_slot();

-- How many tasks of each type may be claimed now: at most p_room of each, less where a pause, a limit or the claimer's own
-- rooms (p_type_rooms: {type or pattern: n}) say so. Types that share a number share it by priority, then due time, so
-- that their sum holds as well. Limited patterns stay locked until the caller's transaction ends: nobody else counts
-- before this claim can be seen.
create or replace function public.actp_type_rooms(p_types text[], p_room integer, p_type_rooms jsonb default null)
returns table (task_type text, room integer)
language plpgsql set search_path = '' set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
#variable_conflict use_column
declare v_types text[]; v_limits text[]; v_key bigint; v_patterns text[]; v_left integer[]; v_type text; v_taken text[] := '{}';
begin
  select array_agg(w.name) into v_types from (select distinct unnest(p_types) as name) w
  where not exists (select from public.actp_task_limits l where l.paused and public.actp_pattern_matches(l.pattern, w.name));
  select array_agg(l.pattern) into v_limits from public.actp_task_limits l
  where l.max_running is not null
    and exists (select from unnest(v_types) as w(name) where public.actp_pattern_matches(l.pattern, w.name));
  if v_limits is not null then
    -- In one order, so that no two claims wait for each other.
    for v_key in select distinct hashtextextended('actp_task_limit ' || p, 0) from unnest(v_limits) p order by 1 loop
      perform pg_advisory_xact_lock(v_key);
    end loop;
    delete from public.actp_task_slots s where (s.task_id, s.fence) in (
      select o.task_id, o.fence from public.actp_task_slots o
      where not exists (select from public.actp_workflow_tasks t
        where t.id = o.task_id and t.fence = o.fence and t.status in ('claimed', 'running'))
      for update of o skip locked);
  end if;

  select array_agg(c.pattern), array_agg(c.room) into v_patterns, v_left from (
    select l.pattern, l.max_running - (
        select count(*) from public.actp_task_slots s join public.actp_workflow_tasks t on t.id = s.task_id and t.fence = s.fence
        where public.actp_pattern_matches(l.pattern, s.task_type) and t.status in ('claimed', 'running')
      )::integer as room
    from public.actp_task_limits l where l.pattern = any (v_limits) and l.max_running is not null
    union all
    select e.key, e.value::integer from jsonb_each_text(p_type_rooms) e
  ) c;

  return query select w.name, p_room from unnest(v_types) as w(name)
  where not exists (select from unnest(v_patterns) as p(pattern) where public.actp_pattern_matches(p.pattern, w.name));
  for v_type in
    select c.task_type from unnest(v_types) as w(name) cross join lateral (
      select min(r.room) as room from unnest(v_patterns, v_left) as r(pattern, room)
      where public.actp_pattern_matches(r.pattern, w.name)
    ) m cross join lateral (
      select t.task_type, t.priority, t.run_at from public.actp_workflow_tasks t
      where t.queued and t.task_type = w.name and t.run_at <= now()
      order by t.priority desc, t.run_at limit greatest(least(m.room, p_room), 0)
    ) c where m.room is not null order by c.priority desc, c.run_at
  loop
    exit when cardinality(v_taken) >= p_room;
    continue when exists (select from unnest(v_patterns, v_left) as r(pattern, room)
      where r.room <= 0 and public.actp_pattern_matches(r.pattern, v_type));
    select array_agg(r.room - public.actp_pattern_matches(r.pattern, v_type)::integer order by r.place) into v_left
    from unnest(v_patterns, v_left) with ordinality as r(pattern, room, place);
    v_taken := v_taken || v_type;
  end loop;
  return query select k.name, count(*)::integer from unnest(v_taken) as k(name) group by k.name;
end $$;

-- How many tasks under the pattern may run at once, over all workers; null takes the limit away. What runs already goes on.
create or replace function public.actp_set_task_limit(p_pattern text, p_max_running integer default null) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set jit = off set enable_seqscan = off as $$
declare v_limit public.actp_task_limits;
begin
  perform public.actp_check_pattern(p_pattern);
  if p_max_running not between 0 and 1000000 then
    raise exception 'p_max_running must be 0 to 1000000' using errcode = 'PT400';
  end if;
  -- Claims under way come to their end, and those that follow note their slots: none is missed below.
  lock table public.actp_task_claims in share row exclusive mode;
  insert into public.actp_task_limits as l (pattern, max_running) values (p_pattern, p_max_running)
  on conflict (pattern) do update set max_running = excluded.max_running, updated_at = now() returning * into v_limit;
  insert into public.actp_task_slots (task_id, fence, task_type)
  select t.id, t.fence, t.task_type from public.actp_tasks_in_progress() t
  where p_max_running is not null and public.actp_pattern_matches(p_pattern, t.task_type) on conflict do nothing;
  delete from public.actp_task_limits where pattern = p_pattern and max_running is null and not paused;
  delete from public.actp_task_slots s where not exists (select from public.actp_task_limits l
    where l.max_running is not null and public.actp_pattern_matches(l.pattern, s.task_type));
  perform public.actp_wake('pending');
  return to_jsonb(v_limit);
end $$;

-- No more tasks under the pattern are claimed, by anybody; what runs goes on.
create or replace function public.actp_pause_tasks(p_pattern text, p_reason text default null) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_limit public.actp_task_limits;
begin
  perform public.actp_check_pattern(p_pattern);
  insert into public.actp_task_limits as l (pattern, paused, reason) values (p_pattern, true, p_reason)
  on conflict (pattern) do update set paused = true, reason = excluded.reason, updated_at = now() returning * into v_limit;
  return to_jsonb(v_limit);
end $$;

-- Ends a pause of exactly this pattern.
create or replace function public.actp_resume_tasks(p_pattern text) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_limit public.actp_task_limits;
begin
  update public.actp_task_limits set paused = false, reason = null, updated_at = now()
  where pattern = p_pattern and paused returning * into v_limit;
  if not found then
    raise exception 'nothing is paused under "%"', p_pattern using errcode = 'PT404';
  end if;
  delete from public.actp_task_limits where pattern = p_pattern and max_running is null;
  perform public.actp_wake('pending');
  return to_jsonb(v_limit);
end $$;

-- → [{pattern, max_running, paused, reason, updated_at, running, waiting}]
create or replace function public.actp_list_task_limits() returns jsonb
language sql stable set search_path = '' set jit = off set timezone = 'UTC' as $$
  with waiting as materialized (
    select task_type, count(*) as n from public.actp_workflow_tasks where queued group by task_type
  ), running as materialized (
    select task_type, count(*) as n from public.actp_tasks_in_progress() group by task_type
  )
  select coalesce(jsonb_agg(to_jsonb(l) || jsonb_build_object(
    'running', (select coalesce(sum(r.n), 0) from running r where public.actp_pattern_matches(l.pattern, r.task_type)),
    'waiting', (select coalesce(sum(w.n), 0) from waiting w where public.actp_pattern_matches(l.pattern, w.task_type))
  ) order by l.pattern), '[]') from public.actp_task_limits l
$$;

-- Puts failed and timed-out tasks back into the queue with all their attempts to come, oldest first. → {retried}
create or replace function public.actp_retry_tasks(p_types text[] default null, p_limit integer default 1000) returns jsonb
language plpgsql set search_path = '' set jit = off set enable_seqscan = off as $$
declare v_retried integer;
begin
  if coalesce(p_limit, 0) not between 1 and 10000 then
    raise exception 'p_limit must be 1 to 10000' using errcode = 'PT400';
  end if;
  with dead as materialized (
    select t.id from public.actp_workflow_tasks t
    where t.status in ('failed', 'timed_out') and (p_types is null or t.task_type = any (p_types))
    order by t.seq limit p_limit for update skip locked
  )
  update public.actp_workflow_tasks t set status = 'pending', attempts = 0, run_at = now(), completed_at = null,
    cancel_requested_at = null, cancel_reason = null, claimed_by = null, claimed_at = null, started_at = null,
    heartbeat_at = null, progress = null, error = null
  from dead where t.id = dead.id;
  get diagnostics v_retried = row_count;
  if v_retried > 0 then
    perform public.actp_wake('pending');
  end if;
  return jsonb_build_object('retried', v_retried);
end $$;

-- Until when the holder of a claim may take to confirm that it stopped.
create table if not exists public.actp_cancel_deadlines (
  task_id uuid primary key references public.actp_workflow_tasks (id) on delete cascade,
  fence bigint not null,
  due_at timestamptz not null
);
create index if not exists actp_cancel_deadlines_due on public.actp_cancel_deadlines (due_at);

-- Cancels a task as actp_cancel_task does; where it runs and its holder has not confirmed within p_seconds, it is settled
-- as cancelled all the same, and what the holder reports later is refused.
create or replace function public.actp_cancel_task_within(p_task_id uuid, p_seconds integer, p_reason text default null)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set jit = off set enable_seqscan = off as $$
declare v_task jsonb;
begin
  if coalesce(p_seconds, -1) not between 0 and 86400 then
    raise exception 'p_seconds must be 0 to 86400' using errcode = 'PT400';
  end if;
  v_task := public.actp_cancel_task(p_task_id, p_reason);
  if v_task ->> 'status' in ('claimed', 'running') then
    insert into public.actp_cancel_deadlines as d (task_id, fence, due_at)
    values (p_task_id, (v_task ->> 'token')::bigint, now() + make_interval(secs => p_seconds))
    on conflict (task_id) do update set fence = excluded.fence,
      due_at = case when d.fence = excluded.fence then least(d.due_at, excluded.due_at) else excluded.due_at end;
    -- Whoever claims after that looks at it, as at a lease.
    insert into public.actp_task_claims (worker_id, check_at, task_ids)
    values (v_task ->> 'claimed_by', now() + make_interval(secs => p_seconds), array[p_task_id]);
  end if;
  return v_task;
end $$;

-- Settles as cancelled what should have been confirmed by now. Part of the rescue. → {cancelled}
create or replace function public.actp_expire_cancellations(p_limit integer default 100) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set jit = off set enable_seqscan = off as $$
declare v_types text[];
begin
  if not exists (select from public.actp_cancel_deadlines where due_at <= now()) then
    return jsonb_build_object('cancelled', 0);
  end if;
  with due as materialized (
    select d.task_id, d.fence from public.actp_cancel_deadlines d
    where d.due_at <= now() order by d.due_at limit p_limit for update skip locked
  ), held as materialized (
    select t.id, t.fence, t.attempts, t.claimed_by, t.claimed_at
    from public.actp_workflow_tasks t join due on due.task_id = t.id and due.fence = t.fence
    where t.status in ('claimed', 'running') order by t.id for update of t skip locked
  ), over as (
    -- Not what is locked now: that is looked at again.
    delete from public.actp_cancel_deadlines d using due
    where d.task_id = due.task_id and (due.task_id in (select h.id from held h)
      or not exists (select from public.actp_workflow_tasks t
        where t.id = due.task_id and t.fence = due.fence and t.status in ('claimed', 'running')))
  ), recorded as (
    insert into public.actp_task_attempts (task_id, fence, attempt, worker_id, started_at, outcome, error, duration_ms)
    select h.id, h.fence, h.attempts, h.claimed_by, h.claimed_at, 'lost',
      'the worker did not confirm the cancellation in time', extract(epoch from now() - h.claimed_at) * 1000
    from held h on conflict (task_id, fence) do nothing
  ), cancelled as (
    update public.actp_workflow_tasks t set status = 'cancelled', completed_at = now(), lease_expires_at = null
    from held h where t.id = h.id returning t.task_type
  )
  select array_agg(task_type) into v_types from cancelled;
  if v_types is not null then
    perform public.actp_count_tasks(null, v_types, array_fill('cancelled'::text, array[cardinality(v_types)]));
  end if;
  return jsonb_build_object('cancelled', coalesce(cardinality(v_types), 0));
end $$;

-- Cancels what is not settled of an execution; with p_seconds as actp_cancel_task_within does. → {cancelled, stopping}
create or replace function public.actp_cancel_execution(
  p_execution_id uuid, p_reason text default null, p_seconds integer default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set jit = off set enable_seqscan = off as $$
declare v_id uuid; v_task jsonb; v_cancelled integer := 0; v_stopping integer := 0;
begin
  if not exists (select from public.actp_workflow_tasks where execution_id = p_execution_id) then
    raise exception 'there is no task of an execution %', p_execution_id using errcode = 'PT404';
  end if;
  for v_id in
    select t.id from public.actp_workflow_tasks t
    where t.execution_id = p_execution_id and t.status in ('pending', 'claimed', 'running') order by t.id
  loop
    v_task := case when p_seconds is null then public.actp_cancel_task(v_id, p_reason)
      else public.actp_cancel_task_within(v_id, p_seconds, p_reason) end;
    v_cancelled := v_cancelled + (v_task ->> 'status' = 'cancelled')::integer;
    v_stopping := v_stopping + (v_task ->> 'status' in ('claimed', 'running'))::integer;
  end loop;
  return jsonb_build_object('cancelled', v_cancelled, 'stopping', v_stopping);
end $$;

-- Deletes one batch of what is older than so many days (0 keeps it for ever): settled tasks with their attempts; log
-- rows; workers that fell silent, and counts. p_after: the next of the batch before. One caller at a time.
-- → {busy: true} or {busy: false, tasks, logs, workers, counts, next, more}; next is null when all tasks have been seen.
create or replace function public.actp_prune(
  p_task_days integer, p_log_days integer, p_worker_days integer, p_limit integer default 1000, p_after bigint default 0
) returns jsonb
language plpgsql set search_path = '' set jit = off set enable_seqscan = off as $$
declare v_before timestamptz; v_next bigint; v_tasks integer := 0; v_logs integer := 0; v_workers integer := 0; v_counts integer := 0;
begin
  if least(p_task_days, p_log_days, p_worker_days) < 0 or coalesce(p_limit, 0) not between 1 and 10000 then
    raise exception 'days must not be negative, and p_limit must be 1 to 10000' using errcode = 'PT400';
  end if;
  if not pg_try_advisory_xact_lock(hashtextextended('actp_prune', 0)) then
    return jsonb_build_object('busy', true);
  end if;
  if p_task_days > 0 then
    v_before := now() - make_interval(days => p_task_days);
    -- In the order in which they were made, which has an index; the time of completion has none, for speed.
    with seen as materialized (
      select t.id, t.seq, t.created_at from public.actp_workflow_tasks t where t.seq > p_after order by t.seq limit p_limit
    ), gone as (
      delete from public.actp_workflow_tasks t using seen where t.id = seen.id
        and t.status in ('succeeded', 'failed', 'timed_out', 'cancelled') and t.completed_at < v_before returning 1
    )
    select (select count(*) from gone), case when count(*) = p_limit and min(s.created_at) < v_before then max(s.seq) end
    into v_tasks, v_next from seen s;
    delete from public.actp_outward_acts where id in (select a.id from public.actp_outward_acts a
      where a.requested_at < v_before order by a.requested_at limit p_limit)
      and greatest(expires_at, decided_at, ended_at) < v_before;
  end if;
  if p_log_days > 0 then
    delete from public.actp_worker_logs where id in (select l.id from public.actp_worker_logs l
      where l.created_at < now() - make_interval(days => p_log_days) order by l.created_at limit p_limit);
    get diagnostics v_logs = row_count;
  end if;
  if p_worker_days > 0 then
    v_before := now() - make_interval(days => p_worker_days);
    delete from public.actp_worker_heartbeats where last_heartbeat < v_before;
    delete from public.actp_worker_registrations where last_heartbeat < v_before;
    get diagnostics v_workers = row_count;
    delete from public.actp_task_counts c using (
      select o.minute, o.worker_id, o.task_type, o.status from public.actp_task_counts o
      where o.minute < v_before order by o.minute limit p_limit
    ) old where (c.minute, c.worker_id, c.task_type, c.status) = (old.minute, old.worker_id, old.task_type, old.status);
    get diagnostics v_counts = row_count;
  end if;
  return jsonb_build_object('busy', false, 'tasks', v_tasks, 'logs', v_logs, 'workers', v_workers, 'counts', v_counts,
    'next', v_next::text, 'more', v_next is not null or greatest(v_logs, v_counts) = p_limit);
end $$;

-- → {table: the time of its oldest row, or null}, for `db status`.
create or replace function public.actp_oldest_rows() returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' set jit = off set enable_seqscan = off as $$
  select jsonb_build_object(
    'actp_workflow_tasks', (select created_at from public.actp_workflow_tasks order by seq limit 1),
    'actp_worker_logs', (select created_at from public.actp_worker_logs order by created_at limit 1),
    'actp_worker_registrations', (select min(last_heartbeat) from public.actp_worker_registrations),
    'actp_worker_heartbeats', (select min(last_heartbeat) from public.actp_worker_heartbeats),
    'actp_task_counts', (select minute from public.actp_task_counts order by minute limit 1))
$$;

select public.actp_grant_access(
  array['actp_task_slots', 'actp_cancel_deadlines'],
  array['actp_pattern_matches', 'actp_check_pattern', 'actp_note_slots', 'actp_wake_on_free_slot', 'actp_type_rooms',
    'actp_set_task_limit', 'actp_pause_tasks', 'actp_resume_tasks', 'actp_list_task_limits', 'actp_retry_tasks',
    'actp_cancel_task_within', 'actp_expire_cancellations', 'actp_cancel_execution', 'actp_prune', 'actp_oldest_rows']);
notify pgrst, 'reload schema';
