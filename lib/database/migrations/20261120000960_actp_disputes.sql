-- Disputes about tasks and their rewards. Anybody may open one, name a time until which votes count, and vote; it ends with
-- a resolution. What a task earned counts unless a dispute about it is open or was upheld.

create table if not exists public.actp_disputes (
  id uuid primary key default gen_random_uuid(),
  -- Not a foreign key: a dispute outlives the task's retention.
  task_id uuid not null,
  task_type text not null,
  reward numeric,
  currency text,
  reason text not null,
  opened_by text not null,
  opened_at timestamptz not null default now(),
  vote_deadline timestamptz not null,
  status text not null default 'open' check (status in ('open', 'upheld', 'rejected', 'withdrawn')),
  resolution text,
  resolved_by text,
  resolved_at timestamptz
);
create unique index if not exists actp_disputes_one_open on public.actp_disputes (task_id) where status = 'open';
create index if not exists actp_disputes_task on public.actp_disputes (task_id);
create index if not exists actp_disputes_opened on public.actp_disputes (opened_at desc, id desc);

create table if not exists public.actp_dispute_votes (
  dispute_id uuid not null references public.actp_disputes (id) on delete cascade,
  voter text not null,
  uphold boolean not null,
  comment text,
  voted_at timestamptz not null default now(),
  primary key (dispute_id, voter)
);

create or replace function public.actp_dispute_json(p_dispute public.actp_disputes) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select to_jsonb(p_dispute) || jsonb_build_object('reward', p_dispute.reward::text,
    'votes_for', count(*) filter (where v.uphold), 'votes_against', count(*) filter (where not v.uphold),
    'votes', coalesce(jsonb_agg(jsonb_build_object('voter', v.voter, 'uphold', v.uphold, 'comment', v.comment,
      'voted_at', v.voted_at) order by v.voted_at, v.voter) filter (where v.voter is not null), '[]'))
  from (select) one left join public.actp_dispute_votes v on v.dispute_id = p_dispute.id
$$;

create or replace function public.actp_check_dispute_text(p_field text, p_text text, p_max integer) returns void
language plpgsql set search_path = '' as $$
begin
  if length(trim(coalesce(p_text, ''))) not between 1 and p_max then
    raise exception '% must be a text of 1 to % characters', p_field, p_max using errcode = 'PT400';
  end if;
end $$;

-- Opens a dispute about a task; one at a time. Votes count for p_vote_seconds from now.
create or replace function public.actp_open_dispute(
  p_task_id uuid, p_reason text, p_opened_by text, p_vote_seconds integer default 259200
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' set enable_seqscan = off as $$
declare v_task public.actp_workflow_tasks; v_dispute public.actp_disputes;
begin
  perform public.actp_check_dispute_text('reason', p_reason, 2000);
  perform public.actp_check_dispute_text('opened_by', p_opened_by, 200);
  if coalesce(p_vote_seconds, 0) not between 60 and 31536000 then
    raise exception 'vote_seconds must be 60 to 31536000' using errcode = 'PT400';
  end if;
  select * into v_task from public.actp_workflow_tasks where id = p_task_id;
  if not found then
    raise exception 'there is no task %', p_task_id using errcode = 'PT404';
  end if;
  insert into public.actp_disputes (task_id, task_type, reward, currency, reason, opened_by, vote_deadline)
  values (p_task_id, v_task.task_type, v_task.reward, v_task.currency, trim(p_reason), trim(p_opened_by),
    now() + make_interval(secs => p_vote_seconds))
  on conflict (task_id) where status = 'open' do nothing returning * into v_dispute;
  if not found then
    raise exception 'a dispute about task % is open already', p_task_id using errcode = 'PT409';
  end if;
  return public.actp_dispute_json(v_dispute);
end $$;

-- One vote for each voter; a later one takes its place while votes count.
create or replace function public.actp_vote_dispute(p_id uuid, p_voter text, p_uphold boolean, p_comment text default null)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_dispute public.actp_disputes;
begin
  perform public.actp_check_dispute_text('voter', p_voter, 200);
  if p_uphold is null or length(p_comment) > 2000 then
    raise exception 'a vote says whether to uphold, and its comment has at most 2000 characters' using errcode = 'PT400';
  end if;
  select * into v_dispute from public.actp_disputes where id = p_id for update;
  if not found then
    raise exception 'there is no dispute %', p_id using errcode = 'PT404';
  end if;
  if v_dispute.status <> 'open' then
    raise exception 'dispute % is % already', p_id, v_dispute.status using errcode = 'PT409';
  end if;
  if v_dispute.vote_deadline <= now() then
    raise exception 'dispute %: the time for votes ended at %', p_id, v_dispute.vote_deadline using errcode = 'PT409';
  end if;
  insert into public.actp_dispute_votes as v (dispute_id, voter, uphold, comment)
  values (p_id, trim(p_voter), p_uphold, p_comment)
  on conflict (dispute_id, voter) do update set uphold = excluded.uphold, comment = excluded.comment, voted_at = now();
  return public.actp_dispute_json(v_dispute);
end $$;

-- Ends a dispute. p_status: upheld, rejected or withdrawn; null counts the votes, once their time is over and unless they
-- are even.
create or replace function public.actp_resolve_dispute(
  p_id uuid, p_by text, p_status text default null, p_resolution text default null
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_dispute public.actp_disputes; v_lead bigint; v_status text := p_status;
begin
  perform public.actp_check_dispute_text('resolved_by', p_by, 200);
  if v_status not in ('upheld', 'rejected', 'withdrawn') or length(p_resolution) > 2000 then
    raise exception 'a dispute ends upheld, rejected or withdrawn, with a note of at most 2000 characters' using errcode = 'PT400';
  end if;
  select * into v_dispute from public.actp_disputes where id = p_id for update;
  if not found then
    raise exception 'there is no dispute %', p_id using errcode = 'PT404';
  end if;
  if v_dispute.status <> 'open' then
    raise exception 'dispute % is % already', p_id, v_dispute.status using errcode = 'PT409';
  end if;
  if v_status is null then
    if v_dispute.vote_deadline > now() then
      raise exception 'dispute %: votes count until %; say how it ends to end it now', p_id, v_dispute.vote_deadline
        using errcode = 'PT409';
    end if;
    select count(*) filter (where uphold) - count(*) filter (where not uphold) into v_lead
    from public.actp_dispute_votes where dispute_id = p_id;
    if v_lead = 0 then
      raise exception 'dispute %: the votes are even; say how it ends', p_id using errcode = 'PT409';
    end if;
    v_status := case when v_lead > 0 then 'upheld' else 'rejected' end;
  end if;
  update public.actp_disputes set status = v_status, resolution = p_resolution, resolved_by = trim(p_by), resolved_at = now()
  where id = p_id returning * into v_dispute;
  return public.actp_dispute_json(v_dispute);
end $$;

create or replace function public.actp_get_dispute(p_id uuid) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare v_dispute public.actp_disputes;
begin
  select * into v_dispute from public.actp_disputes where id = p_id;
  if not found then
    raise exception 'there is no dispute %', p_id using errcode = 'PT404';
  end if;
  return public.actp_dispute_json(v_dispute);
end $$;

-- Newest first. p_status: open, upheld, rejected, withdrawn, or null for all; p_before: the id of the last one seen.
create or replace function public.actp_list_disputes(
  p_status text default null, p_task_id uuid default null, p_limit integer default 50, p_before uuid default null
) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
begin
  if p_status not in ('open', 'upheld', 'rejected', 'withdrawn') then
    raise exception 'status must be open, upheld, rejected or withdrawn' using errcode = 'PT400';
  end if;
  return (select coalesce(jsonb_agg(public.actp_dispute_json(l) order by l.opened_at desc, l.id desc), '[]') from (
    select * from public.actp_disputes d
    where (p_status is null or d.status = p_status) and (p_task_id is null or d.task_id = p_task_id)
      and (p_before is null or (d.opened_at, d.id) < (select b.opened_at, b.id from public.actp_disputes b where b.id = p_before))
    order by d.opened_at desc, d.id desc limit least(greatest(p_limit, 1), 500)
  ) l);
end $$;

select public.actp_grant_access(
  array['actp_disputes', 'actp_dispute_votes'],
  array['actp_dispute_json', 'actp_check_dispute_text', 'actp_open_dispute', 'actp_vote_dispute', 'actp_resolve_dispute',
    'actp_get_dispute', 'actp_list_disputes']);
notify pgrst, 'reload schema';
