-- Putting tasks into the queue: what is wrong with them is said by the name of the field.

create or replace function public.actp_is_time(p_text text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return p_text ~ '^\d{4}-\d\d-\d\d' and isfinite(p_text::timestamptz);
exception when data_exception then
  return false;
end $$;

-- The first thing that is wrong with a task to enqueue, by the name of its field; null when nothing is.
create or replace function public.actp_task_problem(p_task jsonb, p_position bigint) returns text
language sql stable set search_path = '' as $$
  select format('task %s: %s %s', p_position, f.key, case r.kind
    when 'string' then format('must be a string of %s to %s characters', r.low, r.high)
    when 'whole' then format('must be a whole number from %s to %s', r.low, r.high)
    when 'object' then 'must be an object'
    when 'uuid' then 'must be a UUID'
    when 'decimal' then 'must be a decimal number'
    when 'time' then 'must be an ISO 8601 time'
    else 'is not a field of a task' end)
  from jsonb_each('{"task_type": null}' || case jsonb_typeof(p_task) when 'object' then p_task else '{}' end) as f
  cross join lateral (select f.value #>> '{}' as text, jsonb_typeof(f.value) as type) v
  left join (values
    ('task_type', 'string', 1, 200), ('input_data', 'object', 0, 0), ('priority', 'whole', -2147483648, 2147483647),
    ('run_at', 'time', 0, 0), ('max_attempts', 'whole', 1, 100), ('backoff_seconds', 'whole', 0, 86400),
    ('timeout_minutes', 'whole', 1, 10080), ('idempotency_key', 'string', 1, 200), ('execution_id', 'uuid', 0, 0),
    ('step_id', 'uuid', 0, 0), ('reward', 'decimal', 0, 0), ('currency', 'string', 1, 20), ('deadline', 'time', 0, 0)
  ) as r(field, kind, low, high) on r.field = f.key
  where (v.type <> 'null' or f.key in ('task_type', 'input_data')) and case r.kind
    when 'string' then v.type <> 'string' or length(v.text) not between r.low and r.high
    when 'whole' then case v.type when 'number'
      then v.text::numeric not between r.low and r.high or v.text::numeric % 1 <> 0 else true end
    when 'object' then v.type <> 'object'
    when 'uuid' then v.type <> 'string' or v.text !~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
    when 'decimal' then v.type not in ('number', 'string') or v.text !~ '^-?\d{1,30}(\.\d{1,30})?$'
    when 'time' then v.type <> 'string' or not public.actp_is_time(v.text)
    else true end
  order by f.key limit 1
$$;

-- p_tasks: [{task_type, input_data?, priority?, run_at?, max_attempts?, backoff_seconds?, timeout_minutes?,
--            idempotency_key?, execution_id?, step_id?, reward?, currency?, deadline?}]
-- → [{id, created}] in the same order. A known idempotency key returns the task it made before; with another
-- type or input it is refused (409).
create or replace function public.actp_enqueue_tasks(p_tasks jsonb) returns json
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off as $$
declare v_result json; v_bad text; v_known boolean; v_time text;
begin
  if jsonb_typeof(p_tasks) is distinct from 'array' or jsonb_array_length(p_tasks) > 10000 then
    raise exception 'p_tasks must be a list of at most 10000 tasks' using errcode = 'PT400';
  end if;
  select c.problem into v_bad
  from jsonb_array_elements(p_tasks) with ordinality as e(task, position) cross join lateral (
    -- Most tasks have a type and an input and nothing else: those need no closer look.
    select case when jsonb_typeof(e.task) <> 'object' or jsonb_typeof(e.task -> 'input_data') is distinct from 'object'
        or jsonb_typeof(e.task -> 'task_type') is distinct from 'string' or length(e.task ->> 'task_type') not between 1 and 200
        or e.task - '{task_type,input_data}'::text[] <> '{}'
      then public.actp_task_problem(e.task, e.position) end as problem
  ) c where c.problem is not null order by e.position limit 1;
  if v_bad is not null then
    raise exception '%', v_bad using errcode = 'PT400';
  end if;

  -- Ids begin with the time (UUID version 7, RFC 9562): those of one time then share a few pages of the index.
  v_time := lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0');
  v_time := left(v_time, 8) || '-' || right(v_time, 4) || '-7';
  with wanted as materialized (
    select (v_time || substr(gen_random_uuid()::text, 16))::uuid as id, w.*
    from rows from (jsonb_to_recordset(p_tasks) as (task_type text, input_data jsonb, priority integer, run_at timestamptz,
      max_attempts integer, backoff_seconds integer, timeout_minutes integer, idempotency_key text, execution_id uuid,
      step_id uuid, reward numeric, currency text, deadline timestamptz)) with ordinality as w(task_type, input_data, priority,
      run_at, max_attempts, backoff_seconds, timeout_minutes, idempotency_key, execution_id, step_id, reward, currency,
      deadline, position)
  ), inserted as (
    insert into public.actp_workflow_tasks (id, task_type, input_data, priority, run_at, max_attempts, backoff_seconds,
      timeout_minutes, idempotency_key, execution_id, step_id, reward, currency, deadline, created_at)
    select w.id, w.task_type, coalesce(w.input_data, '{}'), coalesce(w.priority, 0),
      -- A microsecond apart, so that tasks of one batch keep their order; not later than now, so that all are due.
      coalesce(w.run_at, now() - (jsonb_array_length(p_tasks) - w.position) * interval '1 microsecond'),
      coalesce(w.max_attempts, 3), coalesce(w.backoff_seconds, 5), coalesce(w.timeout_minutes, 30), w.idempotency_key,
      w.execution_id, w.step_id, w.reward, w.currency, w.deadline, now() + (w.position - 1) * interval '1 microsecond'
    from wanted w order by w.idempotency_key, w.position -- keys in one order: no two batches wait for each other
    on conflict (idempotency_key) where idempotency_key is not null do nothing
    returning id, idempotency_key
  )
  select json_agg(json_build_object('id', w.id, 'created', w.idempotency_key is null or i.id is not null) order by w.position),
    bool_or(w.idempotency_key is not null and i.id is null)
  into v_result, v_known
  from wanted w left join (select id from inserted where idempotency_key is not null) i on i.id = w.id;
  if not coalesce(v_known, false) then
    return coalesce(v_result, '[]');
  end if;

  -- A statement of its own, so that it sees what a concurrent enqueue has just committed.
  with known as materialized (
    select r.position, (r.entry ->> 'created')::boolean as created, coalesce(t.id, (r.entry ->> 'id')::uuid) as id,
      p_tasks -> (r.position::integer - 1) as task, t.task_type, t.input_data
    from json_array_elements(v_result) with ordinality as r(entry, position)
    left join public.actp_workflow_tasks t on not (r.entry ->> 'created')::boolean
      and t.idempotency_key = p_tasks -> (r.position::integer - 1) ->> 'idempotency_key'
  )
  select json_agg(json_build_object('id', k.id, 'created', k.created) order by k.position),
    min(k.task ->> 'idempotency_key') filter (where not k.created and (k.task_type is distinct from k.task ->> 'task_type'
      or k.input_data is distinct from coalesce(k.task -> 'input_data', '{}')))
  into v_result, v_bad from known k;
  if v_bad is not null then
    raise exception 'idempotency key "%" was used for another task', v_bad
      using errcode = 'PT409', hint = 'Use a new key, or send the same type and input.';
  end if;
  return v_result;
end $$;
