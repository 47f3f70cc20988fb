-- Only the service role (and the owner) may touch the queue: on Supabase the anon key must see nothing.

-- Later migrations call it for the tables and functions that they add. Roles that a server lacks are passed over.
create or replace function public.actp_grant_access(p_tables text[], p_functions text[]) returns void
language plpgsql set search_path = '' as $$
declare v_object text; v_role text;
begin
  foreach v_object in array p_tables loop
    execute format('alter table public.%I enable row level security', v_object);
  end loop;
  for v_object in
    select p.oid::regprocedure::text from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (p_functions)
  loop
    execute format('revoke execute on function %s from public', v_object);
  end loop;
  for v_role in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    foreach v_object in array p_tables loop
      execute format(case when v_role = 'service_role' then 'grant select, insert, update, delete on public.%I to %I'
        else 'revoke all on public.%I from %I' end, v_object, v_role);
    end loop;
    for v_object in
      select p.oid::regprocedure::text from pg_catalog.pg_proc p
      where p.pronamespace = 'public'::regnamespace and p.proname = any (p_functions)
    loop
      execute format(case when v_role = 'service_role' then 'grant execute on function %s to %I'
        else 'revoke execute on function %s from %I' end, v_object, v_role);
    end loop;
  end loop;
end $$;

do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant usage on schema supabase_migrations to service_role;
    grant select on supabase_migrations.schema_migrations to service_role;
  end if;
end $$;

select public.actp_grant_access(
  array['actp_workflow_tasks', 'actp_task_claims', 'actp_task_counts', 'actp_task_limits',
    'actp_task_attempts', 'actp_worker_registrations', 'actp_worker_heartbeats', 'actp_worker_logs'],
  array['actp_grant_access', 'actp_task_json', 'actp_wake', 'actp_wake_on_insert', 'actp_is_time', 'actp_task_problem',
    'actp_enqueue_tasks', 'actp_tasks_in_progress', 'actp_count_tasks', 'actp_rescue_tasks',
    'actp_check_claim', 'actp_claim_tasks', 'actp_heartbeat_tasks', 'actp_complete_tasks', 'actp_settle_tasks', 'actp_cancel_task', 'actp_retry_task',
    'actp_get_task', 'actp_list_tasks', 'actp_task_statistics', 'actp_held_tasks', 'actp_register_worker',
    'actp_heartbeat_worker', 'actp_list_workers', 'actp_write_worker_logs', 'actp_database_status']);
notify pgrst, 'reload schema';
