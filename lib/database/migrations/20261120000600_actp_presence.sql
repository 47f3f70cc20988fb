-- Presence: a worker with a direct connection holds a lock for as long as its process lives, and the server frees it
-- the moment the process dies. The workers form a ring, in the order of their ids: each waits for the lock of the next
-- one, and gives its tasks back when it falls free.
--
-- What is locked is a view of a fixed set: LOCK TABLE is the one wait that needs no snapshot. Waiting for an advisory
-- lock would hold back vacuum and pruning in the whole database, for as long as it waits. Views, since nothing else
-- (vacuum, dumps) ever wants a lock on one that these locks would make it wait for.

create schema if not exists actp_presence;
do $$
begin
  for i in 1 .. 64 loop
    -- Not "or replace", which would wait for the workers that live.
    if to_regclass('actp_presence.slot_' || i) is null then
      execute format('create view actp_presence.slot_%s as select', i);
    end if;
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant usage on schema actp_presence to service_role;
    grant select, update on all tables in schema actp_presence to service_role; -- which is what LOCK TABLE asks for
  end if;
end $$;

alter table public.actp_worker_registrations
  -- Which view it locks.
  add column if not exists presence_slot integer unique,
  -- The server process of the session that took the lock.
  add column if not exists presence_pid integer;

-- The slot that a worker is to lock, its own one if it has one; null where it is not registered, or no slot is free.
-- A worker that asks lives, whatever has become of its last session: from now on that session is nobody's.
create or replace function public.actp_presence_slot(p_worker_id text) returns jsonb
language plpgsql set search_path = '' as $$
declare v_slot integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('actp_presence_slot', 0));
  update public.actp_worker_registrations set presence_pid = null where worker_id = p_worker_id
  returning presence_slot into v_slot;
  if v_slot is not null or not found then
    return coalesce(to_jsonb(v_slot), 'null');
  end if;
  select s into v_slot from generate_series(1, 64) s
  left join public.actp_worker_registrations r on r.presence_slot = s
  where r.worker_id is null or r.status = 'offline' or r.last_heartbeat < now() - interval '2 minutes'
  order by r.last_heartbeat nulls first, s limit 1;
  update public.actp_worker_registrations set presence_slot = null, presence_pid = null where presence_slot = v_slot;
  update public.actp_worker_registrations set presence_slot = v_slot where worker_id = p_worker_id;
  return coalesce(to_jsonb(v_slot), 'null');
end $$;

-- The worker's session p_pid has locked the slot. → false when the slot has meanwhile become another's.
create or replace function public.actp_presence_taken(p_worker_id text, p_slot integer, p_pid integer) returns jsonb
language plpgsql set search_path = '' as $$
begin
  update public.actp_worker_registrations set presence_pid = p_pid, status = 'online', last_heartbeat = now()
  where worker_id = p_worker_id and presence_slot = p_slot;
  if not found then
    return 'false';
  end if;
  perform pg_catalog.pg_notify('actp_workers', p_worker_id);
  return 'true';
end $$;

-- Who holds the lock of which slot now.
create or replace function public.actp_presence_locks() returns table (slot integer, pid integer)
language sql volatile set search_path = '' as $$
  select substr(c.relname, 6)::integer, l.pid from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  where l.locktype = 'relation' and l.granted and c.relnamespace = 'actp_presence'::regnamespace
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
$$;

-- The workers that have taken their lock and not said goodbye, whether they still hold it, and the time:
-- {now, workers: [{id, slot, pid, present}]}
create or replace function public.actp_presence_ring() returns jsonb
language sql volatile set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object('now', clock_timestamp(), 'workers', coalesce(jsonb_agg(jsonb_build_object(
    'id', r.worker_id, 'slot', r.presence_slot, 'pid', r.presence_pid, 'present', l.pid is not null)
    order by r.worker_id), '[]'))
  from public.actp_worker_registrations r
  left join public.actp_presence_locks() l on l.slot = r.presence_slot and l.pid = r.presence_pid
  where r.presence_pid is not null and r.status <> 'offline'
$$;

-- The worker's session p_pid was seen to be gone at p_since. Gives its tasks back, unless the worker has since shown
-- any sign of life. → how many tasks; null where it lives, has said goodbye, or somebody else has rescued it.
create or replace function public.actp_presence_rescue(p_worker_id text, p_pid integer, p_since timestamptz) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
begin
  perform from public.actp_worker_registrations r
  where r.worker_id = p_worker_id and r.presence_pid = p_pid and r.status <> 'offline' and r.last_heartbeat < p_since
    and not exists (select from public.actp_presence_locks() l where l.slot = r.presence_slot and l.pid = p_pid)
    and not exists (select from public.actp_tasks_in_progress(p_worker_id) t where t.heartbeat_at >= p_since)
  for update;
  if not found then
    return 'null';
  end if;
  update public.actp_worker_registrations set status = 'offline' where worker_id = p_worker_id;
  return to_jsonb(jsonb_array_length(public.actp_rescue_tasks(p_held_by => p_worker_id, p_limit => 10000)));
end $$;

select public.actp_grant_access(array[]::text[],
  array['actp_presence_slot', 'actp_presence_taken', 'actp_presence_locks', 'actp_presence_ring', 'actp_presence_rescue']);
notify pgrst, 'reload schema';
