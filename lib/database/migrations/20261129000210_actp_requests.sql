-- Requests that changed something under an Idempotency-Key, with their answers, for a day: asked again, the first answer is
-- given and nothing is done twice, also by another worker or after a restart.

create table if not exists public.actp_requests (
  -- Who asked: keys of one caller are nothing to another.
  caller text not null,
  key text not null,
  -- Of method, path and body.
  digest text not null,
  -- Of the request that is answering it; another one may have taken its place.
  token uuid not null default gen_random_uuid(),
  begun_at timestamptz not null default now(),
  -- null: being answered.
  status integer,
  answer text,
  primary key (caller, key)
);
create index if not exists actp_requests_begun on public.actp_requests (begun_at);

-- → {state: "new", token}: answer it and say so with actp_end_request. {state: "replay", status, answer}. {state: "conflict"}:
-- the key was used for something else. {state: "in_progress"}. One that has been answered for more than p_patience_seconds
-- has died with its worker, and is begun anew.
create or replace function public.actp_begin_request(
  p_caller text, p_key text, p_digest text, p_keep_seconds integer default 86400, p_patience_seconds integer default 120
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_request public.actp_requests; v_token uuid;
begin
  if length(coalesce(p_key, '')) not between 1 and 200 or length(coalesce(p_caller, '')) not between 1 and 200 or p_digest is null then
    raise exception 'p_key and p_caller must have 1 to 200 characters, and p_digest must be given' using errcode = 'PT400';
  end if;
  delete from public.actp_requests where caller = p_caller and key = p_key and begun_at < now() - make_interval(secs => p_keep_seconds);
  insert into public.actp_requests (caller, key, digest) values (p_caller, p_key, p_digest)
  on conflict (caller, key) do nothing returning token into v_token;
  if found then
    return jsonb_build_object('state', 'new', 'token', v_token);
  end if;
  select * into v_request from public.actp_requests where caller = p_caller and key = p_key for update;
  if not found then
    return jsonb_build_object('state', 'in_progress'); -- given up this moment: the next try is a new one
  end if;
  if v_request.digest <> p_digest then
    return jsonb_build_object('state', 'conflict');
  end if;
  if v_request.status is not null then
    return jsonb_build_object('state', 'replay', 'status', v_request.status, 'answer', v_request.answer);
  end if;
  if v_request.begun_at > now() - make_interval(secs => p_patience_seconds) then
    return jsonb_build_object('state', 'in_progress');
  end if;
  update public.actp_requests set token = gen_random_uuid(), begun_at = now() where caller = p_caller and key = p_key
  returning token into v_token;
  return jsonb_build_object('state', 'new', 'token', v_token);
end $$;

-- Keeps the answer; without a status the request is given up, and may be tried again. → whether it was still this one's.
create or replace function public.actp_end_request(
  p_caller text, p_key text, p_token uuid, p_status integer default null, p_answer text default null
) returns boolean
language plpgsql set search_path = '' as $$
begin
  if p_status is null then
    delete from public.actp_requests where caller = p_caller and key = p_key and token = p_token and status is null;
  else
    update public.actp_requests set status = p_status, answer = p_answer
    where caller = p_caller and key = p_key and token = p_token and status is null;
  end if;
  return found;
end $$;

-- Deletes what is older than so many seconds; at most p_limit. → {deleted}
create or replace function public.actp_prune_requests(p_seconds integer default 86400, p_limit integer default 1000) returns jsonb
language plpgsql set search_path = '' as $$
declare v_deleted integer;
begin
  if coalesce(p_seconds, 0) < 1 or coalesce(p_limit, 0) not between 1 and 10000 then
    raise exception 'p_seconds must be above 0, and p_limit 1 to 10000' using errcode = 'PT400';
  end if;
  delete from public.actp_requests r using (
    select o.caller, o.key from public.actp_requests o where o.begun_at < now() - make_interval(secs => p_seconds)
    order by o.begun_at limit p_limit for update skip locked
  ) old where r.caller = old.caller and r.key = old.key;
  get diagnostics v_deleted = row_count;
  return jsonb_build_object('deleted', v_deleted);
end $$;

select public.actp_grant_access(
  array['actp_requests'], array['actp_begin_request', 'actp_end_request', 'actp_prune_requests']);
notify pgrst, 'reload schema';
