-- Agents as people look at them: their runs page by page, one run with everything it did, and what they have spent.

-- Newest first. p_before: the id of the last one seen. → [run]
create or replace function public.actp_list_agent_runs(p_agent_id text, p_limit integer default 50, p_before uuid default null)
returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set jit = off as $$
declare v_at timestamptz; v_runs jsonb;
begin
  if p_before is not null then
    select r.started_at into v_at from public.actp_agent_runs r where r.id = p_before;
    if not found then
      raise exception 'there is no run %', p_before using errcode = 'PT404';
    end if;
  end if;
  select coalesce(jsonb_agg(to_jsonb(r) - 'kind' order by r.started_at desc, r.id desc), '[]') into v_runs from (
    select * from public.actp_agent_runs x
    where x.kind = 'run' and x.agent_id = p_agent_id and (v_at is null or (x.started_at, x.id) < (v_at, p_before))
    order by x.started_at desc, x.id desc limit least(greatest(p_limit, 1), 500)) r;
  return v_runs;
end $$;

-- A run of this agent with its first 500 calls of tools and of the model, oldest first.
create or replace function public.actp_view_agent_run(p_agent_id text, p_run_id uuid) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set jit = off as $$
declare v_run public.actp_agent_runs;
begin
  select * into v_run from public.actp_agent_runs r where r.id = p_run_id and r.agent_id = p_agent_id and r.kind = 'run';
  if not found then
    raise exception 'there is no run % of %', p_run_id, p_agent_id using errcode = 'PT404';
  end if;
  return to_jsonb(v_run) - 'kind' || jsonb_build_object(
    -- While it runs, its own sums are not yet written.
    'cost_usd', case when v_run.status = 'running'
      then (select coalesce(sum(c.cost_usd), 0) from public.anthropic_cost_log c where c.run_id = p_run_id) else v_run.cost_usd end,
    'tool_calls', (select coalesce(jsonb_agg(to_jsonb(c) order by c.called_at), '[]') from (
      select tool_name, tool_input, tool_result, success, duration_ms, called_at from public.actp_tool_call_log
      where run_id = p_run_id order by called_at limit 500) c),
    'model_calls', (select coalesce(jsonb_agg(to_jsonb(c) order by c.called_at), '[]') from (
      select model, status, stop_reason, error, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd,
        duration_ms, called_at from public.anthropic_cost_log where run_id = p_run_id order by called_at limit 500) c));
end $$;

-- What agents have spent today and this month, in UTC, with what calls on their way may cost.
-- → {day_usd, month_usd, agents: {agent_id: {day_usd, month_usd}}}
create or replace function public.actp_agent_costs() returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' set jit = off as $$
  with spent as (
    select coalesce(agent_id, '') as agent_id, coalesce(sum(cost_usd) filter (where called_at >= date_trunc('day', now())), 0) as day_usd,
      coalesce(sum(cost_usd), 0) as month_usd
    from public.anthropic_cost_log where called_at >= date_trunc('month', now()) group by 1
  )
  select jsonb_build_object('day_usd', coalesce(sum(day_usd), 0), 'month_usd', coalesce(sum(month_usd), 0),
    'agents', coalesce(jsonb_object_agg(agent_id, jsonb_build_object('day_usd', day_usd, 'month_usd', month_usd))
      filter (where agent_id <> ''), '{}'))
  from spent
$$;

-- As before, and faster: what the tools did in the last 7 days is found by the agent and the time of the call.
create or replace function public.actp_agent_history(p_agent_id text, p_limit integer default 20) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set jit = off as $$
declare v_runs jsonb; v_crashes jsonb; v_tools jsonb; v_since timestamptz := now() - interval '7 days'; v_nameless boolean;
begin
  -- Written by programs that do not tell the agent.
  v_nameless := exists (select from public.actp_tool_call_log o where o.agent_id is null and o.called_at > v_since);
  select coalesce(jsonb_agg(to_jsonb(r) - 'kind' order by r.started_at desc), '[]') into v_runs from (
    select * from public.actp_agent_runs x where x.kind = 'run' and x.agent_id = p_agent_id
    order by x.started_at desc limit least(greatest(p_limit, 1), 500)) r;
  select coalesce(jsonb_agg(jsonb_build_object('at', c.completed_at, 'reason', c.outcome, 'ran_ms', c.duration_ms,
    'worker_id', c.worker_id) order by c.completed_at desc), '[]') into v_crashes from (
    select * from public.actp_agent_runs x where x.kind = 'crash' and x.agent_id = p_agent_id
    order by x.completed_at desc limit least(greatest(p_limit, 1), 500)) c;
  select coalesce(jsonb_agg(to_jsonb(t) order by t.calls desc, t.tool), '[]') into v_tools from (
    select l.tool_name as tool, count(*) as calls, count(*) filter (where not l.success) as failed,
      round(avg(l.duration_ms))::integer as average_ms
    from (
      select o.tool_name, o.success, o.duration_ms from public.actp_tool_call_log o
      where o.agent_id = p_agent_id and o.called_at > v_since
      union all
      select o.tool_name, o.success, o.duration_ms from public.actp_tool_call_log o
      join public.actp_agent_runs r on r.id::text = o.run_id::text and r.kind = 'run' and r.agent_id = p_agent_id
      where v_nameless and o.agent_id is null and o.called_at > v_since
    ) l group by l.tool_name) t;
  return jsonb_build_object('runs', v_runs, 'crashes', v_crashes, 'tools', v_tools);
end $$;

select public.actp_grant_access(
  array[]::text[], array['actp_list_agent_runs', 'actp_view_agent_run', 'actp_agent_costs', 'actp_agent_history']);
notify pgrst, 'reload schema';
