-- Lists of tasks that answer quickly however long the table is: they look at the newest rows first, and stop where it takes
-- too long with a cursor for the rest. Nothing here needs an index of its own, which every claim would have to pay for.

-- The first task (by its place in the lists' order) that was made at this time or later: found by halving, since tasks are
-- numbered as they are made. Transactions that overlap make it inexact by as long as they last.
create or replace function public.actp_seq_at(p_time timestamptz) returns bigint
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
declare v_low bigint; v_high bigint; v_seq bigint; v_at timestamptz;
begin
  select min(t.seq), max(t.seq) + 1 into v_low, v_high from public.actp_workflow_tasks t;
  if v_low is null then
    return 0;
  end if;
  while v_low < v_high loop
    select t.seq, coalesce(t.created_at, '-infinity') into v_seq, v_at from public.actp_workflow_tasks t
    where t.seq >= (v_low + v_high) / 2 order by t.seq limit 1;
    if v_at >= p_time then
      v_high := (v_low + v_high) / 2;
    else
      v_low := v_seq + 1;
    end if;
  end loop;
  return v_low;
end $$;

-- Tasks, newest first, without inputs and outputs. p_query: text in the type, the error or the idempotency key, or the
-- beginning of an id. p_worker: who holds it or held it last. p_since, p_until: when it was made.
-- p_patience_ms: a page that is not full by then ends where it has got to, after at least 10,000 tasks.
-- → {tasks, next_cursor}: there is more unless next_cursor is null, also where the page is short or empty.
create or replace function public.actp_search_tasks(
  p_status text[] default null, p_types text[] default null, p_execution_id uuid default null, p_query text default null,
  p_worker text default null, p_since timestamptz default null, p_until timestamptz default null,
  p_limit integer default 50, p_cursor text default null, p_patience_ms integer default 20
) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare
  v_limit integer := least(greatest(coalesce(p_limit, 50), 1), 500);
  v_query text := nullif(lower(p_query), '');
  v_began timestamptz := clock_timestamp();
  v_before bigint; v_floor bigint; v_chunk bigint; v_seqs bigint[] := '{}'; v_more bigint[]; v_next text;
  v_tasks jsonb; v_where text := '';
begin
  if p_cursor !~ '^\d{1,18}$' then
    raise exception 'p_cursor is not a cursor of an earlier page' using errcode = 'PT400';
  end if;
  select coalesce(least(p_cursor::bigint, max(t.seq) + 1), 0), coalesce(min(t.seq), 0) into v_before, v_floor
  from public.actp_workflow_tasks t;
  -- With time for transactions that overlapped.
  if p_until is not null then
    v_before := least(v_before, public.actp_seq_at(p_until + interval '10 minutes'));
  end if;
  if p_since is not null then
    v_floor := greatest(v_floor, public.actp_seq_at(p_since - interval '10 minutes'));
  end if;

  -- Only what is asked for, so that each row costs no more than it must.
  v_where := concat_ws(' and ', 't.seq < $1',
    case when p_status is not null then 't.status = any ($3)' end,
    case when p_types is not null then 't.task_type = any ($4)' end,
    case when p_execution_id is not null then 't.execution_id = $5' end,
    case when p_worker is not null then 't.claimed_by = $6' end,
    case when p_since is not null then 't.created_at >= $7' end,
    case when p_until is not null then 't.created_at < $8' end);

  if v_query ~ '^[0-9a-f]{8}(-([0-9a-f]{0,4}|[0-9a-f]{4}-([0-9a-f]{0,4}|[0-9a-f]{4}-([0-9a-f]{0,4}|[0-9a-f]{4}-[0-9a-f]{0,12}))))?$' then
    -- The beginning of an id, which has an index.
    execute format('select coalesce(array_agg(s.seq order by s.seq desc), ''{}'') from (select t.seq from public.actp_workflow_tasks t
      where t.id between $9 and $10 and %s order by t.seq desc limit $2) s', v_where)
    into v_seqs using v_before, v_limit, p_status, p_types, p_execution_id, p_worker, p_since, p_until,
      (v_query || right('00000000-0000-0000-0000-000000000000', 36 - length(v_query)))::uuid,
      (v_query || right('ffffffff-ffff-ffff-ffff-ffffffffffff', 36 - length(v_query)))::uuid;
    if v_seqs <> '{}' then
      v_floor := v_before;
    end if;
  elsif p_execution_id is not null then
    execute format('select coalesce(array_agg(s.seq order by s.seq desc), ''{}'') from (select t.seq from public.actp_workflow_tasks t
      where %s %s order by t.seq desc limit $2) s', v_where, case when v_query is not null then public.actp_task_text_matches() end)
    into v_seqs using v_before, v_limit, p_status, p_types, p_execution_id, p_worker, p_since, p_until, v_query;
    v_floor := v_before;
  elsif p_status <@ array['claimed', 'running', 'pending']
    and not ('pending' = any (p_status) and exists (select from public.actp_workflow_tasks t where t.queued offset 5000)) then
    -- What waits or runs has ways of its own to be found.
    execute format('select coalesce(array_agg(s.seq order by s.seq desc), ''{}'') from (select t.seq from (
        select p.* from public.actp_tasks_in_progress() p union all
        select q.* from public.actp_workflow_tasks q where q.queued and ''pending'' = any ($3)) t
      where %s %s order by t.seq desc limit $2) s', v_where, case when v_query is not null then public.actp_task_text_matches() end)
    into v_seqs using v_before, v_limit, p_status, p_types, p_execution_id, p_worker, p_since, p_until, v_query;
    v_floor := v_before;
  end if;

  v_chunk := v_before;
  while v_before > v_floor and cardinality(v_seqs) < v_limit loop
    exit when v_chunk - v_before >= 10000 and clock_timestamp() > v_began + make_interval(secs => p_patience_ms / 1000.0);
    execute format('select array_agg(s.seq order by s.seq desc) from (select t.seq from public.actp_workflow_tasks t
      where t.seq >= $10 and %s %s order by t.seq desc limit $2) s', v_where, case when v_query is not null then public.actp_task_text_matches() end)
    into v_more using v_before, v_limit - cardinality(v_seqs), p_status, p_types, p_execution_id, p_worker, p_since, p_until, v_query,
      greatest(v_before - 5000, v_floor);
    v_seqs := v_seqs || coalesce(v_more, '{}');
    v_before := greatest(v_before - 5000, v_floor);
  end loop;

  v_next := case when cardinality(v_seqs) >= v_limit then v_seqs[v_limit]::text when v_before > v_floor then v_before::text end;
  -- As actp_task_json, in one statement (a function that pins its settings costs more than a row), and without what may be
  -- large, which is not even read.
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', t.id, 'task_type', t.task_type, 'status', t.status, 'priority', t.priority,
    'execution_id', t.execution_id, 'step_id', t.step_id,
    'attempts', t.attempts, 'max_attempts', t.max_attempts, 'token', t.fence::text, 'error', t.error, 'progress', t.progress,
    'claimed_by', t.claimed_by, 'claimed_at', t.claimed_at, 'started_at', t.started_at,
    'heartbeat_at', t.heartbeat_at, 'lease_expires_at', t.lease_expires_at,
    'completed_at', t.completed_at, 'created_at', t.created_at, 'run_at', t.run_at,
    'timeout_minutes', t.timeout_minutes, 'backoff_seconds', t.backoff_seconds,
    'cancel_requested_at', t.cancel_requested_at, 'cancel_reason', t.cancel_reason,
    'idempotency_key', t.idempotency_key, 'reward', t.reward::text, 'currency', t.currency, 'deadline', t.deadline)
    order by t.seq desc), '[]') into v_tasks
  from public.actp_workflow_tasks t where t.seq = any (v_seqs);
  return jsonb_build_object('tasks', v_tasks, 'next_cursor', v_next);
end $$;

-- The condition of a search for text, as actp_search_tasks puts it into its statements.
create or replace function public.actp_task_text_matches() returns text
language sql immutable set search_path = '' as $$
  select 'and (position($9 in lower(t.task_type)) > 0 or position($9 in lower(t.error)) > 0
    or position($9 in lower(t.idempotency_key)) > 0 or starts_with(t.id::text, $9))'
$$;

-- Those of the tasks that are settled, or are not there: for who waits for them. → [id]
create or replace function public.actp_settled_tasks(p_task_ids uuid[]) returns jsonb
language sql stable set search_path = '' set enable_seqscan = off set jit = off as $$
  select coalesce(jsonb_agg(w.id), '[]') from unnest(p_task_ids) as w(id)
  left join public.actp_workflow_tasks t on t.id = w.id
  where t.id is null or t.status in ('succeeded', 'failed', 'timed_out', 'cancelled')
$$;

-- What is in the queue, and what was settled within a window, in buckets: how many, how long they waited until they were
-- claimed and how long the last attempt ran. The times are those of at most p_sample tasks, spread over the window.
-- → {by_status, by_type, buckets}
create or replace function public.actp_task_stats(
  p_window_seconds integer default 3600, p_bucket_seconds integer default 60, p_sample integer default 2000
) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_bucket interval; v_since timestamptz; v_low bigint; v_high bigint; v_step bigint; v_stats jsonb;
begin
  if coalesce(p_window_seconds, 0) not between 60 and 604800 or coalesce(p_bucket_seconds, 0) not between 60 and p_window_seconds then
    raise exception 'p_window_seconds must be 60 to 604800, and p_bucket_seconds 60 to the window' using errcode = 'PT400';
  end if;
  v_bucket := make_interval(secs => p_bucket_seconds);
  v_since := date_bin(v_bucket, now(), '2000-01-01+00') - v_bucket * (p_window_seconds / p_bucket_seconds - 1);
  -- Tasks that were made some time before are settled within the window too.
  v_low := public.actp_seq_at(v_since - make_interval(secs => p_window_seconds));
  select coalesce(max(t.seq), 0) into v_high from public.actp_workflow_tasks t;
  v_step := greatest(1, (v_high - v_low) / greatest(p_sample, 1));
  with open as materialized (
    select 'pending' as status, t.task_type, count(*) as n from public.actp_workflow_tasks t where t.queued group by t.task_type
    union all
    select p.status, p.task_type, count(*) from public.actp_tasks_in_progress() p group by p.status, p.task_type
  ), settled as materialized (
    select date_bin(v_bucket, c.minute, '2000-01-01+00') as at, c.task_type, c.status, sum(c.tasks) as n
    from public.actp_task_counts c where c.minute >= v_since group by 1, 2, 3
  ), counted as (
    select status, task_type, n from open union all select status, task_type, n from settled
  ), sample as materialized (
    select date_bin(v_bucket, t.completed_at, '2000-01-01+00') as at,
      extract(epoch from t.claimed_at - greatest(t.run_at, t.created_at)) * 1000 as wait_ms,
      extract(epoch from t.completed_at - coalesce(t.started_at, t.claimed_at)) * 1000 as run_ms
    -- Ten neighbours at a time: they share a page, and reading pages is what costs.
    from generate_series(v_low, v_high, v_step * 10) as g(seq) cross join lateral (
      select n.* from public.actp_workflow_tasks n where n.seq >= g.seq and n.seq < g.seq + 10 order by n.seq limit 10
    ) t
    where t.completed_at >= v_since and t.claimed_at is not null and t.status <> 'pending'
  ), times as (
    select at, percentile_disc(array[0.5, 0.95]) within group (order by greatest(wait_ms, 0)) as wait_ms,
      percentile_disc(array[0.5, 0.95]) within group (order by greatest(run_ms, 0)) as run_ms
    from sample group by at
  ), counts as materialized (
    select at, sum(n) filter (where status = 'succeeded') as succeeded, sum(n) filter (where status = 'failed') as failed,
      sum(n) filter (where status = 'timed_out') as timed_out, sum(n) filter (where status = 'cancelled') as cancelled
    from settled group by at
  ), buckets as (
    select b.at, c.succeeded, c.failed, c.timed_out, c.cancelled
    from generate_series(v_since, now(), v_bucket) as b(at) left join counts c on c.at = b.at
  )
  select jsonb_build_object(
    'by_status', '{"pending": 0, "claimed": 0, "running": 0, "succeeded": 0, "failed": 0, "timed_out": 0, "cancelled": 0}'::jsonb
      || (select coalesce(jsonb_object_agg(s.status, s.n), '{}') from (select status, sum(n) as n from counted group by status) s),
    'by_type', (select coalesce(jsonb_agg(to_jsonb(y) order by y.task_type), '[]') from (
      select task_type, coalesce(sum(n) filter (where status = 'pending'), 0) as pending,
        coalesce(sum(n) filter (where status in ('claimed', 'running')), 0) as running,
        coalesce(sum(n) filter (where status = 'succeeded'), 0) as succeeded,
        coalesce(sum(n) filter (where status in ('failed', 'timed_out')), 0) as failed
      from counted group by task_type) y),
    'buckets', (select coalesce(jsonb_agg(jsonb_build_object('at', b.at, 'succeeded', coalesce(b.succeeded, 0),
      'failed', coalesce(b.failed, 0), 'timed_out', coalesce(b.timed_out, 0), 'cancelled', coalesce(b.cancelled, 0),
      'wait_ms_p50', round(t.wait_ms[1]), 'wait_ms_p95', round(t.wait_ms[2]),
      'run_ms_p50', round(t.run_ms[1]), 'run_ms_p95', round(t.run_ms[2])) order by b.at), '[]')
      from buckets b left join times t on t.at = b.at))
  into v_stats;
  return v_stats;
end $$;

-- What has been logged of a task, oldest first: the newest p_limit lines of the workers' log, and what its failed attempts
-- left. → {lines: [text]}
create or replace function public.actp_task_log(p_task_id uuid, p_limit integer default 200) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_lines jsonb;
begin
  perform from public.actp_workflow_tasks where id = p_task_id;
  if not found then
    raise exception 'there is no task %', p_task_id using errcode = 'PT404';
  end if;
  select coalesce(jsonb_agg(l.line order by l.at, l.nth), '[]') into v_lines from (
    select e.* from (
      select w.created_at as at, 0::bigint as nth, to_char(w.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || ' ' || coalesce(upper(w.level), 'INFO')
        || ' ' || left(coalesce(w.message, ''), 2000) as line
      from (select * from public.actp_worker_logs o where o.job_id = p_task_id::text order by o.created_at desc limit p_limit) w
      union all
      select a.ended_at, x.nth, 'attempt ' || a.attempt || ': ' || left(x.line, 2000)
      from (select * from public.actp_task_attempts b where b.task_id = p_task_id order by b.fence desc limit 20) a,
        lateral regexp_split_to_table(coalesce(a.log_tail, a.outcome || coalesce(': ' || a.error, '')), E'\r?\n') with ordinality as x(line, nth)
    ) e order by e.at desc, e.nth desc limit p_limit
  ) l;
  return jsonb_build_object('lines', v_lines);
end $$;

select public.actp_grant_access(
  array[]::text[],
  array['actp_seq_at', 'actp_search_tasks', 'actp_task_text_matches', 'actp_settled_tasks', 'actp_task_stats', 'actp_task_log']);
notify pgrst, 'reload schema';
