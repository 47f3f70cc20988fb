-- Rows that come into being within one tick of the clock (a millisecond on the embedded database) keep their order: lists
-- and claims fall back on the id where times are equal, so ids grow.

create sequence if not exists public.actp_ids;

-- A UUID of version 7 (RFC 9562, method 1): the time in ms, 42 bits of a counter, 32 random bits. Parallel query workers
-- may not draw from a sequence; nothing that makes rows runs in them.
create or replace function public.actp_ordered_id() returns uuid
language sql volatile set search_path = '' as $$
  select (left(t.at, 8) || '-' || right(t.at, 4) || '-7' || lpad(to_hex(t.n >> 30 & 4095), 3, '0')
    || '-' || lpad(to_hex(t.n >> 16 & 16383 | 32768), 4, '0')
    || '-' || lpad(to_hex(t.n & 65535), 4, '0') || right(gen_random_uuid()::text, 8))::uuid
  from (select lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') as at,
    nextval('public.actp_ids') as n) t
$$;

alter table public.actp_outward_acts alter column id set default public.actp_ordered_id();
alter table public.actp_agent_runs alter column id set default public.actp_ordered_id();
alter table public.actp_tool_call_log alter column id set default public.actp_ordered_id();
alter table public.actp_agent_tasks alter column id set default public.actp_ordered_id();
alter table public.actp_routine_runs alter column id set default public.actp_ordered_id();
alter table public.actp_notifications alter column id set default public.actp_ordered_id();
alter table public.actp_disputes alter column id set default public.actp_ordered_id();

select public.actp_grant_access('{}', array['actp_ordered_id']);
do $$
declare v_role text;
begin
  for v_role in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format(case when v_role = 'service_role' then 'grant usage on sequence public.actp_ids to %I'
      else 'revoke all on sequence public.actp_ids from %I' end, v_role);
  end loop;
end $$;
