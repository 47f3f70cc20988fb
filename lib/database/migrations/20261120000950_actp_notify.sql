-- What people are told: the outbox of notifications, and what heartbeat actions remember between their runs.

-- One row for each notification and channel.
--
-- waiting → sending → sent
--    ↑_________|  └→ failed: it cannot be sent, or was tried too often, or too long
create table if not exists public.actp_notifications (
  id uuid primary key default gen_random_uuid(),
  channel text not null,
  -- Set where only this worker can send it: a desktop is one machine's.
  only_worker text,
  kind text not null,
  severity text not null check (severity in ('info', 'warning', 'alert')),
  title text not null,
  body text not null,
  data jsonb,
  dedupe_key text,
  -- How often it came again and was not sent again.
  repeats integer not null default 0,
  status text not null default 'waiting' check (status in ('waiting', 'sending', 'sent', 'failed')),
  attempts integer not null default 0,
  due_at timestamptz not null default now(),
  expires_at timestamptz not null,
  -- Fencing token: grows with every claim; only its current holder may settle.
  fence bigint not null default 0,
  claimed_by text,
  lease_expires_at timestamptz,
  error text,
  raised_by text,
  created_at timestamptz not null default now(),
  settled_at timestamptz
);
create index if not exists actp_notifications_open
  on public.actp_notifications (channel, due_at) where status in ('waiting', 'sending');
create index if not exists actp_notifications_dedupe
  on public.actp_notifications (channel, dedupe_key, created_at desc) where dedupe_key is not null;
create index if not exists actp_notifications_created on public.actp_notifications (created_at desc, id desc);

-- Writes a notification for each of its channels. p_notification: {id, kind, severity, title, text, data?, dedupe_key?}; the
-- id makes writing it twice harmless. p_deliveries: [{channel, delay_seconds, dedupe_seconds, expires_seconds, local?}].
-- → {queued, repeated}: repeated are those whose key was there within dedupe_seconds, and not failed.
create or replace function public.actp_notify(p_notification jsonb, p_deliveries jsonb, p_worker_id text) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare
  v_delivery record; v_key text := p_notification ->> 'dedupe_key'; v_known uuid; v_id uuid;
  v_queued integer := 0; v_repeated integer := 0;
begin
  if coalesce(p_notification ->> 'kind', '') = '' or coalesce(p_notification ->> 'title', '') = ''
    or coalesce(p_notification ->> 'severity', '') not in ('info', 'warning', 'alert') then
    raise exception 'p_notification needs kind, title and a severity of info, warning or alert' using errcode = 'PT400';
  end if;
  for v_delivery in
    select * from jsonb_to_recordset(p_deliveries) as (channel text, delay_seconds double precision,
      dedupe_seconds double precision, expires_seconds double precision, local boolean) order by channel
  loop
    v_known := null;
    v_id := md5((p_notification ->> 'id') || ' ' || v_delivery.channel)::uuid;
    if v_key is not null and v_delivery.dedupe_seconds > 0 then
      -- Two that raise the same at the same time see each other.
      perform pg_advisory_xact_lock(hashtextextended('actp_notify ' || v_delivery.channel || ' ' || v_key, 0));
      select n.id into v_known from public.actp_notifications n
      where n.channel = v_delivery.channel and n.dedupe_key = v_key and n.status <> 'failed' and n.id <> v_id
        and n.created_at > now() - make_interval(secs => v_delivery.dedupe_seconds)
        and (v_delivery.local is not true or n.only_worker = p_worker_id)
      order by n.created_at desc limit 1;
    end if;
    if v_known is not null then
      update public.actp_notifications set repeats = repeats + 1 where id = v_known;
      v_repeated := v_repeated + 1;
      continue;
    end if;
    insert into public.actp_notifications
      (id, channel, only_worker, kind, severity, title, body, data, dedupe_key, due_at, expires_at, raised_by)
    values (v_id, v_delivery.channel, case when v_delivery.local then p_worker_id end, p_notification ->> 'kind',
      p_notification ->> 'severity', p_notification ->> 'title', coalesce(p_notification ->> 'text', ''),
      p_notification -> 'data', v_key, now() + make_interval(secs => coalesce(v_delivery.delay_seconds, 0)),
      now() + make_interval(secs => coalesce(v_delivery.delay_seconds, 0) + v_delivery.expires_seconds), p_worker_id)
    on conflict (id) do nothing;
    v_queued := v_queued + found::integer;
  end loop;
  return jsonb_build_object('queued', v_queued, 'repeated', v_repeated);
end $$;

-- Claims what is due for channels that the worker has, also what a worker that died had begun to send. What is too old
-- fails here.
-- → {notifications: [{id, token, channel, …}], next_seconds: until the next is due, or null}
create or replace function public.actp_claim_notifications(
  p_worker_id text, p_channels text[], p_limit integer default 100, p_lease_seconds integer default 120
) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_claimed jsonb; v_next double precision;
begin
  perform public.actp_check_claim(p_worker_id, p_lease_seconds);
  update public.actp_notifications n set status = 'failed', settled_at = now(),
    error = coalesce(n.error, 'no worker with this channel sent it in time')
  where n.id in (select o.id from public.actp_notifications o
    where o.status in ('waiting', 'sending') and o.expires_at <= now() and coalesce(o.lease_expires_at, o.due_at) <= now()
    for update skip locked);
  with picked as materialized (
    select n.id from public.actp_notifications n
    where n.status in ('waiting', 'sending') and n.channel = any (p_channels)
      and (n.only_worker is null or n.only_worker = p_worker_id)
      and case n.status when 'waiting' then n.due_at else n.lease_expires_at end <= now()
    order by n.due_at, n.created_at, n.id limit least(greatest(p_limit, 1), 1000) for update skip locked
  ), claimed as (
    update public.actp_notifications n set status = 'sending', fence = n.fence + 1, attempts = n.attempts + 1,
      claimed_by = p_worker_id, lease_expires_at = now() + make_interval(secs => p_lease_seconds)
    from picked where n.id = picked.id returning n.*
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'token', c.fence::text, 'channel', c.channel, 'kind', c.kind,
    'severity', c.severity, 'title', c.title, 'text', c.body, 'data', c.data, 'repeats', c.repeats, 'attempts', c.attempts,
    'created_at', c.created_at) order by c.created_at, c.id), '[]') into v_claimed from claimed c;
  select extract(epoch from min(case n.status when 'waiting' then n.due_at else n.lease_expires_at end) - now()) into v_next
  from public.actp_notifications n
  where n.status in ('waiting', 'sending') and n.channel = any (p_channels)
    and (n.only_worker is null or n.only_worker = p_worker_id);
  return jsonb_build_object('notifications', v_claimed, 'next_seconds', greatest(v_next, 0));
end $$;

-- p_results: [{id, token, outcome, error?, retry_seconds?}], outcome one of sent | retry | failed → ["settled" | "lost"] in
-- the same order. One that is tried again beyond its time fails.
create or replace function public.actp_settle_notifications(p_worker_id text, p_results jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_answers jsonb;
begin
  with result as materialized (
    select r.position, (r.entry ->> 'id')::uuid as id, (r.entry ->> 'token')::bigint as fence, r.entry ->> 'outcome' as outcome,
      r.entry ->> 'error' as error, make_interval(secs => coalesce((r.entry ->> 'retry_seconds')::double precision, 60)) as pause
    from jsonb_array_elements(p_results) with ordinality as r(entry, position)
  ), settled as (
    update public.actp_notifications n set
      status = case when r.outcome = 'sent' then 'sent'
        when r.outcome = 'retry' and now() + r.pause < n.expires_at then 'waiting' else 'failed' end,
      due_at = case when r.outcome = 'retry' then now() + r.pause else n.due_at end,
      settled_at = case when r.outcome = 'retry' and now() + r.pause < n.expires_at then null else now() end,
      error = case when r.outcome = 'sent' then null else r.error end,
      lease_expires_at = null
    from result r where n.id = r.id and n.fence = r.fence and n.status = 'sending' and n.claimed_by = p_worker_id
    returning r.position
  )
  select coalesce(jsonb_agg(case when s.position is null then 'lost' else 'settled' end order by r.position), '[]')
  into v_answers from result r left join settled s on s.position = r.position;
  return v_answers;
end $$;

-- Newest first. p_status: waiting, sending, sent, failed, or null for all; p_before: the id of the last one seen.
create or replace function public.actp_list_notifications(
  p_status text default null, p_limit integer default 50, p_before uuid default null
) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
begin
  if p_status not in ('waiting', 'sending', 'sent', 'failed') then
    raise exception 'p_status must be waiting, sending, sent or failed' using errcode = 'PT400';
  end if;
  return (select coalesce(jsonb_agg(to_jsonb(l) - 'fence' - 'lease_expires_at' order by l.created_at desc, l.id desc), '[]') from (
    select * from public.actp_notifications n
    where (p_status is null or n.status = p_status) and (p_before is null or (n.created_at, n.id) <
      (select b.created_at, b.id from public.actp_notifications b where b.id = p_before))
    order by n.created_at desc, n.id desc limit least(greatest(p_limit, 1), 500)
  ) l);
end $$;

-- Deletes what was settled more than so many days ago; at most p_limit. → {deleted}
create or replace function public.actp_prune_notifications(p_days integer, p_limit integer default 1000) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_deleted integer;
begin
  if coalesce(p_days, 0) < 1 then
    raise exception 'p_days must be at least 1' using errcode = 'PT400';
  end if;
  delete from public.actp_notifications where id in (select n.id from public.actp_notifications n
    where n.created_at < now() - make_interval(days => p_days) and n.status in ('sent', 'failed')
    order by n.created_at limit least(greatest(p_limit, 1), 10000));
  get diagnostics v_deleted = row_count;
  return jsonb_build_object('deleted', v_deleted);
end $$;

-- What each heartbeat action remembers, and how it fares.
create table if not exists public.actp_heartbeat_sessions (
  id text primary key,
  state jsonb not null default '{}',
  last_run_at timestamptz,
  runs bigint not null default 0,
  told bigint not null default 0,
  failures bigint not null default 0,
  failures_in_a_row integer not null default 0,
  last_error text,
  last_error_at timestamptz
);

-- → {id, state, last_run_at, failures_in_a_row, now}
create or replace function public.actp_begin_heartbeat(p_id text) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_session public.actp_heartbeat_sessions;
begin
  insert into public.actp_heartbeat_sessions (id) values (p_id) on conflict (id) do nothing;
  select * into v_session from public.actp_heartbeat_sessions where id = p_id;
  return to_jsonb(v_session) || jsonb_build_object('now', now());
end $$;

-- A run that began at p_began has ended well. p_state: null leaves what is remembered.
create or replace function public.actp_end_heartbeat(p_id text, p_began timestamptz, p_told boolean, p_state jsonb default null)
returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
begin
  update public.actp_heartbeat_sessions set state = coalesce(p_state, state), last_run_at = p_began, runs = runs + 1,
    told = told + p_told::integer, failures_in_a_row = 0, last_error = null
  where id = p_id;
  return to_jsonb(found);
end $$;

-- A run has failed. → how many in a row by now
create or replace function public.actp_fail_heartbeat(p_id text, p_error text) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_failures integer;
begin
  insert into public.actp_heartbeat_sessions as s (id, runs, failures, failures_in_a_row, last_error, last_error_at)
  values (p_id, 1, 1, 1, p_error, now())
  on conflict (id) do update set runs = s.runs + 1, failures = s.failures + 1, failures_in_a_row = s.failures_in_a_row + 1,
    last_error = excluded.last_error, last_error_at = now()
  returning s.failures_in_a_row into v_failures;
  return to_jsonb(v_failures);
end $$;

create or replace function public.actp_list_heartbeats() returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(s) - 'state' order by s.id), '[]') from public.actp_heartbeat_sessions s
$$;

select public.actp_grant_access(
  array['actp_notifications', 'actp_heartbeat_sessions'],
  array['actp_notify', 'actp_claim_notifications', 'actp_settle_notifications', 'actp_list_notifications',
    'actp_prune_notifications', 'actp_begin_heartbeat', 'actp_end_heartbeat', 'actp_fail_heartbeat', 'actp_list_heartbeats']);
notify pgrst, 'reload schema';
