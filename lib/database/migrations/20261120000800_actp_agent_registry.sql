-- The registry of agents: which there are, which worker runs each, how it fares, whether it is to be restarted; and the
-- record of their crashes, which outlives the worker.
--
-- An agent runs on one worker at a time: the one that registered it last, until it says goodbye or is silent for 90 s.

create table if not exists public.actp_agent_registry (
  id uuid primary key default gen_random_uuid(),
  agent_id text unique not null,
  name text,
  entry_point text,
  capabilities jsonb,
  health_url text,
  status text default 'stopped',
  registered_at timestamptz default now(),
  last_seen timestamptz default now(),
  needs_restart boolean default false,
  last_heartbeat timestamptz,
  health jsonb
);

alter table public.actp_agent_registry
  -- Who runs it; null: nobody, it may be taken.
  add column if not exists worker_id text,
  add column if not exists hostname text,
  add column if not exists restart_reason text,
  -- Since when it has been in its status, and why, where there is something to say.
  add column if not exists status_since timestamptz,
  add column if not exists status_reason text,
  -- A manual start: crashes before it no longer delay restarts.
  add column if not exists crashes_cleared_at timestamptz;

-- Runs, as the deployment has them. A crash of an agent's process is a row of kind 'crash'.
create table if not exists public.actp_agent_runs (
  id uuid primary key default gen_random_uuid(),
  agent_id text,
  agent_type text,
  goal text,
  status text,
  tools_used jsonb,
  iterations integer,
  outcome text,
  duration_ms integer,
  started_at timestamptz default now(),
  completed_at timestamptz
);
alter table public.actp_agent_runs
  add column if not exists kind text not null default 'run',
  add column if not exists worker_id text;
create index if not exists actp_agent_runs_crashes on public.actp_agent_runs (agent_id, completed_at) where kind = 'crash';
create index if not exists actp_agent_runs_started on public.actp_agent_runs (agent_id, started_at desc) where kind = 'run';

-- Whether another worker than this one runs the agent now.
create or replace function public.actp_agent_is_held(p_agent public.actp_agent_registry, p_worker_id text) returns boolean
language sql stable set search_path = '' as $$
  select p_agent.worker_id is not null and p_agent.worker_id <> p_worker_id and p_agent.status is distinct from 'stopped'
    and p_agent.last_seen > now() - interval '90 seconds'
$$;

-- p_agents: [{agent_id, name, entry_point?, capabilities?, health_url?}] → [{agent_id, held_by}]: held_by null where this
-- worker may run it now, else who runs it.
create or replace function public.actp_register_agents(p_worker_id text, p_hostname text, p_agents jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_agent jsonb; v_row public.actp_agent_registry; v_answer jsonb := '[]'; v_held boolean;
begin
  if coalesce(p_worker_id, '') = '' or jsonb_typeof(p_agents) is distinct from 'array' then
    raise exception 'p_worker_id and a list p_agents are needed' using errcode = 'PT400';
  end if;
  -- In the order of their ids, so that two workers that register at once do not wait for each other.
  for v_agent in select a from jsonb_array_elements(p_agents) a order by a ->> 'agent_id' loop
    if coalesce(v_agent ->> 'agent_id', '') = '' then
      raise exception 'every agent needs an agent_id' using errcode = 'PT400';
    end if;
    insert into public.actp_agent_registry (agent_id, status) values (v_agent ->> 'agent_id', 'stopped')
    on conflict (agent_id) do nothing;
    select * into v_row from public.actp_agent_registry where agent_id = v_agent ->> 'agent_id' for update;
    v_held := public.actp_agent_is_held(v_row, p_worker_id);
    if not v_held then
      update public.actp_agent_registry set
        name = v_agent ->> 'name', entry_point = v_agent ->> 'entry_point', capabilities = v_agent -> 'capabilities',
        health_url = v_agent ->> 'health_url', worker_id = p_worker_id, hostname = p_hostname,
        -- A restart that was asked of an earlier process is done with by the start of this one.
        needs_restart = case when v_row.worker_id is not distinct from p_worker_id and v_row.status is distinct from 'stopped'
          then needs_restart else false end,
        status = case when v_row.worker_id is distinct from p_worker_id then 'stopped' else v_row.status end,
        last_seen = now(), registered_at = case when v_row.worker_id is distinct from p_worker_id then now() else registered_at end
      where agent_id = v_row.agent_id;
    end if;
    v_answer := v_answer || jsonb_build_object('agent_id', v_row.agent_id, 'held_by', case when v_held then v_row.worker_id end);
  end loop;
  return v_answer;
end $$;

-- → false where this worker no longer runs it.
create or replace function public.actp_set_agent_status(
  p_agent_id text, p_worker_id text, p_status text, p_reason text default null
) returns boolean
language plpgsql set search_path = '' as $$
begin
  if p_status not in ('starting', 'running', 'backing off', 'restarting', 'stopping', 'stopped', 'crashed') then
    raise exception 'p_status % is none of an agent', p_status using errcode = 'PT400';
  end if;
  update public.actp_agent_registry set status = p_status, status_reason = left(p_reason, 1000), last_seen = now(),
    status_since = case when status is distinct from p_status then now() else status_since end,
    -- Of a process that is gone nothing is known any more.
    health = case when p_status in ('stopped', 'crashed', 'backing off') then null else health end
  where agent_id = p_agent_id and worker_id = p_worker_id;
  return found;
end $$;

-- Asks the worker that runs the agent to restart it, or takes that back. → false where there is no such agent.
create or replace function public.actp_set_agent_needs_restart(
  p_agent_id text, p_needs_restart boolean default true, p_reason text default null
) returns boolean
language plpgsql set search_path = '' as $$
begin
  update public.actp_agent_registry set needs_restart = p_needs_restart,
    restart_reason = case when p_needs_restart then left(p_reason, 1000) end
  where agent_id = p_agent_id;
  return found;
end $$;

-- The agents of this worker that are to be restarted: [{agent_id, reason}]. Asking takes the wish back, so that it is
-- obeyed once.
create or replace function public.actp_take_restart_requests(p_worker_id text) returns jsonb
language plpgsql set search_path = '' as $$
declare v_answer jsonb;
begin
  if not exists (select from public.actp_agent_registry where worker_id = p_worker_id and needs_restart) then
    return '[]'; -- nothing is written while nobody asks
  end if;
  with taken as (
    update public.actp_agent_registry r set needs_restart = false, restart_reason = null
    from (select agent_id, restart_reason from public.actp_agent_registry
      where worker_id = p_worker_id and needs_restart order by agent_id for update) old
    where r.agent_id = old.agent_id
    returning r.agent_id, old.restart_reason
  )
  select coalesce(jsonb_agg(jsonb_build_object('agent_id', agent_id, 'reason', restart_reason) order by agent_id), '[]')
  into v_answer from taken;
  return v_answer;
end $$;

-- The worker lives, and so do its agents. p_agents: [{agent_id, status, alive, health?}]: `alive` tells whether the agent
-- itself has been heard of. → the ids of those that this worker no longer runs, with who does: [{agent_id, held_by}].
create or replace function public.actp_heartbeat_agents(p_worker_id text, p_agents jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_lost jsonb;
begin
  perform from public.actp_agent_registry where agent_id in (select a ->> 'agent_id' from jsonb_array_elements(p_agents) a)
  order by agent_id for update;
  update public.actp_agent_registry r set last_seen = now(), status = a.value ->> 'status',
    last_heartbeat = case when (a.value ->> 'alive')::boolean then now() else last_heartbeat end,
    health = case when (a.value ->> 'alive')::boolean then a.value -> 'health' else health end
  from jsonb_array_elements(p_agents) a
  where r.agent_id = a.value ->> 'agent_id' and r.worker_id = p_worker_id;
  select coalesce(jsonb_agg(jsonb_build_object('agent_id', a.value ->> 'agent_id', 'held_by', r.worker_id)), '[]') into v_lost
  from jsonb_array_elements(p_agents) a
  left join public.actp_agent_registry r on r.agent_id = a.value ->> 'agent_id'
  where r.worker_id is distinct from p_worker_id;
  return v_lost;
end $$;

-- This worker runs none of its agents any more. → how many those were.
create or replace function public.actp_deregister_agents(p_worker_id text) returns integer
language plpgsql set search_path = '' as $$
declare v_count integer;
begin
  update public.actp_agent_registry set status = 'stopped', status_reason = null, worker_id = null, last_seen = now(),
    needs_restart = false, restart_reason = null, health = null,
    status_since = case when status is distinct from 'stopped' then now() else status_since end
  where worker_id = p_worker_id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;

-- Agents that should be alive and have not been heard of for so long, or whose worker has not.
create or replace function public.actp_stale_agents(p_seconds double precision default 90) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(jsonb_build_object('agent_id', agent_id, 'worker_id', worker_id, 'status', status,
    'last_heartbeat', last_heartbeat, 'last_seen', last_seen) order by agent_id), '[]')
  from public.actp_agent_registry
  where status is distinct from 'stopped' and (last_seen < now() - make_interval(secs => p_seconds)
    or (status = 'running' and last_heartbeat < now() - make_interval(secs => p_seconds)))
$$;

-- An agent's process has ended as it should not. p_age_seconds: how long ago, where it could not be told at once. The
-- same p_id is recorded once. → whether it was new.
create or replace function public.actp_record_agent_crash(
  p_id uuid, p_agent_id text, p_worker_id text, p_reason text, p_ran_ms double precision default null,
  p_age_seconds double precision default 0
) returns boolean
language plpgsql set search_path = '' as $$
declare v_at timestamptz := now() - make_interval(secs => greatest(p_age_seconds, 0));
begin
  insert into public.actp_agent_runs (id, kind, agent_id, agent_type, worker_id, status, outcome, duration_ms, started_at, completed_at)
  values (p_id, 'crash', p_agent_id, p_agent_id, p_worker_id, 'crashed', left(p_reason, 1000), least(p_ran_ms, 2147483647)::integer,
    v_at - make_interval(secs => coalesce(p_ran_ms, 0) / 1000), v_at)
  on conflict (id) do nothing;
  return found;
end $$;

-- What is to be known of agents when their worker starts: {agent_id: {crash_ages: [seconds, …] of the last 24 hours,
-- cleared_age: seconds since a manual start, last_run_at}}. Ages and not times, since the clocks of workers differ.
create or replace function public.actp_agent_past(p_agent_ids text[]) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_object_agg(w.agent_id, jsonb_build_object(
    'crash_ages', (select coalesce(jsonb_agg(a.age order by a.age desc), '[]') from (
      select extract(epoch from now() - c.completed_at)::double precision as age from public.actp_agent_runs c
      where c.kind = 'crash' and c.agent_id = w.agent_id and c.completed_at > now() - interval '24 hours'
      order by c.completed_at desc limit 1000) a),
    'cleared_age', extract(epoch from now() - r.crashes_cleared_at)::double precision,
    'last_run_at', (select max(x.started_at) from public.actp_agent_runs x where x.kind = 'run' and x.agent_id = w.agent_id)
  )), '{}')
  from unnest(p_agent_ids) w (agent_id)
  left join public.actp_agent_registry r on r.agent_id = w.agent_id
$$;

-- A manual start: earlier crashes no longer delay restarts.
create or replace function public.actp_clear_agent_crashes(p_agent_id text) returns boolean
language plpgsql set search_path = '' as $$
begin
  update public.actp_agent_registry set crashes_cleared_at = now() where agent_id = p_agent_id;
  return found;
end $$;

-- All agents that were ever registered, as they fared last. `status` is 'stale' where the worker has fallen silent.
create or replace function public.actp_list_agents() returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(r) - 'id' - 'crashes_cleared_at' || jsonb_build_object(
    'status', case when r.status <> 'stopped' and r.last_seen < now() - interval '90 seconds' then 'stale' else r.status end,
    'crashes_24h', (select count(*) from public.actp_agent_runs c
      where c.kind = 'crash' and c.agent_id = r.agent_id and c.completed_at > now() - interval '24 hours'),
    'last_run_at', (select max(x.started_at) from public.actp_agent_runs x where x.kind = 'run' and x.agent_id = r.agent_id)
  ) order by r.agent_id), '[]')
  from public.actp_agent_registry r
$$;

-- One agent's last runs and crashes, newest first: {runs, crashes, tools: [{tool, calls, failed, average_ms}]}. What the
-- tools did is counted over the last 7 days.
create or replace function public.actp_agent_history(p_agent_id text, p_limit integer default 20) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare v_runs jsonb; v_crashes jsonb; v_tools jsonb := '[]';
begin
  select coalesce(jsonb_agg(to_jsonb(r) - 'kind' order by r.started_at desc), '[]') into v_runs from (
    select * from public.actp_agent_runs x where x.kind = 'run' and x.agent_id = p_agent_id
    order by x.started_at desc limit least(greatest(p_limit, 1), 500)) r;
  select coalesce(jsonb_agg(jsonb_build_object('at', c.completed_at, 'reason', c.outcome, 'ran_ms', c.duration_ms,
    'worker_id', c.worker_id) order by c.completed_at desc), '[]') into v_crashes from (
    select * from public.actp_agent_runs x where x.kind = 'crash' and x.agent_id = p_agent_id
    order by x.completed_at desc limit least(greatest(p_limit, 1), 500)) c;
  -- Made by a later migration, which may not have been applied yet.
  if to_regclass('public.actp_tool_call_log') is not null then
    execute $tools$
      select coalesce(jsonb_agg(to_jsonb(t) order by t.calls desc, t.tool), '[]') from (
        select l.tool_name as tool, count(*) as calls, count(*) filter (where not l.success) as failed,
          round(avg(l.duration_ms))::integer as average_ms
        from public.actp_tool_call_log l join public.actp_agent_runs r on r.id::text = l.run_id::text
        where r.agent_id = $1 and r.kind = 'run' and r.started_at > now() - interval '7 days'
        group by l.tool_name) t
    $tools$ into v_tools using p_agent_id;
  end if;
  return jsonb_build_object('runs', v_runs, 'crashes', v_crashes, 'tools', v_tools);
end $$;

select public.actp_grant_access(
  array['actp_agent_registry', 'actp_agent_runs'],
  array['actp_agent_is_held', 'actp_register_agents', 'actp_set_agent_status', 'actp_set_agent_needs_restart',
    'actp_take_restart_requests', 'actp_heartbeat_agents', 'actp_deregister_agents', 'actp_stale_agents',
    'actp_record_agent_crash', 'actp_agent_past', 'actp_clear_agent_crashes', 'actp_list_agents', 'actp_agent_history']);
notify pgrst, 'reload schema';
