-- Outward acts: what posts, messages or spends. A person agrees to each, or trusts the queue it comes from; each is
-- done once, and what became of it is kept.
--
-- proposed → approved → begun → done
--     |          ↑________|  it surely did not happen, or a person says that it did not
--     └→ rejected
-- A begun act whose attempt is over may have happened or not: only a person can tell.

create table if not exists public.actp_outward_acts (
  id uuid primary key default gen_random_uuid(),
  -- Which queue the task is from, and its id there; or the agent and its run.
  source text not null,
  task_id text not null,
  agent_id text,
  -- Of kind, platform, account and preview: another act of the same task is a row of its own.
  digest text not null,
  kind text not null,
  platform text,
  account text,
  summary text not null,
  preview jsonb not null default '{}',
  status text not null default 'proposed' check (status in ('proposed', 'approved', 'rejected', 'begun', 'done')),
  requested_by text,
  requested_at timestamptz not null default now(),
  expires_at timestamptz not null,
  decided_at timestamptz,
  decided_by text,
  decision_reason text,
  -- The fencing token of the attempt that does it.
  fence text,
  begun_at timestamptz,
  ended_at timestamptz,
  result jsonb,
  error text,
  -- The task has learnt of its rejection or expiry: if it is tried again, it asks again.
  closed_at timestamptz
);
create unique index if not exists actp_outward_acts_open
  on public.actp_outward_acts (source, task_id, digest) where closed_at is null;
create index if not exists actp_outward_acts_waiting on public.actp_outward_acts (requested_at) where status = 'proposed';
create index if not exists actp_outward_acts_requested on public.actp_outward_acts (requested_at desc, id desc);

create or replace function public.actp_act_json(p_act public.actp_outward_acts) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select to_jsonb(p_act) - 'digest' - 'closed_at' || jsonb_build_object('status', case
    when p_act.status = 'proposed' and p_act.expires_at <= now() then 'expired' else p_act.status end)
$$;

-- p_act: {source, task_id, digest, kind, platform?, account?, summary, preview, agent_id?, fence?} → the act with its
-- status: proposed (wait), approved (go on), rejected, expired, done (its result is there), or uncertain: an attempt
-- that is over has begun it. A rejection or an expiry is told once; after that it is proposed anew.
create or replace function public.actp_request_act(
  p_act jsonb, p_worker_id text, p_expires_seconds double precision, p_trusted boolean default false
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_act public.actp_outward_acts; v_status text;
begin
  if coalesce(p_act ->> 'source', '') = '' or coalesce(p_act ->> 'task_id', '') = '' or coalesce(p_act ->> 'digest', '') = ''
    or coalesce(p_act ->> 'kind', '') = '' or coalesce(p_act ->> 'summary', '') = '' then
    raise exception 'p_act needs source, task_id, digest, kind and summary' using errcode = 'PT400';
  end if;
  if coalesce(p_expires_seconds, 0) <= 0 then
    raise exception 'p_expires_seconds must be above 0' using errcode = 'PT400';
  end if;
  insert into public.actp_outward_acts as a
    (source, task_id, digest, kind, platform, account, summary, preview, agent_id, requested_by, expires_at)
  values (p_act ->> 'source', p_act ->> 'task_id', p_act ->> 'digest', p_act ->> 'kind', p_act ->> 'platform',
    p_act ->> 'account', p_act ->> 'summary', coalesce(p_act -> 'preview', '{}'), p_act ->> 'agent_id', p_worker_id,
    now() + make_interval(secs => p_expires_seconds))
  on conflict (source, task_id, digest) where closed_at is null do nothing;
  if found then
    perform public.actp_wake('approvals');
  end if;
  select * into v_act from public.actp_outward_acts
  where source = p_act ->> 'source' and task_id = p_act ->> 'task_id' and digest = p_act ->> 'digest' and closed_at is null
  for update;
  if v_act.status = 'proposed' and p_trusted then
    update public.actp_outward_acts set status = 'approved', decided_at = now(), decided_by = 'trusted queue ' || v_act.source
    where id = v_act.id returning * into v_act;
  end if;
  v_status := case
    when v_act.status = 'proposed' and v_act.expires_at <= now() then 'expired'
    when v_act.status = 'begun' and v_act.fence is distinct from p_act ->> 'fence' then 'uncertain'
    else v_act.status end;
  if v_status in ('rejected', 'expired') then
    update public.actp_outward_acts set closed_at = now() where id = v_act.id returning * into v_act;
  end if;
  return public.actp_act_json(v_act) || jsonb_build_object('status', v_status);
end $$;

-- The attempt with this fencing token does it now. False: it is not approved, or another attempt has begun it.
create or replace function public.actp_begin_act(p_id uuid, p_fence text) returns boolean
language plpgsql set search_path = '' as $$
begin
  update public.actp_outward_acts set status = 'begun', fence = p_fence, begun_at = coalesce(begun_at, now()), error = null
  where id = p_id and (status = 'approved' or (status = 'begun' and fence = p_fence));
  return found;
end $$;

-- p_done: it was done, with this result; otherwise it surely was not, and may be tried again.
create or replace function public.actp_end_act(
  p_id uuid, p_fence text, p_done boolean, p_result jsonb default null, p_error text default null
) returns boolean
language plpgsql set search_path = '' as $$
begin
  update public.actp_outward_acts set status = case when p_done then 'done' else 'approved' end,
    result = case when p_done then p_result end, error = p_error, ended_at = now(),
    begun_at = case when p_done then begun_at end
  where id = p_id and fence = p_fence and (status = 'begun' or (p_done and status = 'done'));
  return found;
end $$;

-- A person's word. Approving a begun act says that it did not happen: it may be done again. The task that waits for
-- the word is due at once.
create or replace function public.actp_decide_act(p_id uuid, p_approve boolean, p_by text, p_reason text default null)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_act public.actp_outward_acts; v_task public.actp_workflow_tasks;
begin
  select * into v_act from public.actp_outward_acts where id = p_id;
  if not found then
    raise exception 'there is no approval %', p_id using errcode = 'PT404';
  end if;
  -- The task first, as in a settlement: either that sees this word, or this sees what was settled.
  if v_act.source = 'workflow' then
    select * into v_task from public.actp_workflow_tasks t where t.id = v_act.task_id::uuid for update;
  end if;
  select * into v_act from public.actp_outward_acts where id = p_id for update;
  if v_act.closed_at is not null or v_act.status in ('rejected', 'done') then
    raise exception 'approval % is % already', p_id, case when v_act.status = 'proposed' then 'expired' else v_act.status end
      using errcode = 'PT409';
  end if;
  if v_act.status = 'proposed' and v_act.expires_at <= now() then
    raise exception 'approval % has expired (retry the task to be asked again)', p_id using errcode = 'PT409';
  end if;
  if v_act.status = 'begun' and v_task.status in ('claimed', 'running') and v_task.fence::text = v_act.fence then
    raise exception 'approval %: the act is being done right now', p_id using errcode = 'PT409';
  end if;
  update public.actp_outward_acts set status = case when p_approve then 'approved' else 'rejected' end,
    decided_at = now(), decided_by = p_by, decision_reason = p_reason, fence = null, begun_at = null
  where id = p_id returning * into v_act;
  if v_task.status = 'pending' then
    update public.actp_workflow_tasks set run_at = now() where id = v_task.id and run_at > now();
    perform public.actp_wake('pending');
  end if;
  perform public.actp_wake('approvals');
  return public.actp_act_json(v_act);
end $$;

-- When a task that gives itself back may be claimed again: at once, or when what it proposed has been decided or has
-- expired. The caller holds the task's row.
create or replace function public.actp_released_until(p_task_id uuid) returns timestamptz
language sql volatile set search_path = '' as $$
  select coalesce((select max(a.expires_at) from public.actp_outward_acts a
    where a.source = 'workflow' and a.task_id = p_task_id::text and a.closed_at is null and a.status = 'proposed'), now())
$$;

-- Newest first. p_status: one of them, 'expired', 'open' (proposed and not expired), or null for all; p_before: the id
-- of the last one seen.
create or replace function public.actp_list_acts(p_status text default null, p_limit integer default 50, p_before uuid default null)
returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
begin
  if p_status is not null
    and p_status not in ('open', 'proposed', 'approved', 'rejected', 'begun', 'done', 'failed', 'expired') then
    raise exception 'p_status must be open, approved, rejected, begun, done, failed or expired' using errcode = 'PT400';
  end if;
  return (select coalesce(jsonb_agg(public.actp_act_json(a) order by a.requested_at desc, a.id desc), '[]') from (
    select * from public.actp_outward_acts o
    where (p_status is null or case p_status
        when 'open' then o.status = 'proposed' and o.expires_at > now()
        when 'expired' then o.status = 'proposed' and o.expires_at <= now()
        else o.status = p_status end)
      and (p_before is null or (o.requested_at, o.id) < (select b.requested_at, b.id from public.actp_outward_acts b where b.id = p_before))
    order by o.requested_at desc, o.id desc limit least(greatest(p_limit, 1), 500)
  ) a);
end $$;

create or replace function public.actp_get_act(p_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select public.actp_act_json(a) from public.actp_outward_acts a where a.id = p_id
$$;

select public.actp_grant_access(
  array['actp_outward_acts'],
  array['actp_act_json', 'actp_request_act', 'actp_begin_act', 'actp_end_act', 'actp_decide_act', 'actp_released_until',
    'actp_list_acts', 'actp_get_act']);
notify pgrst, 'reload schema';
