-- How long the history of agents, routines and notifications is kept.

create index if not exists actp_agent_runs_by_age on public.actp_agent_runs (started_at);
create index if not exists actp_tool_call_log_called on public.actp_tool_call_log (called_at);

-- Deletes one batch of each kind that is older than so many days (0: nothing); of a routine's runs the last one stays. What
-- the models cost stays until its month is over: budgets count it. Besides, it ends what nobody will end any more: runs of
-- agents that have been in progress for a day, and runs of routines that no worker came for.
-- → {busy, agent_runs, tool_calls, model_calls, goals, routine_runs, notifications, more}; busy: another worker is at it.
create or replace function public.actp_prune_history(p_days integer, p_limit integer default 1000) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set jit = off set enable_seqscan = off as $$
declare
  v_now timestamptz := public.actp_schedule_now(); v_before timestamptz := now() - make_interval(days => p_days);
  v_runs integer := 0; v_tools integer := 0; v_calls integer := 0; v_goals integer := 0; v_routines integer := 0; v_told integer := 0;
begin
  if coalesce(p_days, -1) < 0 or coalesce(p_limit, 0) not between 1 and 10000 then
    raise exception 'p_days must not be negative, and p_limit must be 1 to 10000' using errcode = 'PT400';
  end if;
  if not pg_try_advisory_xact_lock(hashtextextended('actp_prune', 0)) then
    return jsonb_build_object('busy', true);
  end if;
  update public.actp_agent_runs set status = 'lost', completed_at = now(), error = 'its process ended in the middle'
  where kind = 'run' and status = 'running' and started_at < now() - interval '1 day';
  update public.actp_routine_runs set status = 'skipped', error = 'no worker that has the routine came for it within a day'
  where status = 'waiting' and recorded_at < v_now - interval '1 day' and not exists (
    select from public.actp_schedulers s where s.seen_at > v_now - interval '2 minutes'
      and (routine_id = any (s.routines) or routine_id = any (s.off)));
  if p_days > 0 then
    delete from public.actp_agent_runs where id in (select r.id from public.actp_agent_runs r
      where r.started_at < v_before order by r.started_at limit p_limit);
    get diagnostics v_runs = row_count;
    delete from public.actp_tool_call_log where id in (select c.id from public.actp_tool_call_log c
      where c.called_at < v_before order by c.called_at limit p_limit);
    get diagnostics v_tools = row_count;
    delete from public.anthropic_cost_log where call_id in (select c.call_id from public.anthropic_cost_log c
      where c.called_at < least(v_before, date_trunc('month', now())) order by c.called_at limit p_limit);
    get diagnostics v_calls = row_count;
    delete from public.actp_agent_tasks where id in (select t.id from public.actp_agent_tasks t
      where t.created_at < v_before and coalesce(t.completed_at, t.created_at) < v_before
        and t.status not in ('pending', 'running') order by t.created_at limit p_limit);
    get diagnostics v_goals = row_count;
    delete from public.actp_routine_runs where id in (select r.id from public.actp_routine_runs r
      where r.recorded_at < v_now - make_interval(days => p_days) and r.status not in ('running', 'waiting')
        and exists (select from public.actp_routine_runs n where n.routine_id = r.routine_id
          and (n.recorded_at, n.id) > (r.recorded_at, r.id) and n.status not in ('running', 'waiting'))
      order by r.recorded_at limit p_limit);
    get diagnostics v_routines = row_count;
    delete from public.actp_schedulers where seen_at < v_now - make_interval(days => p_days);
    delete from public.actp_notifications where id in (select n.id from public.actp_notifications n
      where n.created_at < v_before and n.status in ('sent', 'failed') order by n.created_at limit p_limit);
    get diagnostics v_told = row_count;
  end if;
  return jsonb_build_object('busy', false, 'agent_runs', v_runs, 'tool_calls', v_tools, 'model_calls', v_calls, 'goals', v_goals,
    'routine_runs', v_routines, 'notifications', v_told,
    'more', greatest(v_runs, v_tools, v_calls, v_goals, v_routines, v_told) = p_limit);
end $$;

-- → {table: the time of its oldest row, or null}: the rest of actp_oldest_rows.
create or replace function public.actp_oldest_history() returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' set jit = off set enable_seqscan = off as $$
  select jsonb_build_object(
    'actp_agent_runs', (select started_at from public.actp_agent_runs order by started_at limit 1),
    'actp_tool_call_log', (select called_at from public.actp_tool_call_log order by called_at limit 1),
    'anthropic_cost_log', (select called_at from public.anthropic_cost_log order by called_at limit 1),
    'actp_agent_tasks', (select created_at from public.actp_agent_tasks order by created_at limit 1),
    'actp_outward_acts', (select requested_at from public.actp_outward_acts order by requested_at limit 1),
    'actp_routine_runs', (select recorded_at from public.actp_routine_runs order by recorded_at limit 1),
    'actp_notifications', (select created_at from public.actp_notifications order by created_at limit 1))
$$;

drop function if exists public.actp_prune_routine_runs(integer, integer);
drop function if exists public.actp_prune_notifications(integer, integer);

select public.actp_grant_access('{}', array['actp_prune_history', 'actp_oldest_history']);
notify pgrst, 'reload schema';
