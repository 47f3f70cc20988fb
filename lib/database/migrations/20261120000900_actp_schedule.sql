-- Routines: what fires by itself. Workers compute due times; here it is decided, once for all of them, which worker runs
-- which. Everything due up to `handled_until` has been dealt with: it fired, was skipped, or was missed. Whoever deals
-- with more moves it on, from where it was read: of several workers one succeeds, and the others learn where it is now.
--
-- running → succeeded | failed | timed_out | cancelled | lost (its worker fell silent)
-- waiting → running | skipped (for the end of the run before it, or for a worker: run by hand)
-- missed, skipped: never ran

create table if not exists public.actp_routines (
  id text primary key,
  -- {description, schedule, action, missed, ..., rules: {overlap: {free, running, waiting}, restSeconds: [], maxFailures}}
  definition jsonb not null,
  -- When it was first known: where intervals without an anchor of their own count from.
  anchor timestamptz not null,
  handled_until timestamptz not null,
  -- A person's word, or that of too many failures; null: as configured.
  switched boolean,
  switched_at timestamptz,
  switched_by text,
  switched_reason text,
  -- In a row.
  failures integer not null default 0,
  rests_until timestamptz,
  runs bigint not null default 0,
  failed bigint not null default 0,
  missed bigint not null default 0,
  skipped bigint not null default 0
);

create table if not exists public.actp_routine_runs (
  id uuid primary key default gen_random_uuid(),
  routine_id text not null references public.actp_routines (id) on delete cascade,
  due_at timestamptz not null,
  by_hand boolean not null default false,
  requested_by text,
  status text not null check (status in
    ('waiting', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed')),
  worker_id text,
  recorded_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  lease_expires_at timestamptz,
  cancel_reason text,
  error text,
  result jsonb,
  -- Of missed runs: how many (at least, if missed_more), and the first of them; due_at is the last.
  missed_count integer,
  missed_more boolean,
  missed_from timestamptz
);
create unique index if not exists actp_routine_runs_due on public.actp_routine_runs (routine_id, due_at) where not by_hand;
create unique index if not exists actp_routine_runs_running on public.actp_routine_runs (routine_id) where status = 'running';
create index if not exists actp_routine_runs_open on public.actp_routine_runs (routine_id) where status in ('running', 'waiting');
create index if not exists actp_routine_runs_recorded on public.actp_routine_runs (recorded_at desc, id desc);
create index if not exists actp_routine_runs_history on public.actp_routine_runs (routine_id, recorded_at desc, id desc);

-- Which worker has which routines, and when its scheduler last showed itself.
create table if not exists public.actp_schedulers (
  worker_id text primary key,
  routines text[] not null,
  -- Those that its configuration switches off.
  off text[] not null,
  seen_at timestamptz not null
);

-- The time by which routines are due, the same for all workers whatever their clocks show.
create or replace function public.actp_schedule_now() returns timestamptz
language sql volatile set search_path = '' as $$ select pg_catalog.date_trunc('milliseconds', pg_catalog.clock_timestamp()) $$;

-- A hint to the workers that something has changed.
create or replace function public.actp_wake_schedulers(p_routine_id text) returns void
language sql volatile set search_path = '' as $$ select pg_catalog.pg_notify('actp_schedule', p_routine_id) $$;

create or replace function public.actp_run_json(r public.actp_routine_runs) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select to_jsonb(r) - 'lease_expires_at' - case when r.status = 'missed' then '{}'::text[]
    else '{missed_count,missed_more,missed_from}' end
$$;

-- Whether a living worker's configuration has the routine switched on; p_but: another one than this.
create or replace function public.actp_routine_is_on(p_id text, p_now timestamptz, p_but text default null) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.actp_schedulers s where p_id = any (s.routines)
    and s.seen_at > p_now - interval '2 minutes' and s.worker_id is distinct from p_but)
$$;

-- One more failure in a row: the routine rests, and is switched off when it was one too many. → {failures, off}
create or replace function public.actp_routine_failed(p_id text, p_now timestamptz, p_error text) returns jsonb
language plpgsql set search_path = '' as $$
declare v_routine public.actp_routines; v_rest jsonb; v_off boolean;
begin
  update public.actp_routines set failures = failures + 1, failed = failed + 1 where id = p_id returning * into v_routine;
  v_rest := v_routine.definition -> 'rules' -> 'restSeconds';
  v_off := v_routine.failures >= (v_routine.definition -> 'rules' ->> 'maxFailures')::integer
    and v_routine.switched is distinct from false;
  update public.actp_routines set
    rests_until = p_now + make_interval(secs =>
      coalesce((v_rest ->> (least(failures, jsonb_array_length(v_rest)) - 1))::double precision, 0)),
    switched = case when v_off then false else switched end,
    switched_at = case when v_off then p_now else switched_at end,
    switched_by = case when v_off then 'the scheduler' else switched_by end,
    switched_reason = case when v_off then format('%s failures in a row, the last: %s', failures, p_error) else switched_reason end
  where id = p_id;
  return jsonb_build_object('failures', v_routine.failures, 'off', v_off);
end $$;

-- Runs whose worker has fallen silent: they may have done their work or not, and are not repeated.
-- → [{run_id, routine_id, due_at, worker_id, failures, off}]
create or replace function public.actp_lose_routine_runs(p_now timestamptz) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_run record; v_lost jsonb := '[]'; v_failed jsonb;
begin
  for v_run in
    select r.id, r.routine_id, r.due_at, r.worker_id from public.actp_routine_runs r
    join public.actp_routines o on o.id = r.routine_id
    where r.status = 'running' and r.lease_expires_at <= p_now order by r.routine_id for update of o, r skip locked
  loop
    update public.actp_routine_runs set status = 'lost', ended_at = p_now, lease_expires_at = null,
      error = format('worker %s fell silent; it is not known what was done', worker_id) where id = v_run.id;
    v_failed := public.actp_routine_failed(v_run.routine_id, p_now, format('worker %s fell silent', v_run.worker_id));
    v_lost := v_lost || jsonb_build_object('run_id', v_run.id, 'routine_id', v_run.routine_id, 'due_at', v_run.due_at,
      'worker_id', v_run.worker_id, 'failures', v_failed -> 'failures', 'off', v_failed -> 'off');
  end loop;
  return v_lost;
end $$;

-- The worker's routines, all of them: [{id, definition, enabled}]. A routine that is new, has another schedule, or has just
-- been switched on in the configuration, has missed nothing before now.
-- → {now, routines: [{id, anchor, handled_until, switched}] in their order}
create or replace function public.actp_sync_routines(p_worker_id text, p_routines jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_now timestamptz := public.actp_schedule_now(); v_known boolean; v_had text[];
begin
  -- One at a time: they write the same rows.
  perform pg_advisory_xact_lock(hashtextextended('actp_sync_routines', 0));
  select true, s.routines into v_known, v_had from public.actp_schedulers s where s.worker_id = p_worker_id;
  insert into public.actp_routines as r (id, definition, anchor, handled_until)
  select g.id, g.definition, v_now, case when g.definition -> 'schedule' ? 'at' then 'epoch' else v_now end
  from jsonb_to_recordset(p_routines) as g(id text, definition jsonb) order by g.id
  on conflict (id) do update set definition = excluded.definition,
    handled_until = case when r.definition -> 'schedule' = excluded.definition -> 'schedule'
      or excluded.definition -> 'schedule' ? 'at' then r.handled_until else greatest(r.handled_until, v_now) end
  where r.definition is distinct from excluded.definition;
  if v_known then
    update public.actp_routines r set handled_until = greatest(r.handled_until, v_now)
    from jsonb_to_recordset(p_routines) as g(id text, enabled boolean)
    where r.id = g.id and g.enabled and not g.id = any (v_had) and r.switched is null
      and not r.definition -> 'schedule' ? 'at' and not public.actp_routine_is_on(r.id, v_now, p_worker_id);
  end if;
  insert into public.actp_schedulers (worker_id, routines, off, seen_at)
  select p_worker_id, coalesce(array_agg(g.id order by g.id) filter (where g.enabled), '{}'),
    coalesce(array_agg(g.id order by g.id) filter (where not g.enabled), '{}'), v_now
  from jsonb_to_recordset(p_routines) as g(id text, enabled boolean)
  on conflict (worker_id) do update set routines = excluded.routines, off = excluded.off, seen_at = excluded.seen_at;
  return jsonb_build_object('now', v_now, 'routines', (select coalesce(jsonb_agg(jsonb_build_object('id', r.id,
      'anchor', r.anchor, 'handled_until', r.handled_until, 'switched', r.switched) order by g.position), '[]')
    from jsonb_array_elements(p_routines) with ordinality as g(routine, position)
    join public.actp_routines r on r.id = g.routine ->> 'id'));
end $$;

-- The clock was set back, and these have been dealt with for times to come: they go on from now. What fired for one of
-- those times does not fire for it again. → [{id, switched, handled_until}]
create or replace function public.actp_rewind_routines(p_worker_id text, p_ids text[]) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_now timestamptz := public.actp_schedule_now();
begin
  perform from public.actp_routines r where r.id = any (p_ids) order by r.id for update;
  update public.actp_routines set handled_until = v_now, rests_until = null
  where id = any (p_ids) and handled_until > v_now + interval '1 minute';
  return (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'switched', r.switched, 'handled_until', r.handled_until)), '[]')
    from public.actp_routines r where r.id = any (p_ids));
end $$;

-- The worker's scheduler lives; its runs' leases are renewed, and those of silent workers are lost.
-- p_changes_since: the `now` of an earlier answer, for what was switched since (a little before it, since answers overtake
-- each other). → {known: false}: sync first; or {now, known, stop: [{run_id, reason}], gone: [run_id], lost: [...],
-- switched: [{id, switched, handled_until}], waiting: something may be started}
create or replace function public.actp_beat_scheduler(
  p_worker_id text, p_runs uuid[], p_lease_seconds double precision, p_changes_since timestamptz
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_now timestamptz := public.actp_schedule_now(); v_held uuid[]; v_stop jsonb; v_scheduler public.actp_schedulers;
begin
  update public.actp_schedulers set seen_at = v_now where worker_id = p_worker_id returning * into v_scheduler;
  if not found then
    return jsonb_build_object('known', false, 'now', v_now);
  end if;
  with held as (
    update public.actp_routine_runs r set lease_expires_at = v_now + make_interval(secs => p_lease_seconds)
    where r.id = any (p_runs) and r.worker_id = p_worker_id and r.status = 'running' returning r.id, r.cancel_reason
  )
  select coalesce(array_agg(h.id), '{}'),
    coalesce(jsonb_agg(jsonb_build_object('run_id', h.id, 'reason', h.cancel_reason)) filter (where h.cancel_reason is not null), '[]')
  into v_held, v_stop from held h;
  return jsonb_build_object('known', true, 'now', v_now, 'stop', v_stop,
    'gone', to_jsonb(array(select unnest(p_runs) except select unnest(v_held))),
    'lost', public.actp_lose_routine_runs(v_now),
    'switched', (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'switched', r.switched, 'handled_until', r.handled_until)), '[]')
      from public.actp_routines r where r.switched_at > p_changes_since - interval '1 minute'),
    'waiting', exists (select from public.actp_routine_runs w where w.status = 'waiting'
      and (w.routine_id = any (v_scheduler.routines) or w.routine_id = any (v_scheduler.off))));
end $$;

-- What the worker decided about due times that have passed.
-- p_claims: [{id, from, until, fire, missed?: {count, more, first, last}}]
-- → {now, lost, answers}, the answers in the order of the claims:
--   {outcome: run, run_id} | skip {why} | wait | cancel (run_id to be stopped, if it is this worker's) | missed |
--   moved {handled_until} (somebody else was first) | early (not due yet) | off (switched off) | unknown (sync first)
create or replace function public.actp_claim_routine_runs(p_worker_id text, p_claims jsonb, p_lease_seconds double precision)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_now timestamptz := public.actp_schedule_now(); v_lost jsonb; v_answers jsonb;
begin
  -- All in one order: no two workers wait for each other.
  perform from public.actp_routines o
  where o.id in (select c ->> 'id' from jsonb_array_elements(p_claims) c
    union select r.routine_id from public.actp_routine_runs r where r.status = 'running' and r.lease_expires_at <= v_now)
  order by o.id for update;
  v_lost := public.actp_lose_routine_runs(v_now);

  with judged as materialized (
    select c.*, o.handled_until, o.failures, o.rests_until, o.definition -> 'rules' -> 'overlap' as overlap, case
        when o.id is null then 'unknown' when o.switched is false then 'off' when o.handled_until <> c."from" then 'moved'
        when c.until > v_now then 'early' end as refusal
    from rows from (jsonb_to_recordset(p_claims) as (id text, "from" timestamptz, until timestamptz, fire boolean, missed jsonb))
      with ordinality as c(id, "from", until, fire, missed, position)
    left join public.actp_routines o on o.id = c.id
  ), met as materialized (
    select j.*, run.id as running_id, case when not j.fire then 'missed' when j.rests_until > v_now then 'skip'
        else j.overlap ->> case
          when exists (select from public.actp_routine_runs w where w.routine_id = j.id and w.status = 'waiting') then 'waiting'
          when run.id is not null then 'running' else 'free' end end as meeting,
      case when j.rests_until > v_now then format('rests after %s failures until %s', j.failures, j.rests_until)
        else 'the run before it was still in progress' end as why
    from judged j left join public.actp_routine_runs run on run.routine_id = j.id and run.status = 'running'
    where j.refusal is null
  ), recorded as (
    insert into public.actp_routine_runs (routine_id, due_at, status, worker_id, recorded_at, missed_count, missed_more, missed_from)
    select m.id, (m.missed ->> 'last')::timestamptz, 'missed', p_worker_id, v_now, (m.missed ->> 'count')::integer,
      (m.missed ->> 'more')::boolean, (m.missed ->> 'first')::timestamptz
    from met m where m.missed is not null on conflict do nothing
  ), fired as (
    -- Not where that time fired before the routine was changed, or the clock set back.
    insert into public.actp_routine_runs (routine_id, due_at, status, worker_id, recorded_at, started_at, lease_expires_at, error)
    select m.id, m.until, case m.meeting when 'run' then 'running' when 'skip' then 'skipped' else 'waiting' end,
      case when m.meeting in ('run', 'skip') then p_worker_id end, v_now,
      case when m.meeting = 'run' then v_now end,
      case when m.meeting = 'run' then v_now + make_interval(secs => p_lease_seconds) end,
      case when m.meeting = 'skip' then m.why end
    from met m where m.fire on conflict do nothing returning id as run_id, routine_id
  ), stopped as (
    update public.actp_routine_runs r set cancel_reason = 'its next run is due'
    from met m join fired f on f.routine_id = m.id where r.id = m.running_id and m.meeting = 'cancel'
  ), ended as (
    select m.id, m.until, f.run_id, case when m.fire and f.run_id is null then 'missed' else m.meeting end as outcome,
      m.running_id, m.why, coalesce((m.missed ->> 'count')::integer, 0) as missed
    from met m left join fired f on f.routine_id = m.id
  ), moved as (
    update public.actp_routines o set handled_until = e.until, runs = runs + (e.outcome = 'run')::integer,
      skipped = skipped + (e.outcome = 'skip')::integer, missed = o.missed + e.missed
    from ended e where o.id = e.id
  )
  select jsonb_agg(case
      when j.refusal in ('off', 'moved') then jsonb_build_object('outcome', j.refusal, 'handled_until', j.handled_until)
      when j.refusal is not null then jsonb_build_object('outcome', j.refusal)
      else jsonb_build_object('outcome', e.outcome, 'run_id', case e.outcome when 'cancel' then e.running_id else e.run_id end,
        'why', e.why) end order by j.position)
  into v_answers from judged j left join ended e on e.id = j.id;

  perform public.actp_wake_schedulers(c ->> 'id') from jsonb_array_elements(p_claims) with ordinality as e(c, position)
  where v_answers -> (position::integer - 1) ->> 'outcome' = 'cancel';
  return jsonb_build_object('now', v_now, 'lost', v_lost, 'answers', coalesce(v_answers, '[]'));
end $$;

-- Starts what waits for this worker's routines: runs by hand, and runs whose predecessor has ended.
-- → [{run_id, routine_id, due_at, by_hand}]
create or replace function public.actp_start_waiting_runs(p_worker_id text, p_lease_seconds double precision, p_limit integer default 100)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_now timestamptz := public.actp_schedule_now(); v_run record; v_started jsonb := '[]';
begin
  for v_run in
    select w.id, w.routine_id, w.due_at, w.by_hand, o.switched from public.actp_routine_runs w
    join public.actp_routines o on o.id = w.routine_id
    where w.status = 'waiting'
      and exists (select from public.actp_schedulers s where s.worker_id = p_worker_id
        and (w.routine_id = any (s.routines) or w.routine_id = any (s.off)))
      and not exists (select from public.actp_routine_runs r where r.routine_id = w.routine_id and r.status = 'running')
    order by w.routine_id, w.recorded_at limit p_limit for update of o, w skip locked
  loop
    if v_run.switched is false and not v_run.by_hand then
      update public.actp_routine_runs set status = 'skipped', error = 'the routine was switched off while it waited'
      where id = v_run.id;
      update public.actp_routines set skipped = skipped + 1 where id = v_run.routine_id;
      continue;
    end if;
    -- Of two that wait for one routine the second has to wait on, as has one that another worker has begun since.
    continue when exists (select from public.actp_routine_runs r where r.routine_id = v_run.routine_id and r.status = 'running');
    update public.actp_routine_runs set status = 'running', worker_id = p_worker_id, started_at = v_now,
      lease_expires_at = v_now + make_interval(secs => p_lease_seconds) where id = v_run.id and status = 'waiting';
    continue when not found;
    update public.actp_routines set runs = runs + 1 where id = v_run.routine_id;
    v_started := v_started || jsonb_build_object('run_id', v_run.id, 'routine_id', v_run.routine_id, 'due_at', v_run.due_at,
      'by_hand', v_run.by_hand);
  end loop;
  return v_started;
end $$;

-- How a run ended: succeeded, failed, timed_out or cancelled. May be told again.
-- → {recorded, status, failures, off, waiting}; recorded is false when the run was not this worker's any more.
create or replace function public.actp_end_routine_run(
  p_worker_id text, p_run_id uuid, p_status text, p_error text default null, p_result jsonb default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_now timestamptz := public.actp_schedule_now(); v_run public.actp_routine_runs; v_failed jsonb := '{"failures": 0, "off": false}';
begin
  if p_status not in ('succeeded', 'failed', 'timed_out', 'cancelled') then
    raise exception 'p_status must be succeeded, failed, timed_out or cancelled' using errcode = 'PT400';
  end if;
  -- The routine first, as everywhere.
  perform from public.actp_routines o where o.id = (select r.routine_id from public.actp_routine_runs r where r.id = p_run_id) for update;
  select * into v_run from public.actp_routine_runs where id = p_run_id for update;
  if not found or v_run.worker_id is distinct from p_worker_id or v_run.status <> 'running' then
    return jsonb_build_object('recorded', coalesce(v_run.worker_id = p_worker_id and v_run.status = p_status, false),
      'status', v_run.status, 'failures', 0, 'off', false, 'waiting', false);
  end if;
  update public.actp_routine_runs set status = p_status, ended_at = v_now, lease_expires_at = null, error = p_error, result = p_result
  where id = p_run_id;
  if p_status = 'succeeded' then
    update public.actp_routines set failures = 0, rests_until = null where id = v_run.routine_id and (failures > 0 or rests_until is not null);
  elsif p_status in ('failed', 'timed_out') then
    v_failed := public.actp_routine_failed(v_run.routine_id, v_now, coalesce(p_error, p_status));
  end if;
  return v_failed || jsonb_build_object('recorded', true, 'status', p_status, 'waiting', exists (
    select from public.actp_routine_runs where routine_id = v_run.routine_id and status = 'waiting'));
end $$;

select public.actp_grant_access(
  array['actp_routines', 'actp_routine_runs', 'actp_schedulers'],
  array['actp_schedule_now', 'actp_wake_schedulers', 'actp_run_json', 'actp_routine_is_on', 'actp_routine_failed',
    'actp_lose_routine_runs', 'actp_sync_routines', 'actp_rewind_routines', 'actp_beat_scheduler', 'actp_claim_routine_runs',
    'actp_start_waiting_runs', 'actp_end_routine_run']);
notify pgrst, 'reload schema';
