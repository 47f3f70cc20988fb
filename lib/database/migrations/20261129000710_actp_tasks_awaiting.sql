-- Which of these tasks wait for a person's word → {task id: {id, summary, expires_at}}, of each the act that is decided last.
create or replace function public.actp_tasks_awaiting_approval(p_task_ids uuid[]) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_object_agg(w.task_id, jsonb_build_object('id', w.id, 'summary', w.summary, 'expires_at', w.expires_at)), '{}')
  from (
    select distinct on (a.task_id) a.task_id, a.id, a.summary, a.expires_at from public.actp_outward_acts a
    where a.source = 'workflow' and a.task_id = any (p_task_ids::text[]) and a.closed_at is null and a.status = 'proposed'
      and a.expires_at > now()
    order by a.task_id, a.expires_at desc, a.id
  ) w
$$;

select public.actp_grant_access('{}', array['actp_tasks_awaiting_approval']);
notify pgrst, 'reload schema';
