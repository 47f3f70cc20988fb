-- What needs a person now.

create index if not exists actp_notifications_failed on public.actp_notifications (created_at desc) where status = 'failed';

-- Of the last p_hours: tasks that failed for good and notifications that could not be sent; and now: routines that the
-- scheduler has switched off, and acts that wait for a word. Counts stop at 100, and look at the
-- newest 200 attempts; each list has the p_limit newest.
-- → {tasks: {count, newest}, notifications: {count, newest}, routines: [...], approvals: {count, oldest_at}}
create or replace function public.actp_attention(p_hours integer default 24, p_limit integer default 10) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_since timestamptz := now() - make_interval(hours => p_hours); v_answer jsonb;
begin
  with dead as materialized (
    -- The newest attempts first, and then their tasks: one that was retried since is not dead.
    select t.id, t.task_type, t.error, t.status, a.at from (
      select o.task_id, o.fence, o.ended_at as at from public.actp_task_attempts o
      where o.ended_at >= v_since order by o.ended_at desc limit 200
    ) a cross join lateral (
      select * from public.actp_workflow_tasks w where w.id = a.task_id and w.fence = a.fence and w.status in ('failed', 'timed_out')
    ) t order by a.at desc limit 100
  ), unsent as materialized (
    select n.id, n.channel, n.title, n.error, n.created_at as at from public.actp_notifications n
    where n.status = 'failed' and n.created_at >= v_since order by n.created_at desc limit 100
  ), off as (
    select r.id, r.switched_reason as reason, r.switched_at as at from public.actp_routines r
    where r.switched = false and r.switched_by = 'the scheduler' order by r.switched_at desc limit 100
  ), waiting as (
    select count(*) as n, min(o.requested_at) as oldest_at from (select a.requested_at from public.actp_outward_acts a
      where a.status = 'proposed' and a.expires_at > now() order by a.requested_at limit 100) o
  )
  select jsonb_build_object(
    'tasks', jsonb_build_object('count', (select count(*) from dead), 'newest', (select coalesce(jsonb_agg(to_jsonb(d) order by d.at desc), '[]')
      from (select id, task_type, status, left(error, 300) as error, at from dead order by at desc limit p_limit) d)),
    'notifications', jsonb_build_object('count', (select count(*) from unsent), 'newest', (select coalesce(jsonb_agg(to_jsonb(u) order by u.at desc), '[]')
      from (select id, channel, title, left(error, 300) as error, at from unsent order by at desc limit p_limit) u)),
    'routines', (select coalesce(jsonb_agg(to_jsonb(o) order by o.at desc), '[]') from off o),
    'approvals', (select jsonb_build_object('count', w.n, 'oldest_at', w.oldest_at) from waiting w))
  into v_answer;
  return v_answer;
end $$;

-- One act; as other lookups, it tells of one that is not there by an error.
create or replace function public.actp_get_act(p_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare v_act public.actp_outward_acts;
begin
  select * into v_act from public.actp_outward_acts a where a.id = p_id;
  if not found then
    raise exception 'there is no act %', p_id using errcode = 'PT404';
  end if;
  return public.actp_act_json(v_act);
end $$;

select public.actp_grant_access(array[]::text[], array['actp_attention', 'actp_get_act']);
notify pgrst, 'reload schema';
