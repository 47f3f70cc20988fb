-- Routines as people see and steer them: running one by hand, switching, lists, history.

-- Runs a routine once, now, on a worker that has it, also where it is switched off. Asked again while that waits, it is
-- the same run. → the run
create or replace function public.actp_run_routine(p_id text, p_by text default null) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_now timestamptz := public.actp_schedule_now(); v_run public.actp_routine_runs;
begin
  perform from public.actp_routines where id = p_id for update;
  if not found then
    raise exception 'there is no routine %', p_id using errcode = 'PT404';
  end if;
  select * into v_run from public.actp_routine_runs where routine_id = p_id and status = 'waiting' and by_hand limit 1;
  if not found then
    insert into public.actp_routine_runs (routine_id, due_at, by_hand, requested_by, status, recorded_at)
    values (p_id, v_now, true, p_by, 'waiting', v_now) returning * into v_run;
  end if;
  perform public.actp_wake_schedulers(p_id);
  return public.actp_run_json(v_run);
end $$;

-- Switches a routine on or off on all workers. One that was off has missed nothing meanwhile. → the routine
create or replace function public.actp_switch_routine(p_id text, p_on boolean, p_by text default null, p_reason text default null)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_now timestamptz := public.actp_schedule_now(); v_routine public.actp_routines;
begin
  select * into v_routine from public.actp_routines where id = p_id for update;
  if not found then
    raise exception 'there is no routine %', p_id using errcode = 'PT404';
  end if;
  update public.actp_routines set switched = p_on, switched_at = v_now, switched_by = p_by, switched_reason = p_reason,
    failures = case when p_on then 0 else failures end, rests_until = case when p_on then null else rests_until end,
    handled_until = case when p_on and not coalesce(v_routine.switched, public.actp_routine_is_on(p_id, v_now))
      and not definition -> 'schedule' ? 'at' then greatest(handled_until, v_now) else handled_until end
  where id = p_id;
  perform public.actp_wake_schedulers(p_id);
  return public.actp_list_routines(p_id) -> 0;
end $$;

-- All routines (or one) with the workers that have them, and their runs: [{id, description, schedule, action, ...}].
-- Changes nothing.
create or replace function public.actp_list_routines(p_id text default null) returns jsonb
language sql volatile set search_path = '' set timezone = 'UTC' as $$
  with now as (select public.actp_schedule_now() as at), living as materialized (
    select s.worker_id, s.routines, s.off from public.actp_schedulers s, now where s.seen_at > now.at - interval '2 minutes'
  ), held as materialized (
    select h.id, jsonb_agg(h.worker_id order by h.worker_id) as workers, bool_or(h.enabled) as enabled from (
      select unnest(l.routines) as id, l.worker_id, true as enabled from living l
      union all select unnest(l.off), l.worker_id, false from living l) h
    where p_id is null or h.id = p_id group by h.id
  )
  select coalesce(jsonb_agg(r.definition - 'rules' || jsonb_build_object('id', r.id, 'now', now.at, 'anchor', r.anchor,
    'handled_until', r.handled_until, 'workers', coalesce(h.workers, '[]'), 'configured_on', coalesce(h.enabled, false),
    'switched', r.switched, 'switched_at', r.switched_at, 'switched_by', r.switched_by, 'switched_reason', r.switched_reason,
    'failures', r.failures, 'rests_until', r.rests_until,
    'counts', jsonb_build_object('runs', r.runs, 'failed', r.failed, 'missed', r.missed, 'skipped', r.skipped),
    'open_runs', (select coalesce(jsonb_agg(public.actp_run_json(o) order by o.recorded_at), '[]') from public.actp_routine_runs o
      where o.routine_id = r.id and o.status in ('running', 'waiting')),
    'last_run', (select public.actp_run_json(l) from public.actp_routine_runs l
      where l.routine_id = r.id and l.status not in ('running', 'waiting') order by l.recorded_at desc, l.id desc limit 1)
    ) order by r.id), '[]')
  from public.actp_routines r cross join now left join held h on h.id = r.id where p_id is null or r.id = p_id
$$;

-- Runs of a routine (or all), newest first. p_before: the id of the last one seen.
create or replace function public.actp_list_routine_runs(
  p_routine_id text default null, p_status text default null, p_limit integer default 50, p_before uuid default null
) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(public.actp_run_json(r) order by r.recorded_at desc, r.id desc), '[]') from (
    select * from public.actp_routine_runs o
    where (p_routine_id is null or o.routine_id = p_routine_id) and (p_status is null or o.status = p_status)
      and (p_before is null or (o.recorded_at, o.id) < (select b.recorded_at, b.id from public.actp_routine_runs b where b.id = p_before))
    order by o.recorded_at desc, o.id desc limit least(greatest(p_limit, 1), 500)
  ) r
$$;

create or replace function public.actp_get_routine_run(p_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare v_run public.actp_routine_runs;
begin
  select * into v_run from public.actp_routine_runs r where r.id = p_id;
  if not found then
    raise exception 'there is no run %', p_id using errcode = 'PT404';
  end if;
  return public.actp_run_json(v_run);
end $$;

-- Deletes one batch of ended runs older than so many days, and skips what has waited for a day. → {deleted, more}
create or replace function public.actp_prune_routine_runs(p_days integer, p_limit integer default 1000) returns jsonb
language plpgsql set search_path = '' as $$
declare v_now timestamptz := public.actp_schedule_now(); v_deleted integer;
begin
  if coalesce(p_days, 0) < 1 or coalesce(p_limit, 0) not between 1 and 10000 then
    raise exception 'p_days must be above 0, and p_limit 1 to 10000' using errcode = 'PT400';
  end if;
  update public.actp_routine_runs set status = 'skipped', error = 'no worker that has the routine came for it within a day'
  where status = 'waiting' and recorded_at < v_now - interval '1 day' and not exists (
    select from public.actp_schedulers s where s.seen_at > v_now - interval '2 minutes'
      and (routine_id = any (s.routines) or routine_id = any (s.off)));
  delete from public.actp_routine_runs where id in (select r.id from public.actp_routine_runs r
    where r.recorded_at < v_now - make_interval(days => p_days) and r.status not in ('running', 'waiting')
    order by r.recorded_at limit p_limit);
  get diagnostics v_deleted = row_count;
  delete from public.actp_schedulers where seen_at < v_now - make_interval(days => p_days);
  return jsonb_build_object('deleted', v_deleted, 'more', v_deleted = p_limit);
end $$;

select public.actp_grant_access(
  '{}',
  array['actp_run_routine', 'actp_switch_routine', 'actp_list_routines', 'actp_list_routine_runs', 'actp_get_routine_run',
    'actp_prune_routine_runs']);
notify pgrst, 'reload schema';
