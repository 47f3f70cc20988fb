-- Claiming hundreds of routines that are due together: with ids that are made before, what was recorded is looked up by a hash
-- and not compared with everything else, which took half of the time.

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
    select j.*, gen_random_uuid() as new_id, run.id as running_id, case when not j.fire then 'missed' when j.rests_until > v_now then 'skip'
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
    insert into public.actp_routine_runs (id, routine_id, due_at, status, worker_id, recorded_at, started_at, lease_expires_at, error)
    select m.new_id, m.id, m.until, case m.meeting when 'run' then 'running' when 'skip' then 'skipped' else 'waiting' end,
      case when m.meeting in ('run', 'skip') then p_worker_id end, v_now,
      case when m.meeting = 'run' then v_now end,
      case when m.meeting = 'run' then v_now + make_interval(secs => p_lease_seconds) end,
      case when m.meeting = 'skip' then m.why end
    from met m where m.fire on conflict do nothing returning id as run_id, routine_id
  ), stopped as (
    update public.actp_routine_runs r set cancel_reason = 'its next run is due'
    from met m join fired f on f.routine_id = m.id where r.id = m.running_id and m.meeting = 'cancel'
  ), ended as (
    select m.id, m.until, m.new_id as run_id,
      case when m.fire and m.new_id not in (select f.run_id from fired f) then 'missed' else m.meeting end as outcome,
      m.running_id, m.why, coalesce((m.missed ->> 'count')::integer, 0) as missed
    from met m
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

notify pgrst, 'reload schema';
