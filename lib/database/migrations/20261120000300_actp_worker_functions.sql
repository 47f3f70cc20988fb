-- Workers: who they are, what they can do, that they live, and what they say.

-- p_worker: {worker_id, hostname, capabilities[], max_concurrent, version, system_info, os_version, started_at}
-- → {registered: true} or, where a living worker on another host uses the id, {registered: false, hostname, last_heartbeat}.
create or replace function public.actp_register_worker(p_worker jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_id text := p_worker ->> 'worker_id'; v_other public.actp_worker_registrations;
begin
  if coalesce(v_id, '') = '' then
    raise exception 'worker_id must not be empty' using errcode = 'PT400';
  end if;
  -- Two that register one id at the same time see each other, also when neither is in the table yet.
  perform pg_advisory_xact_lock(hashtextextended('actp_register_worker ' || v_id, 0));
  select * into v_other from public.actp_worker_registrations where worker_id = v_id for update;
  if v_other.hostname is distinct from p_worker ->> 'hostname' and v_other.status = 'online'
    and v_other.last_heartbeat > now() - interval '2 minutes' then
    return jsonb_build_object('registered', false, 'hostname', v_other.hostname, 'last_heartbeat', v_other.last_heartbeat);
  end if;
  insert into public.actp_worker_registrations as r
    (worker_id, hostname, capabilities, max_concurrent, status, version, system_info, registered_at, last_heartbeat)
  values (v_id, p_worker ->> 'hostname',
    array(select jsonb_array_elements_text(coalesce(p_worker -> 'capabilities', '[]'))),
    (p_worker ->> 'max_concurrent')::integer, 'online', p_worker ->> 'version', p_worker -> 'system_info', now(), now())
  on conflict (worker_id) do update set hostname = excluded.hostname, capabilities = excluded.capabilities,
    max_concurrent = excluded.max_concurrent, status = 'online', version = excluded.version,
    system_info = excluded.system_info, registered_at = now(), last_heartbeat = now();
  insert into public.actp_worker_heartbeats as h
    (worker_id, hostname, os_version, status, capabilities, jobs_completed, jobs_failed, last_heartbeat, started_at, system_info)
  values (v_id, p_worker ->> 'hostname', p_worker ->> 'os_version', 'online', p_worker -> 'capabilities', 0, 0, now(),
    (p_worker ->> 'started_at')::timestamptz, p_worker -> 'system_info')
  on conflict (worker_id) do update set hostname = excluded.hostname, os_version = excluded.os_version, status = 'online',
    capabilities = excluded.capabilities, last_heartbeat = now(), started_at = excluded.started_at,
    system_info = excluded.system_info;
  return jsonb_build_object('registered', true);
end $$;

-- p_status: online | busy | offline. p_current: the tasks in progress, [{task_id, task_type, started_at}].
-- → {jobs_completed, jobs_failed}: what the worker has settled in all its life.
create or replace function public.actp_heartbeat_worker(
  p_worker_id text, p_status text, p_current jsonb default '[]', p_capabilities text[] default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_row public.actp_worker_heartbeats;
begin
  update public.actp_worker_heartbeats set status = p_status, last_heartbeat = now(),
    current_job = case when p_current -> 0 is null then null else jsonb_build_object(
      'service', 'actp-worker', 'job_id', p_current -> 0 -> 'task_id', 'type', p_current -> 0 -> 'task_type',
      'started_at', p_current -> 0 -> 'started_at', 'all', p_current) end,
    capabilities = coalesce(to_jsonb(p_capabilities), capabilities)
  where worker_id = p_worker_id returning * into v_row;
  if not found then
    raise exception 'worker % is not registered', p_worker_id using errcode = 'PT404';
  end if;
  update public.actp_worker_registrations set last_heartbeat = now(),
    status = case when p_status = 'offline' then 'offline' else 'online' end,
    capabilities = coalesce(p_capabilities, capabilities)
  where worker_id = p_worker_id;
  return jsonb_build_object('jobs_completed', v_row.jobs_completed, 'jobs_failed', v_row.jobs_failed);
end $$;

-- Every worker (or one) with its liveness: silent for 2 minutes is dead.
create or replace function public.actp_list_workers(p_worker_id text default null) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'worker_id', r.worker_id, 'hostname', r.hostname, 'capabilities', to_jsonb(r.capabilities),
    'max_concurrent', r.max_concurrent, 'version', r.version, 'system_info', r.system_info,
    'registered_at', r.registered_at, 'last_heartbeat', r.last_heartbeat,
    'status', case when r.status = 'offline' then 'offline'
      when r.last_heartbeat < now() - interval '2 minutes' then 'dead' else coalesce(h.status, r.status) end,
    'current', coalesce(h.current_job -> 'all', '[]'), 'jobs_completed', coalesce(h.jobs_completed, 0),
    'jobs_failed', coalesce(h.jobs_failed, 0), 'started_at', h.started_at) order by r.worker_id), '[]')
  from public.actp_worker_registrations r left join public.actp_worker_heartbeats h on h.worker_id = r.worker_id
  where p_worker_id is null or r.worker_id = p_worker_id
$$;

-- p_rows: [{level, service, job_id, message, details, created_at}] → {written}
create or replace function public.actp_write_worker_logs(p_worker_id text, p_rows jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_written integer;
begin
  insert into public.actp_worker_logs (worker_id, level, service, job_id, message, details, created_at)
  select p_worker_id, r.level, r.service, r.job_id, r.message, r.details, coalesce(r.created_at, now())
  from jsonb_to_recordset(p_rows) as r(level text, service text, job_id text, message text, details jsonb, created_at timestamptz);
  get diagnostics v_written = row_count;
  return jsonb_build_object('written', v_written);
end $$;

-- What this database holds: the migrations applied and the size of each table, for `db status`.
create or replace function public.actp_database_status() returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object(
    'server_version', current_setting('server_version'),
    'now', now(),
    'migrations', (select coalesce(jsonb_agg(version order by version), '[]') from supabase_migrations.schema_migrations
      where name like 'actp\_%'),
    'tables', (select coalesce(jsonb_agg(jsonb_build_object('name', c.relname, 'bytes', pg_catalog.pg_total_relation_size(c.oid)::text,
        'rows_estimate', greatest(c.reltuples, 0)::bigint::text) order by c.relname), '[]')
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind = 'r' and (c.relname like 'actp\_%' or c.relname = 'anthropic_cost_log')))
$$;
