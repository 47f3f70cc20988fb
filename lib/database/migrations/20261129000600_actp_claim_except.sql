-- A worker may do some tasks of a type and not others (it can post to one platform only): claims leave those to others.

create or replace function public.actp_is_excepted(p_except jsonb, p_type text, p_input jsonb) returns boolean
language sql immutable set search_path = '' as $$
  select exists (select from jsonb_each(p_except -> p_type) e where e.value ? (p_input ->> e.key))
$$;

drop function if exists public.actp_claim_tasks(text, text[], integer, integer, jsonb);
-- Claims at most p_room due tasks of the given types for a worker, by priority, then due time.
-- p_type_rooms: {type: how many of it at the most}, for types with a limit of the worker's own.
-- p_except: {type: {field: [value, …]}}, tasks that the worker leaves to others by a field of their input.
-- → [[id, task_type, input_data, attempt, max_attempts, priority, token, timeout_minutes, lease_seconds, created_at,
--      execution_id, step_id, deadline]]: without names, which would be most of a large answer.
create or replace function public.actp_claim_tasks(
  p_worker_id text, p_types text[], p_room integer, p_lease_seconds integer default 60, p_type_rooms jsonb default null,
  p_except jsonb default null
) returns json
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off set jit = off set enable_bitmapscan = off as $$
declare v_tasks json; v_ids uuid[]; v_types text[]; v_rooms integer[];
begin
  perform public.actp_check_claim(p_worker_id, p_lease_seconds);
  if coalesce(p_room, -1) not between 0 and 1000 then
    raise exception 'p_room must be 0 to 1000' using errcode = 'PT400';
  end if;
  if exists (select from public.actp_task_claims where check_at <= now()) then
    perform public.actp_rescue_tasks();
  end if;

  -- How many of each type.
  if p_type_rooms is null and not exists (select from public.actp_task_limits) then
    select array_agg(w), array_agg(p_room) into v_types, v_rooms from (select distinct unnest(p_types) as w) d;
  else
    select array_agg(r.task_type), array_agg(r.room) into v_types, v_rooms
    from public.actp_type_rooms(p_types, p_room, p_type_rooms) r;
  end if;
  if array_length(v_types, 1) > 1 and p_except is null then
    -- What would be claimed, unlocked: no row of one type is locked in vain because another type's come first.
    select array_agg(s.task_type), array_agg(s.room) into v_types, v_rooms
    from (
      select f.task_type, count(*)::integer as room from (
        select c.* from unnest(v_types, v_rooms) as share(task_type, room) cross join lateral (
          select t.task_type, t.priority, t.run_at from public.actp_workflow_tasks t
          where t.queued and t.task_type = share.task_type and t.run_at <= now()
          order by t.priority desc, t.run_at limit share.room
        ) c order by c.priority desc, c.run_at limit p_room
      ) f group by f.task_type
    ) s;
  elsif array_length(v_types, 1) > 1 then
    -- The same, apart from the exceptions: looking at the input costs the table's rows beside those of the index.
    select array_agg(s.task_type), array_agg(s.room) into v_types, v_rooms
    from (
      select f.task_type, count(*)::integer as room from (
        select c.* from unnest(v_types, v_rooms) as share(task_type, room) cross join lateral (
          select t.task_type, t.priority, t.run_at from public.actp_workflow_tasks t
          where t.queued and t.task_type = share.task_type and t.run_at <= now()
            and not public.actp_is_excepted(p_except, t.task_type, t.input_data)
          order by t.priority desc, t.run_at limit share.room
        ) c order by c.priority desc, c.run_at limit p_room
      ) f group by f.task_type
    ) s;
  end if;

  with picked as materialized (
    select c.row_at from unnest(v_types, v_rooms) as share(task_type, room) cross join lateral (
      select t.ctid as row_at from public.actp_workflow_tasks t
      where t.queued and t.task_type = share.task_type and t.run_at <= now()
        and (p_except is null or not public.actp_is_excepted(p_except, t.task_type, t.input_data))
      order by t.priority desc, t.run_at limit share.room for update skip locked
    ) c
  ), claimed as (
    update public.actp_workflow_tasks t set
      status = 'claimed', claimed_by = p_worker_id, claimed_at = now(), started_at = null, heartbeat_at = now(),
      lease_expires_at = now() + make_interval(secs => p_lease_seconds),
      attempts = t.attempts + 1, fence = t.fence + 1, progress = null
    -- By its place, which the lock holds still, and not by another look into an index.
    from picked where t.ctid = picked.row_at
    returning t.id, t.task_type, t.input_data, t.attempts, t.max_attempts, t.priority, t.fence, t.timeout_minutes,
      t.created_at, t.execution_id, t.step_id, t.deadline, t.run_at
  )
  select json_agg(json_build_array(c.id, c.task_type, c.input_data, c.attempts, c.max_attempts, c.priority, c.fence::text,
      c.timeout_minutes, p_lease_seconds, c.created_at, c.execution_id, c.step_id, c.deadline)
      order by c.priority desc, c.run_at), array_agg(c.id)
  into v_tasks, v_ids from claimed c;
  if v_ids is not null then
    insert into public.actp_task_claims (worker_id, check_at, task_ids)
    values (p_worker_id, now() + make_interval(secs => p_lease_seconds), v_ids);
  end if;
  return coalesce(v_tasks, '[]');
end $$;

select public.actp_grant_access('{}', array['actp_is_excepted', 'actp_claim_tasks']);
notify pgrst, 'reload schema';
