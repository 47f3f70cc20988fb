-- What agents do: their runs, every call of a tool and of the model with its cost, and what they remember.
-- Additive to an existing deployment's tables. Days and months are in UTC.

-- status of a run: running, succeeded, failed, stopped (at a limit), cancelled, released or lost (its process ended in
-- the middle). outcome: what the agent said at the end.
alter table public.actp_agent_runs
  -- The goal's row, where it came from the table of goals.
  add column if not exists task_id uuid,
  -- The process that does it: worker/agent/its own id.
  add column if not exists holder text,
  add column if not exists model text,
  add column if not exists stop_reason text,
  add column if not exists error text,
  add column if not exists input_tokens bigint not null default 0,
  add column if not exists output_tokens bigint not null default 0,
  add column if not exists cache_read_tokens bigint not null default 0,
  add column if not exists cache_write_tokens bigint not null default 0,
  add column if not exists cost_usd numeric not null default 0;
create index if not exists actp_agent_runs_held on public.actp_agent_runs (holder) where status = 'running';

create table if not exists public.actp_tool_call_log (
  id uuid primary key default gen_random_uuid(),
  run_id uuid,
  tool_name text,
  tool_input jsonb,
  tool_result text,
  duration_ms integer,
  called_at timestamptz default now(),
  success boolean
);
alter table public.actp_tool_call_log add column if not exists agent_id text;
create index if not exists actp_tool_call_log_run on public.actp_tool_call_log (run_id, called_at);
create index if not exists actp_tool_call_log_agent on public.actp_tool_call_log (agent_id, called_at);

create table if not exists public.anthropic_cost_log (
  id uuid primary key default gen_random_uuid(),
  model text,
  input_tokens integer,
  output_tokens integer,
  cost_usd numeric,
  agent_id text,
  called_at timestamptz default now()
);
alter table public.anthropic_cost_log
  add column if not exists call_id uuid not null default gen_random_uuid(),
  add column if not exists run_id uuid,
  add column if not exists cache_read_tokens integer,
  add column if not exists cache_write_tokens integer,
  -- reserved: the call is on its way (or its process died), and the cost is the estimate; then done or failed.
  add column if not exists status text not null default 'done',
  add column if not exists stop_reason text,
  add column if not exists error text,
  add column if not exists duration_ms integer;
create unique index if not exists anthropic_cost_log_call on public.anthropic_cost_log (call_id);
create index if not exists anthropic_cost_log_called on public.anthropic_cost_log (called_at);
create index if not exists anthropic_cost_log_run on public.anthropic_cost_log (run_id) where run_id is not null;

create table if not exists public.actp_agent_memory (
  agent_id text not null,
  key text not null,
  value jsonb,
  updated_at timestamptz default now(),
  unique (agent_id, key)
);

-- p_run: {agent_id, agent_type?, goal, task_id?, holder?, worker_id?, model?} → {id}
create or replace function public.actp_begin_agent_run(p_run jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  if coalesce(p_run ->> 'agent_id', '') = '' or coalesce(p_run ->> 'goal', '') = '' then
    raise exception 'p_run needs agent_id and goal' using errcode = 'PT400';
  end if;
  insert into public.actp_agent_runs (agent_id, agent_type, goal, status, task_id, holder, worker_id, model, started_at)
  values (p_run ->> 'agent_id', coalesce(p_run ->> 'agent_type', p_run ->> 'agent_id'), p_run ->> 'goal', 'running',
    (p_run ->> 'task_id')::uuid, p_run ->> 'holder', p_run ->> 'worker_id', p_run ->> 'model', now())
  returning id into v_id;
  return jsonb_build_object('id', v_id);
end $$;

-- p_end: {status, stop_reason?, outcome?, error?, iterations?, tools_used?, duration_ms?}. Tokens and cost are the sums
-- of the run's model calls. → {cost_usd, input_tokens, output_tokens}; false in `ended` when it had ended before.
create or replace function public.actp_end_agent_run(p_run_id uuid, p_end jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_run public.actp_agent_runs; v_ended boolean;
begin
  update public.actp_agent_runs r set status = p_end ->> 'status', stop_reason = p_end ->> 'stop_reason',
    outcome = p_end ->> 'outcome', error = p_end ->> 'error', iterations = (p_end ->> 'iterations')::integer,
    tools_used = coalesce(p_end -> 'tools_used', '[]'), duration_ms = (p_end ->> 'duration_ms')::numeric::integer,
    completed_at = now(), input_tokens = c.input, output_tokens = c.output, cache_read_tokens = c.cache_read,
    cache_write_tokens = c.cache_write, cost_usd = c.cost
  from (select coalesce(sum(input_tokens), 0) as input, coalesce(sum(output_tokens), 0) as output,
      coalesce(sum(cache_read_tokens), 0) as cache_read, coalesce(sum(cache_write_tokens), 0) as cache_write,
      coalesce(sum(cost_usd), 0) as cost
    from public.anthropic_cost_log where run_id = p_run_id) c
  where r.id = p_run_id and r.status = 'running';
  v_ended := found;
  select * into v_run from public.actp_agent_runs where id = p_run_id;
  return jsonb_build_object('ended', v_ended, 'cost_usd', coalesce(v_run.cost_usd, 0),
    'input_tokens', coalesce(v_run.input_tokens, 0), 'output_tokens', coalesce(v_run.output_tokens, 0));
end $$;

-- p_call: {run_id, agent_id, tool_name, tool_input, tool_result, success, duration_ms}
create or replace function public.actp_log_tool_call(p_call jsonb) returns boolean
language plpgsql set search_path = '' as $$
begin
  insert into public.actp_tool_call_log (run_id, agent_id, tool_name, tool_input, tool_result, success, duration_ms, called_at)
  values ((p_call ->> 'run_id')::uuid, p_call ->> 'agent_id', p_call ->> 'tool_name', p_call -> 'tool_input',
    p_call ->> 'tool_result', (p_call ->> 'success')::boolean, (p_call ->> 'duration_ms')::numeric::integer, now());
  return true;
end $$;

-- What has been spent: by one run, by one agent today, by all agents this month; with what calls on their way may cost.
create or replace function public.actp_agent_spending(p_agent_id text default null, p_run_id uuid default null) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object(
    'run_usd', (select coalesce(sum(cost_usd), 0) from public.anthropic_cost_log where run_id = p_run_id),
    'day_usd', (select coalesce(sum(cost_usd), 0) from public.anthropic_cost_log
      where called_at >= date_trunc('day', now()) and (p_agent_id is null or agent_id = p_agent_id)),
    'month_usd', (select coalesce(sum(cost_usd), 0) from public.anthropic_cost_log where called_at >= date_trunc('month', now())))
$$;

-- Before a model call: reserves its estimated cost, unless that would be more than a budget leaves.
-- p_call: {run_id, agent_id, model, estimate_usd}; p_limits: {run_usd?, day_usd?, month_usd?}
-- → {allowed, call_id, budget, limit_usd, spent_usd, left_usd, month_usd}: left_usd is what the tightest budget leaves
-- before this call; null without any.
create or replace function public.actp_begin_model_call(p_call jsonb, p_limits jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_spent jsonb; v_estimate numeric := (p_call ->> 'estimate_usd')::numeric; v_tight record; v_id uuid; v_allowed boolean;
begin
  -- One at a time: no two agents spend the same rest of a budget.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('actp_begin_model_call'));
  v_spent := public.actp_agent_spending(p_call ->> 'agent_id', (p_call ->> 'run_id')::uuid);
  select b.budget, (p_limits ->> b.name)::numeric as limit_usd, (v_spent ->> b.name)::numeric as spent_usd into v_tight
  from (values ('run', 'run_usd'), ('day', 'day_usd'), ('month', 'month_usd')) as b(budget, name)
  where p_limits ->> b.name is not null
  order by (p_limits ->> b.name)::numeric - (v_spent ->> b.name)::numeric limit 1;
  v_allowed := v_tight is null or v_tight.limit_usd - v_tight.spent_usd >= v_estimate;
  if v_allowed then
    insert into public.anthropic_cost_log (run_id, agent_id, model, cost_usd, input_tokens, output_tokens, status, called_at)
    values ((p_call ->> 'run_id')::uuid, p_call ->> 'agent_id', p_call ->> 'model', v_estimate, 0, 0, 'reserved', now())
    returning call_id into v_id;
  end if;
  return jsonb_build_object('allowed', v_allowed, 'call_id', v_id, 'budget', v_tight.budget, 'limit_usd', v_tight.limit_usd,
    'spent_usd', v_tight.spent_usd, 'left_usd', v_tight.limit_usd - v_tight.spent_usd, 'month_usd', v_spent -> 'month_usd');
end $$;

-- What became of it. p_end: {status: done | failed, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
-- cost_usd, model?, stop_reason?, error?, duration_ms?}
create or replace function public.actp_end_model_call(p_call_id uuid, p_end jsonb) returns boolean
language plpgsql set search_path = '' as $$
begin
  update public.anthropic_cost_log set status = p_end ->> 'status', input_tokens = coalesce((p_end ->> 'input_tokens')::integer, 0),
    output_tokens = coalesce((p_end ->> 'output_tokens')::integer, 0), cache_read_tokens = (p_end ->> 'cache_read_tokens')::integer,
    cache_write_tokens = (p_end ->> 'cache_write_tokens')::integer, cost_usd = (p_end ->> 'cost_usd')::numeric,
    model = coalesce(p_end ->> 'model', model), stop_reason = p_end ->> 'stop_reason', error = p_end ->> 'error',
    duration_ms = (p_end ->> 'duration_ms')::numeric::integer
  where call_id = p_call_id and status = 'reserved';
  return found;
end $$;

-- A run with its tool calls, oldest first; at most 500.
create or replace function public.actp_get_agent_run(p_run_id uuid) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare v_run public.actp_agent_runs;
begin
  select * into v_run from public.actp_agent_runs where id = p_run_id;
  if not found then
    raise exception 'there is no run %', p_run_id using errcode = 'PT404';
  end if;
  return to_jsonb(v_run) || jsonb_build_object('tool_calls', (
    select coalesce(jsonb_agg(to_jsonb(c) order by c.called_at), '[]') from (
      select tool_name, tool_input, tool_result, success, duration_ms, called_at from public.actp_tool_call_log
      where run_id = p_run_id order by called_at limit 500) c));
end $$;

-- One fact under a name; a null value forgets it. An agent keeps at most 1,000.
create or replace function public.actp_agent_remember(p_agent_id text, p_key text, p_value jsonb) returns jsonb
language plpgsql set search_path = '' as $$
begin
  if coalesce(p_agent_id, '') = '' or length(coalesce(p_key, '')) not between 1 and 200 then
    raise exception 'p_agent_id must not be empty, and p_key must have 1 to 200 characters' using errcode = 'PT400';
  end if;
  if coalesce(p_value, 'null') = 'null' then
    delete from public.actp_agent_memory where agent_id = p_agent_id and key = p_key;
    return jsonb_build_object('key', p_key, 'forgotten', found);
  end if;
  if length(p_value::text) > 10000 then
    raise exception 'a remembered value has at most 10000 characters' using errcode = 'PT400';
  end if;
  insert into public.actp_agent_memory as m (agent_id, key, value, updated_at) values (p_agent_id, p_key, p_value, now())
  on conflict (agent_id, key) do update set value = excluded.value, updated_at = now();
  if (select count(*) from public.actp_agent_memory where agent_id = p_agent_id) > 1000 then
    raise exception 'this agent remembers 1000 facts already; forget some first' using errcode = 'PT400';
  end if;
  return jsonb_build_object('key', p_key, 'remembered', true);
end $$;

-- Facts whose name or value holds the text (all without one), the newest first → [{key, value, updated_at}]
create or replace function public.actp_agent_recall(p_agent_id text, p_query text default null, p_limit integer default 20)
returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(f) order by f.updated_at desc, f.key), '[]') from (
    select key, to_jsonb(value) as value, updated_at from public.actp_agent_memory
    where agent_id = p_agent_id and (coalesce(p_query, '') = '' or position(lower(p_query) in lower(key || ' ' || value::text)) > 0)
    order by updated_at desc, key limit least(greatest(p_limit, 1), 200)
  ) f
$$;

select public.actp_grant_access(
  array['actp_tool_call_log', 'anthropic_cost_log', 'actp_agent_memory'],
  array['actp_begin_agent_run', 'actp_end_agent_run', 'actp_log_tool_call', 'actp_agent_spending', 'actp_begin_model_call',
    'actp_end_model_call', 'actp_get_agent_run', 'actp_agent_remember', 'actp_agent_recall']);
notify pgrst, 'reload schema';
