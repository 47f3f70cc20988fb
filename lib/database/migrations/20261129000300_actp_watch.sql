-- What has changed since the last look, for whoever watches: asked only while somebody does. No index and no trigger
-- serve it: a row's version (xmin) tells whether it is another one than the watcher knows.

-- p_known: {task id: its version}, what the watcher knows; p_window: so many of the newest tasks are looked at, known or
-- not, and so many of the newest claims; p_acts: the approvals that were open at the last look.
-- → {tasks: [[version, seq, task without input and output]] that are new or changed, gone: [id] of known tasks that are
-- deleted, acts: the open ones and p_acts, limits, routines}
create or replace function public.actp_watch(
  p_known jsonb default '{}', p_window integer default 100, p_acts uuid[] default '{}'
) returns jsonb
language plpgsql volatile set search_path = '' set timezone = 'UTC' set jit = off set enable_seqscan = off as $$
declare
  v_row record; v_task public.actp_workflow_tasks; v_tasks jsonb[] := '{}'; v_known uuid[];
  v_window integer := least(greatest(coalesce(p_window, 100), 1), 500);
begin
  if jsonb_typeof(p_known) is distinct from 'object' or (select count(*) from jsonb_object_keys(p_known)) > 1000 then
    raise exception 'p_known must be an object of at most 1000 tasks' using errcode = 'PT400';
  end if;
  v_known := array(select k::uuid from jsonb_object_keys(p_known) k);
  for v_row in
    select t as task, t.xmin::text as version from public.actp_workflow_tasks t
    where t.id in (
        select id from (select n.id from public.actp_workflow_tasks n order by n.seq desc limit v_window) newest
        union select unnest(v_known)
        union select unnest(c.task_ids)
          from (select task_ids from public.actp_task_claims order by id desc limit v_window) c)
      and p_known ->> t.id::text is distinct from t.xmin::text
    order by t.seq desc limit 500
  loop
    v_task := v_row.task;
    v_task.input_data := null;
    v_task.output_data := null;
    v_tasks := array_append(v_tasks, jsonb_build_array(v_row.version, v_task.seq,
      public.actp_task_json(v_task) - '{input_data,output_data}'::text[]));
  end loop;
  return jsonb_build_object(
    'tasks', to_jsonb(v_tasks),
    'gone', (select coalesce(jsonb_agg(k), '[]') from unnest(v_known) k
      where not exists (select from public.actp_workflow_tasks t where t.id = k)),
    'acts', (select coalesce(jsonb_agg(public.actp_act_json(a) order by a.requested_at desc, a.id desc), '[]') from (
      select o.* from public.actp_outward_acts o where o.id in (
        select w.id from (select id from public.actp_outward_acts
          where status = 'proposed' and expires_at > now() order by requested_at desc limit 100) w
        union select unnest(p_acts))) a),
    'limits', (select coalesce(jsonb_agg(jsonb_build_object('pattern', l.pattern, 'max_running', l.max_running,
        'running', (select count(*) from public.actp_tasks_in_progress() r
          where public.actp_pattern_matches(l.pattern, r.task_type)),
        'paused', l.paused, 'paused_reason', l.reason,
        'paused_at', case when l.paused then l.updated_at end) order by l.pattern), '[]')
      from public.actp_task_limits l),
    'routines', public.actp_list_routines());
end $$;

select public.actp_grant_access('{}', array['actp_watch']);
notify pgrst, 'reload schema';
