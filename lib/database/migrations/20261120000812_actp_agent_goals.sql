-- Goals: what agents are asked to do. Claimed like tasks, with a lease and a fencing token, by one process at a time.
--
-- pending → running → succeeded | failed | cancelled
--    |  ↑______|  released, failed with attempts left, or the lease ran out
--    └→ expired | cancelled

create table if not exists public.actp_agent_tasks (
  id uuid primary key default gen_random_uuid(),
  agent_type text,
  goal text,
  context jsonb,
  status text default 'pending',
  priority text default 'NORMAL',
  created_at timestamptz default now(),
  claimed_at timestamptz,
  completed_at timestamptz
);
alter table public.actp_agent_tasks
  add column if not exists expires_at timestamptz,
  -- Higher runs first: CRITICAL 100, HIGH 75, NORMAL 50, LOW 25.
  add column if not exists priority_weight integer default 50,
  add column if not exists result jsonb,
  add column if not exists cancelled_reason text,
  -- Who asked: api, cli, a routine's id, or the agent that did.
  add column if not exists source text,
  add column if not exists claimed_by text,
  add column if not exists fence bigint not null default 0,
  add column if not exists lease_expires_at timestamptz,
  add column if not exists attempts integer not null default 0,
  add column if not exists max_attempts integer not null default 3,
  add column if not exists run_at timestamptz not null default now(),
  add column if not exists error text,
  add column if not exists cancel_requested_at timestamptz,
  add column if not exists idempotency_key text;
create index if not exists actp_agent_tasks_open on public.actp_agent_tasks (agent_type, status)
  where status in ('pending', 'running');
create index if not exists actp_agent_tasks_created on public.actp_agent_tasks (created_at desc, id desc);
create unique index if not exists actp_agent_tasks_idempotency
  on public.actp_agent_tasks (idempotency_key) where idempotency_key is not null;

-- Programs that only know the word leave the number at its default.
create or replace function public.actp_goal_weight(p_priority text, p_weight integer) returns integer
language sql immutable set search_path = '' as $$
  select case when coalesce(p_weight, 50) <> 50 then p_weight else case upper(coalesce(p_priority, ''))
    when 'CRITICAL' then 100 when 'HIGH' then 75 when 'LOW' then 25 else 50 end end
$$;

create or replace function public.actp_agent_task_json(t public.actp_agent_tasks) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select to_jsonb(t) - 'fence' || jsonb_build_object('token', t.fence::text)
$$;

-- p_task: {agent_type, goal, context?, priority?: CRITICAL | HIGH | NORMAL | LOW, expires_at?, run_at?, max_attempts?,
-- source?, idempotency_key?} → {id, created}. A known key returns the goal it made before.
create or replace function public.actp_enqueue_agent_task(p_task jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_id uuid; v_bad text; v_priority text := upper(coalesce(p_task ->> 'priority', 'NORMAL'));
begin
  v_bad := case
    when jsonb_typeof(p_task) is distinct from 'object' then 'p_task must be an object'
    when length(coalesce(p_task ->> 'agent_type', '')) not between 1 and 200 then 'agent_type must have 1 to 200 characters'
    when length(coalesce(p_task ->> 'goal', '')) not between 1 and 20000 then 'goal must have 1 to 20000 characters'
    when jsonb_typeof(coalesce(p_task -> 'context', '{}')) not in ('object', 'null') then 'context must be an object'
    when length((p_task -> 'context')::text) > 100000 then 'context must have at most 100000 characters'
    when v_priority not in ('CRITICAL', 'HIGH', 'NORMAL', 'LOW') then 'priority must be CRITICAL, HIGH, NORMAL or LOW'
    when p_task ->> 'expires_at' is not null and not public.actp_is_time(p_task ->> 'expires_at') then 'expires_at must be an ISO 8601 time'
    when p_task ->> 'run_at' is not null and not public.actp_is_time(p_task ->> 'run_at') then 'run_at must be an ISO 8601 time'
    when p_task ->> 'max_attempts' is not null and p_task ->> 'max_attempts' !~ '^([1-9]|[1-9]\d|100)$' then 'max_attempts must be 1 to 100'
    when length(p_task ->> 'idempotency_key') not between 1 and 200 then 'idempotency_key must have 1 to 200 characters'
    when length(p_task ->> 'source') > 200 then 'source must have at most 200 characters' end;
  if v_bad is not null then
    raise exception '%', v_bad using errcode = 'PT400';
  end if;
  insert into public.actp_agent_tasks (agent_type, goal, context, status, priority, priority_weight, expires_at, run_at,
    max_attempts, source, idempotency_key, created_at)
  values (p_task ->> 'agent_type', p_task ->> 'goal', coalesce(nullif(p_task -> 'context', 'null'), '{}'), 'pending', v_priority,
    public.actp_goal_weight(v_priority, null), (p_task ->> 'expires_at')::timestamptz,
    coalesce((p_task ->> 'run_at')::timestamptz, now()), coalesce((p_task ->> 'max_attempts')::integer, 3),
    p_task ->> 'source', p_task ->> 'idempotency_key', now())
  on conflict (idempotency_key) where idempotency_key is not null do nothing
  returning id into v_id;
  if v_id is null then
    select id into v_id from public.actp_agent_tasks where idempotency_key = p_task ->> 'idempotency_key';
    return jsonb_build_object('id', v_id, 'created', false);
  end if;
  perform public.actp_wake('goals:' || (p_task ->> 'agent_type'));
  return jsonb_build_object('id', v_id, 'created', true);
end $$;

-- Gives back what nobody holds any more. p_holders: the beginning of the names of holders that are surely gone, in
-- whose place p_except works now; without it, goals whose lease has run out.
create or replace function public.actp_rescue_agent_tasks(p_holders text default null, p_except text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare v_rescued jsonb;
begin
  with lost as materialized (
    select t.id from public.actp_agent_tasks t
    where t.status = 'running' and case when p_holders is null then coalesce(t.lease_expires_at, t.claimed_at, t.created_at) <= now()
      else starts_with(t.claimed_by, p_holders) and t.claimed_by is distinct from p_except end
    for update skip locked
  ), rescued as (
    update public.actp_agent_tasks t set
      status = case when t.cancel_requested_at is not null then 'cancelled' when t.attempts >= t.max_attempts then 'failed' else 'pending' end,
      completed_at = case when t.cancel_requested_at is not null or t.attempts >= t.max_attempts then now() end,
      error = format('attempt %s of %s: the agent stopped answering', t.attempts, t.max_attempts),
      claimed_by = null, lease_expires_at = null, run_at = now()
    from lost where t.id = lost.id returning t.id, t.status
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', id, 'status', status)), '[]') into v_rescued from rescued;
  update public.actp_agent_runs r set status = 'lost', completed_at = now(), error = 'its process ended in the middle',
    cost_usd = (select coalesce(sum(c.cost_usd), 0) from public.anthropic_cost_log c where c.run_id = r.id)
  where r.status = 'running' and (
    (p_holders is not null and starts_with(r.holder, p_holders) and r.holder is distinct from p_except)
    or r.task_id in (select (e ->> 'id')::uuid from jsonb_array_elements(v_rescued) e));
  -- An act that was being done may have happened or not: a person can tell.
  update public.actp_outward_acts set ended_at = now(), error = 'the agent''s process ended in the middle'
  where source = 'agent' and status = 'begun' and ended_at is null and p_holders is not null
    and starts_with(fence, p_holders) and (p_except is null or not starts_with(fence, p_except));
  return v_rescued;
end $$;

-- The most urgent due goal of an agent, as a list of one or none → [{id, token, goal, context, attempts, …}]
create or replace function public.actp_claim_agent_task(p_agent_type text, p_holder text, p_lease_seconds integer default 60)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_task public.actp_agent_tasks;
begin
  perform public.actp_check_claim(p_holder, p_lease_seconds);
  perform public.actp_rescue_agent_tasks();
  update public.actp_agent_tasks set status = 'expired', completed_at = now(), error = 'nobody took it before it expired'
  where agent_type = p_agent_type and status = 'pending' and expires_at <= now();
  select * into v_task from public.actp_agent_tasks
  where agent_type = p_agent_type and status = 'pending' and run_at <= now()
  order by public.actp_goal_weight(priority, priority_weight) desc, created_at, id limit 1 for update skip locked;
  if not found then
    return '[]';
  end if;
  update public.actp_agent_tasks set status = 'running', claimed_by = p_holder, claimed_at = now(), fence = fence + 1,
    attempts = attempts + 1, lease_expires_at = now() + make_interval(secs => p_lease_seconds)
  where id = v_task.id returning * into v_task;
  return jsonb_build_array(public.actp_agent_task_json(v_task));
end $$;

-- → "ok", "cancel" (stop and settle as cancelled) or "lost" (stop: another may hold it)
create or replace function public.actp_heartbeat_agent_task(p_id uuid, p_token text, p_lease_seconds integer default 60)
returns jsonb
language plpgsql set search_path = '' as $$
declare v_cancel timestamptz;
begin
  update public.actp_agent_tasks set lease_expires_at = now() + make_interval(secs => p_lease_seconds)
  where id = p_id and fence::text = p_token and status = 'running' returning cancel_requested_at into v_cancel;
  return to_jsonb(case when not found then 'lost' when v_cancel is not null then 'cancel' else 'ok' end);
end $$;

-- p_outcome: succeeded, failed, cancelled or released. → "settled", or "lost": somebody else's by now. Idempotent.
create or replace function public.actp_settle_agent_task(
  p_id uuid, p_token text, p_outcome text, p_result jsonb default null, p_error text default null, p_retry boolean default true
) returns jsonb
language plpgsql set search_path = '' as $$
declare v_again boolean;
begin
  if p_outcome not in ('succeeded', 'failed', 'cancelled', 'released') then
    raise exception 'p_outcome must be succeeded, failed, cancelled or released' using errcode = 'PT400';
  end if;
  update public.actp_agent_tasks t set
    status = case when p_outcome = 'succeeded' then 'succeeded'
      when p_outcome = 'cancelled' or t.cancel_requested_at is not null then 'cancelled'
      when p_outcome = 'released' or (p_retry and t.attempts < t.max_attempts) then 'pending' else 'failed' end,
    attempts = t.attempts - case when p_outcome = 'released' then 1 else 0 end,
    run_at = case when p_outcome = 'failed' then now() + make_interval(secs => least(3600, 30 * power(2, least(t.attempts, 10) - 1)))
      else now() end,
    result = coalesce(p_result, t.result), error = p_error, lease_expires_at = null
  where t.id = p_id and t.fence::text = p_token and t.status = 'running';
  if not found then
    select true into v_again from public.actp_agent_tasks
    where id = p_id and fence::text = p_token and status = p_outcome;
    return to_jsonb(case when v_again then 'settled' else 'lost' end);
  end if;
  update public.actp_agent_tasks set completed_at = case when status <> 'pending' then now() end,
    claimed_by = case when status = 'pending' then null else claimed_by end
  where id = p_id and fence::text = p_token;
  return '"settled"';
end $$;

-- A goal that waits is cancelled at once, one in progress at its next sign of life → the goal
create or replace function public.actp_cancel_agent_task(p_id uuid, p_reason text default null) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_task public.actp_agent_tasks;
begin
  update public.actp_agent_tasks set cancel_requested_at = now(), cancelled_reason = p_reason,
    status = case when status = 'pending' then 'cancelled' else status end,
    completed_at = case when status = 'pending' then now() else completed_at end
  where id = p_id and status in ('pending', 'running') returning * into v_task;
  if not found then
    select * into v_task from public.actp_agent_tasks where id = p_id;
    if not found then
      raise exception 'there is no goal %', p_id using errcode = 'PT404';
    end if;
    raise exception 'goal % is % already', p_id, v_task.status using errcode = 'PT409';
  end if;
  perform public.actp_wake('goals:' || v_task.agent_type);
  return public.actp_agent_task_json(v_task);
end $$;

create or replace function public.actp_get_agent_task(p_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare v_task public.actp_agent_tasks;
begin
  select * into v_task from public.actp_agent_tasks where id = p_id;
  if not found then
    raise exception 'there is no goal %', p_id using errcode = 'PT404';
  end if;
  return public.actp_agent_task_json(v_task);
end $$;

-- Newest first. p_before: the id of the last one seen.
create or replace function public.actp_list_agent_tasks(
  p_agent_type text default null, p_status text default null, p_limit integer default 50, p_before uuid default null
) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(public.actp_agent_task_json(t) order by t.created_at desc, t.id desc), '[]') from (
    select * from public.actp_agent_tasks a
    where (p_agent_type is null or a.agent_type = p_agent_type) and (p_status is null or a.status = p_status) and (p_before is null
      or (a.created_at, a.id) < (select b.created_at, b.id from public.actp_agent_tasks b where b.id = p_before))
    order by a.created_at desc, a.id desc limit least(greatest(p_limit, 1), 500)
  ) t
$$;

select public.actp_grant_access(
  array['actp_agent_tasks'],
  array['actp_goal_weight', 'actp_agent_task_json', 'actp_enqueue_agent_task', 'actp_rescue_agent_tasks', 'actp_claim_agent_task',
    'actp_heartbeat_agent_task', 'actp_settle_agent_task', 'actp_cancel_agent_task', 'actp_get_agent_task', 'actp_list_agent_tasks']);
notify pgrst, 'reload schema';
