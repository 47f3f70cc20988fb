-- What the heartbeat actions look at: new tasks, the last day's work, and what needs somebody's attention.

-- Only pending tasks with a deadline are in it. Completing a task changes none of its columns, so it costs completions nothing.
create index if not exists actp_workflow_tasks_deadline
  on public.actp_workflow_tasks (deadline) where queued and deadline is not null;
-- Likewise, with a reward: how scans find what pays enough among a million that do not.
create index if not exists actp_workflow_tasks_reward
  on public.actp_workflow_tasks (task_type, reward desc, currency) where queued and reward is not null;
create index if not exists actp_task_attempts_ended on public.actp_task_attempts (ended_at);

-- The claimable tasks of the given types that no earlier scan has seen. p_seen: what the scan before answered as `seen`
-- ({} at first): of each type how far it has been seen, so that workers with different types may take turns.
-- p_min_reward, p_currency: only tasks that pay as much, and in this currency.
-- A task is new when it was put in since; when it has fallen due since and was never claimed; or when it was put in by a
-- transaction that had begun before and was not over. Stable: all of it is one look at one moment.
-- → {count, capped, by_type: {type: n}, rewards: [{currency, amount}], tasks: [the first few], seen}
create or replace function public.actp_scan_tasks(
  p_types text[], p_seen jsonb default '{}', p_min_reward numeric default null, p_currency text default null,
  p_limit integer default 10000
) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off set enable_bitmapscan = off as $$
declare
  v_types text[]; v_seen jsonb := p_seen; v_found jsonb; v_mark jsonb; v_type text; v_known jsonb; v_ids uuid[] := '{}'; v_some uuid[];
  v_limit integer := least(greatest(p_limit, 1), 100000); v_pays boolean := p_min_reward is not null or p_currency is not null;
  v_least numeric := coalesce(p_min_reward, '-Infinity');
begin
  select array_agg(distinct w.name) into v_types from unnest(p_types) as w(name)
  where not exists (select from public.actp_task_limits l where l.paused and public.actp_pattern_matches(l.pattern, w.name));
  v_mark := jsonb_build_object(
    'seq', (select coalesce(max(t.seq), 0) from public.actp_workflow_tasks t), 'at', now(),
    -- Transactions under way, as rows name them (without their epoch).
    'open', (select coalesce(jsonb_agg(x::text::numeric % 4294967296), '[]') from pg_catalog.pg_snapshot_xip(pg_catalog.pg_current_snapshot()) x));
  foreach v_type in array coalesce(v_types, '{}') loop
    v_seen := v_seen || jsonb_build_object(v_type, v_mark);
    continue when cardinality(v_ids) > v_limit; -- there are more, which is all that is told of them
    v_known := p_seen -> v_type;
    if v_known is null and v_pays then
      select array_agg(c.id) into v_some from (
        select t.id from public.actp_workflow_tasks t
        where t.queued and t.reward is not null and t.task_type = v_type and t.run_at <= now()
          and t.reward >= v_least and (p_currency is null or t.currency = p_currency)
        order by t.reward desc limit v_limit + 1 - cardinality(v_ids)) c;
    elsif v_known is null then
      select array_agg(c.id) into v_some from (
        select t.id from public.actp_workflow_tasks t
        where t.queued and t.task_type = v_type and t.run_at <= now()
        order by t.priority desc, t.run_at limit v_limit + 1 - cardinality(v_ids)) c;
    else
      select array_agg(c.id) into v_some from (
        select t.id from (
          select n.id from public.actp_workflow_tasks n where n.seq > (v_known ->> 'seq')::bigint
          union
          select d.id from public.actp_workflow_tasks d
          where d.queued and d.task_type = v_type and d.run_at > (v_known ->> 'at')::timestamptz and d.run_at <= now()
            and d.fence = 0
          union
          select o.id from public.actp_workflow_tasks o
          where v_known -> 'open' <> '[]' and o.seq > (v_known ->> 'seq')::bigint - 100000
            and v_known -> 'open' @> to_jsonb(o.xmin::text::numeric)
        ) fresh join public.actp_workflow_tasks t on t.id = fresh.id
        where t.queued and t.task_type = v_type and t.run_at <= now()
          and (not v_pays or t.reward >= v_least and (p_currency is null or t.currency = p_currency))
        limit v_limit + 1 - cardinality(v_ids)) c;
    end if;
    v_ids := v_ids || coalesce(v_some, '{}');
  end loop;
  with found as materialized (
    select t.id, t.task_type, t.priority, t.run_at, t.reward, t.currency, t.deadline from public.actp_workflow_tasks t
    where t.id = any (v_ids[1:v_limit])
  )
  select jsonb_build_object('count', (select count(*) from found), 'capped', cardinality(v_ids) > v_limit,
    'by_type', (select coalesce(jsonb_object_agg(b.task_type, b.n), '{}') from (select task_type, count(*) as n from found group by task_type) b),
    'rewards', (select coalesce(jsonb_agg(jsonb_build_object('currency', r.currency, 'amount', r.amount::text) order by r.currency), '[]')
      from (select currency, sum(reward) as amount from found where reward is not null group by currency) r),
    'tasks', (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'task_type', f.task_type, 'priority', f.priority,
        'reward', f.reward::text, 'currency', f.currency, 'deadline', f.deadline) order by f.priority desc, f.run_at), '[]')
      from (select * from found order by priority desc, run_at limit 10) f),
    'seen', v_seen)
  into v_found;
  return v_found;
end $$;

-- What was done in the last p_hours hours, on all workers. Rewards count when their task succeeded; those under an open
-- dispute are told apart, and those whose dispute was upheld do not count.
-- Reads the whole table of tasks: completions have no index, for speed. For once a day.
create or replace function public.actp_activity_summary(p_hours integer default 24) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set jit = off as $$
declare v_since timestamptz := now() - make_interval(hours => p_hours); v_summary jsonb; v_cost numeric;
begin
  if to_regclass('public.anthropic_cost_log') is not null then
    execute 'select coalesce(sum(cost_usd), 0) from public.anthropic_cost_log where called_at >= $1' into v_cost using v_since;
  end if;
  with settled as (
    select t.status, t.reward, t.currency, t.id, t.completed_at - t.claimed_at as took from public.actp_workflow_tasks t
    where t.completed_at >= v_since and t.status in ('succeeded', 'failed', 'timed_out', 'cancelled')
  ), totals as (
    select extract(epoch from coalesce(sum(s.took), '0')) as seconds from settled s where s.status = 'succeeded'
  ), earned as (
    select s.currency, coalesce(d.status = 'open', false) as disputed, sum(s.reward) as amount, count(*) as tasks from settled s
    left join lateral (select o.status from public.actp_disputes o where o.task_id = s.id and o.status in ('open', 'upheld')
      order by o.opened_at desc limit 1) d on true
    where s.status = 'succeeded' and s.reward is not null and d.status is distinct from 'upheld' group by 1, 2
  ), counted as (
    select c.status, sum(c.tasks) as tasks from public.actp_task_counts c where c.minute >= v_since group by c.status
  ), tried as materialized (
    select a.task_id, a.attempt, a.outcome, a.error, a.duration_ms, t.task_type, t.status, t.attempts from public.actp_task_attempts a
    join public.actp_workflow_tasks t on t.id = a.task_id
    where a.ended_at >= v_since and a.outcome in ('failed', 'timed_out', 'lost')
  ), errors as (
    -- Errors that differ in numbers and ids only are one.
    select task_type, regexp_replace(left(coalesce(error, outcome), 300), '[0-9a-f]{8}-[0-9a-f-]{27}|\d+', '#', 'g') as shape,
      min(left(coalesce(error, outcome), 300)) as error, count(*) as n
    from tried group by 1, 2 order by n desc, 1, 2 limit 5
  )
  select jsonb_build_object('since', v_since, 'hours', p_hours,
    'done', coalesce((select tasks from counted where status = 'succeeded'), 0),
    'failed', coalesce((select sum(tasks) from counted where status in ('failed', 'timed_out')), 0),
    'cancelled', coalesce((select tasks from counted where status = 'cancelled'), 0),
    -- Attempts that failed and were not the last.
    'retried', (select count(*) from tried where status not in ('failed', 'timed_out') or attempt < attempts),
    'busy_seconds', round((select seconds from totals) + coalesce((select sum(duration_ms) from tried), 0) / 1000)::bigint,
    'earnings', (select coalesce(jsonb_agg(jsonb_build_object('currency', e.currency, 'amount', e.amount::text, 'tasks', e.tasks)
      order by e.currency), '[]') from earned e where not e.disputed),
    'disputed', (select coalesce(jsonb_agg(jsonb_build_object('currency', e.currency, 'amount', e.amount::text, 'tasks', e.tasks)
      order by e.currency), '[]') from earned e where e.disputed),
    'ai_cost_usd', v_cost::text,
    'top_errors', (select coalesce(jsonb_agg(jsonb_build_object('task_type', e.task_type, 'error', e.error, 'count', e.n)
      order by e.n desc, e.task_type, e.shape), '[]') from errors e))
  into v_summary;
  return v_summary;
end $$;

-- What needs attention now, of each kind at most p_limit, the most urgent first:
--   deadline  an open task whose deadline is at most p_deadline_seconds away, or over; at: the deadline
--   lease     a task in progress that has not been heard of for two thirds of its lease; at: the lease's end
--   stuck     a task in progress beyond its time limit; at: when it was claimed
--   waiting   a type whose tasks have been due for p_waiting_seconds; at: since when
--   dispute   an open dispute; at: the end of its votes
--   dead      a task that failed for good in the last p_dead_seconds; at: when
-- → {now, items: [{kind, key, at, task_id?, task_type, detail?, count?}], truncated: [kind]}
create or replace function public.actp_portfolio(
  p_deadline_seconds integer default 7200, p_waiting_seconds integer default 1800, p_dead_seconds integer default 86400,
  p_limit integer default 200
) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_items jsonb; v_limit integer := least(greatest(p_limit, 1), 1000);
begin
  with held as materialized (
    select t.* from public.actp_tasks_in_progress() t
  ), item as (
    (select 'deadline' as kind, t.id::text as key, t.deadline as at, t.id as task_id, t.task_type, t.status as detail, null::bigint as count
      from public.actp_workflow_tasks t
      where t.queued and t.deadline <= now() + make_interval(secs => p_deadline_seconds) order by t.deadline limit v_limit + 1)
    union all
    (select 'deadline', h.id::text, h.deadline, h.id, h.task_type, h.status, null from held h
      where h.deadline <= now() + make_interval(secs => p_deadline_seconds) order by h.deadline limit v_limit + 1)
    union all
    (select 'lease', h.id::text || ' ' || h.fence, h.lease_expires_at, h.id, h.task_type, h.claimed_by, null from held h
      where now() > h.heartbeat_at + (h.lease_expires_at - h.heartbeat_at) * 2 / 3 order by h.lease_expires_at limit v_limit + 1)
    union all
    (select 'stuck', h.id::text || ' ' || h.fence, h.claimed_at, h.id, h.task_type, h.claimed_by, null from held h
      where now() > h.claimed_at + make_interval(mins => coalesce(h.timeout_minutes, 30)) order by h.claimed_at limit v_limit + 1)
    union all
    (select 'waiting', w.task_type, w.oldest, null, w.task_type, null, w.n from (
        select t.task_type, min(t.run_at) as oldest, count(*) as n from public.actp_workflow_tasks t
        where t.queued and t.run_at <= now() - make_interval(secs => p_waiting_seconds) group by t.task_type) w
      where not exists (select from public.actp_task_limits l where l.paused and public.actp_pattern_matches(l.pattern, w.task_type))
      order by w.oldest limit v_limit + 1)
    union all
    (select 'dispute', d.id::text, d.vote_deadline, d.task_id, d.task_type, d.reason, null from public.actp_disputes d
      where d.status = 'open' order by d.vote_deadline limit v_limit + 1)
    union all
    (select 'dead', t.id::text || ' ' || t.fence, max(a.ended_at), t.id, t.task_type, t.error, null
      from public.actp_task_attempts a join public.actp_workflow_tasks t on t.id = a.task_id and t.fence = a.fence
      where a.ended_at >= now() - make_interval(secs => p_dead_seconds) and t.status in ('failed', 'timed_out')
      group by t.id order by 3 desc limit v_limit + 1)
  ), numbered as (
    select i.*, row_number() over (partition by i.kind order by case when i.kind = 'dead' then now() - i.at else i.at - now() end) as nth
    from item i
  )
  select jsonb_build_object('now', now(),
    'items', coalesce(jsonb_agg(jsonb_build_object('kind', n.kind, 'key', n.kind || ' ' || n.key, 'at', n.at, 'task_id', n.task_id,
      'task_type', n.task_type, 'detail', left(n.detail, 300), 'count', n.count) order by n.kind, n.nth) filter (where n.nth <= v_limit), '[]'),
    'truncated', coalesce(jsonb_agg(distinct n.kind) filter (where n.nth > v_limit), '[]'))
  into v_items from numbered n;
  return v_items;
end $$;

select public.actp_grant_access(array[]::text[], array['actp_scan_tasks', 'actp_activity_summary', 'actp_portfolio']);
notify pgrst, 'reload schema';
