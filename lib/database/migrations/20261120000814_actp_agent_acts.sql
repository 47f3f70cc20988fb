-- Outward acts of agents: proposed by a tool call, done once they have been agreed to, maybe after the agent's run is
-- over. What a platform allows is kept here, outside the model: limits, and pauses after it has refused.

alter table public.actp_outward_acts
  -- What is called when it has been agreed to.
  add column if not exists tool_name text,
  add column if not exists tool_input jsonb,
  -- How often it surely did not happen, and not before when it is tried again.
  add column if not exists attempts integer not null default 0,
  add column if not exists not_before timestamptz,
  -- What the agent has been told of it last.
  add column if not exists told_status text;
-- failed: an agent's act that surely did not happen and is not tried again.
alter table public.actp_outward_acts drop constraint if exists actp_outward_acts_status_check;
alter table public.actp_outward_acts add constraint actp_outward_acts_status_check
  check (status in ('proposed', 'approved', 'rejected', 'begun', 'done', 'failed'));
create index if not exists actp_outward_acts_agent on public.actp_outward_acts (agent_id, requested_at)
  where source = 'agent';
create index if not exists actp_outward_acts_begun on public.actp_outward_acts (platform, begun_at)
  where status in ('begun', 'done');

-- What is being done right now cannot be decided about. An hour later its process surely is gone.
create or replace function public.actp_guard_agent_act() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'approval %: the act is being done right now', old.id using errcode = 'PT409';
end $$;
create or replace trigger actp_outward_acts_in_progress before update on public.actp_outward_acts
  for each row when (old.source = 'agent' and old.status = 'begun' and old.ended_at is null
    and old.begun_at > now() - interval '1 hour' and new.decided_at is distinct from old.decided_at)
  execute function public.actp_guard_agent_act();

-- At most max_acts of these kinds in any window of so many seconds, by all agents together.
create table if not exists public.actp_platform_limits (
  name text primary key,
  platform text not null,
  kinds text[] not null,
  max_acts integer not null check (max_acts >= 0),
  window_seconds integer not null check (window_seconds > 0)
);
insert into public.actp_platform_limits (name, platform, kinds, max_acts, window_seconds) values
  ('LinkedIn connection requests', 'linkedin', '{connection_request,connect}', 10, 86400),
  ('Instagram comments', 'instagram', '{comment,reply}', 20, 3600)
on conflict (name) do nothing;

create table if not exists public.actp_platform_pauses (
  platform text primary key,
  until timestamptz not null,
  reason text,
  paused_at timestamptz not null default now()
);

-- Nothing is done on the platform for so many minutes; a longer pause stays as it is → {platform, until, reason}
create or replace function public.actp_pause_platform(p_platform text, p_minutes integer default 60, p_reason text default null)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_pause public.actp_platform_pauses;
begin
  if length(coalesce(p_platform, '')) not between 1 and 100 or coalesce(p_minutes, 0) not between 1 and 10080 then
    raise exception 'p_platform must not be empty, and p_minutes must be 1 to 10080' using errcode = 'PT400';
  end if;
  insert into public.actp_platform_pauses as p (platform, until, reason)
  values (lower(p_platform), now() + make_interval(mins => p_minutes), left(p_reason, 1000))
  on conflict (platform) do update set until = greatest(p.until, excluded.until), paused_at = now(),
    reason = coalesce(excluded.reason, p.reason)
  returning * into v_pause;
  return to_jsonb(v_pause);
end $$;

create or replace function public.actp_resume_platform(p_platform text) returns jsonb
language plpgsql set search_path = '' as $$
begin
  delete from public.actp_platform_pauses where platform = lower(p_platform);
  return jsonb_build_object('platform', lower(p_platform), 'resumed', found);
end $$;

-- The pauses that are in force → [{platform, until, reason, paused_at}]
create or replace function public.actp_list_platform_pauses() returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.platform), '[]') from public.actp_platform_pauses p where p.until > now()
$$;

-- p_act: as for actp_request_act, with source 'agent', task_id the run's id, agent_id, tool_name and tool_input.
-- p_rule: {name, per_day} of the rule that trusts acts like it, which holds for so many a day (UTC).
-- p_holder: the process that asks.
create or replace function public.actp_request_agent_act(
  p_act jsonb, p_expires_seconds double precision, p_holder text, p_rule jsonb default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_act jsonb; v_by text := 'rule ' || (p_rule ->> 'name');
begin
  if coalesce(p_act ->> 'agent_id', '') = '' or coalesce(p_act ->> 'tool_name', '') = '' then
    raise exception 'p_act needs agent_id and tool_name' using errcode = 'PT400';
  end if;
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('actp_request_agent_act'));
  v_act := public.actp_request_act(p_act || '{"source": "agent"}', p_holder, p_expires_seconds);
  update public.actp_outward_acts set tool_name = p_act ->> 'tool_name', tool_input = p_act -> 'tool_input'
  where id = (v_act ->> 'id')::uuid and tool_name is null;
  if v_act ->> 'status' = 'proposed' and v_by is not null and (
    select count(*) from public.actp_outward_acts
    where source = 'agent' and agent_id = p_act ->> 'agent_id' and decided_by = v_by and decided_at >= date_trunc('day', now())
  ) < (p_rule ->> 'per_day')::integer then
    update public.actp_outward_acts a set status = 'approved', decided_at = now(), decided_by = v_by
    where id = (v_act ->> 'id')::uuid returning public.actp_act_json(a) into v_act;
  end if;
  return v_act;
end $$;

-- What an agent has to do now: agreed to, due, and on no platform that is paused. Oldest word first.
create or replace function public.actp_agent_due_acts(p_agent_id text, p_limit integer default 20) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(public.actp_act_json(a) order by a.decided_at, a.id), '[]') from (
    select o.* from public.actp_outward_acts o
    where o.source = 'agent' and o.agent_id = p_agent_id and o.status = 'approved' and o.closed_at is null
      and o.tool_name is not null and (o.not_before is null or o.not_before <= now())
      and not exists (select from public.actp_platform_pauses p where p.platform = lower(o.platform) and p.until > now())
    order by o.decided_at, o.id limit least(greatest(p_limit, 1), 100)
  ) a
$$;

-- The process with this fence does it now → {begun, reason?, until?}: reason is changed (decided otherwise, or begun by
-- another), paused or limit.
create or replace function public.actp_begin_agent_act(p_id uuid, p_fence text) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_act public.actp_outward_acts; v_until timestamptz; v_limit public.actp_platform_limits;
begin
  select * into v_act from public.actp_outward_acts where id = p_id and source = 'agent';
  if not found then
    raise exception 'there is no approval % of an agent', p_id using errcode = 'PT404';
  end if;
  -- One at a time on a platform: no two of them take the last place under a limit.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('actp_begin_agent_act'), pg_catalog.hashtext(coalesce(lower(v_act.platform), '')));
  select until into v_until from public.actp_platform_pauses where platform = lower(v_act.platform) and until > now();
  if found then
    return jsonb_build_object('begun', false, 'reason', 'paused', 'until', v_until);
  end if;
  for v_limit in select * from public.actp_platform_limits l where l.platform = lower(v_act.platform) and v_act.kind = any (l.kinds) loop
    -- When enough of those in the window are out of it.
    select b.begun_at + make_interval(secs => v_limit.window_seconds) into v_until from public.actp_outward_acts b
    where lower(b.platform) = v_limit.platform and b.kind = any (v_limit.kinds) and b.status in ('begun', 'done')
      and b.begun_at > now() - make_interval(secs => v_limit.window_seconds) and b.id <> p_id
    order by b.begun_at desc offset greatest(v_limit.max_acts - 1, 0) limit 1;
    if found or v_limit.max_acts = 0 then
      v_until := coalesce(v_until, now() + make_interval(secs => v_limit.window_seconds));
      update public.actp_outward_acts set not_before = v_until where id = p_id and status = 'approved';
      return jsonb_build_object('begun', false, 'reason', 'limit', 'limit', v_limit.name, 'until', v_until);
    end if;
  end loop;
  update public.actp_outward_acts set status = 'begun', fence = p_fence, begun_at = now(), ended_at = null, error = null
  where id = p_id and status = 'approved' and closed_at is null;
  return jsonb_build_object('begun', found) || case when found then '{}' else '{"reason": "changed"}'::jsonb end;
end $$;

-- How it ended. p_outcome: done; retry: it surely did not happen, and is tried again up to three times; failed: it surely
-- did not and never will; uncertain: nobody knows, and only a person can say → {status}, null when it is not this fence's.
create or replace function public.actp_end_agent_act(
  p_id uuid, p_fence text, p_outcome text, p_result jsonb default null, p_error text default null
) returns jsonb
language plpgsql set search_path = '' as $$
declare v_status text;
begin
  if p_outcome not in ('done', 'retry', 'failed', 'uncertain') then
    raise exception 'p_outcome must be done, retry, failed or uncertain' using errcode = 'PT400';
  end if;
  update public.actp_outward_acts a set
    status = case when p_outcome = 'done' then 'done' when p_outcome = 'uncertain' then 'begun'
      when p_outcome = 'retry' and a.attempts < 2 then 'approved' else 'failed' end,
    attempts = a.attempts + case when p_outcome in ('retry', 'failed') then 1 else 0 end,
    result = case when p_outcome = 'done' then p_result end, error = left(p_error, 4000), ended_at = now()
  where a.id = p_id and a.fence = p_fence and (a.status = 'begun' or (p_outcome = 'done' and a.status = 'done'))
  returning a.status into v_status;
  update public.actp_outward_acts set begun_at = null, fence = null,
    not_before = case when status = 'approved' then now() + make_interval(mins => power(2, attempts)::integer) end,
    closed_at = case when status = 'failed' then now() end
  where id = p_id and v_status in ('approved', 'failed');
  return jsonb_build_object('status', v_status);
end $$;

-- What the agent has not been told yet of its proposals: decisions and results, oldest first. p_holder: its process, whose
-- own acts in progress are no news.
create or replace function public.actp_agent_news(p_agent_id text, p_holder text) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', n.id, 'status', n.now_status, 'tool_name', n.tool_name, 'kind', n.kind,
    'platform', n.platform, 'summary', n.summary, 'decided_by', n.decided_by, 'reason', n.decision_reason,
    'result', n.result, 'error', n.error, 'requested_at', n.requested_at) order by n.requested_at, n.id), '[]')
  from (
    select o.*, s.now_status from public.actp_outward_acts o cross join lateral (select case
      when o.status = 'proposed' and o.expires_at <= now() then 'expired'
      when o.status = 'begun' and (o.ended_at is not null or not starts_with(coalesce(o.fence, ''), p_holder)) then 'uncertain'
      when o.status = 'begun' then 'approved'
      else o.status end as now_status) s
    where o.source = 'agent' and o.agent_id = p_agent_id and s.now_status <> coalesce(o.told_status, 'proposed')
      and o.requested_at > now() - interval '30 days'
    order by o.requested_at, o.id limit 50
  ) n
$$;

-- p_told: [{id, status}] as actp_agent_news gave them.
create or replace function public.actp_agent_told(p_told jsonb) returns boolean
language plpgsql set search_path = '' as $$
begin
  update public.actp_outward_acts a set told_status = t.status
  from jsonb_to_recordset(p_told) as t(id uuid, status text) where a.id = t.id;
  return true;
end $$;

select public.actp_grant_access(
  array['actp_platform_limits', 'actp_platform_pauses'],
  array['actp_guard_agent_act', 'actp_pause_platform', 'actp_resume_platform', 'actp_list_platform_pauses', 'actp_request_agent_act', 'actp_agent_due_acts',
    'actp_begin_agent_act', 'actp_end_agent_act', 'actp_agent_news', 'actp_agent_told']);
notify pgrst, 'reload schema';
