-- What the acquisition agent and the revenue agent do with their tables. Each function returns one JSON value; lists are
-- bounded. Money goes out as a decimal string, with its currency where it has one.

-- The first day of a month given as YYYY-MM.
create or replace function public.actp_month_start(p_month text) returns date
language plpgsql immutable set search_path = '' as $$
begin
  if p_month !~ '^\d{4}-(0[1-9]|1[0-2])$' then
    raise exception 'a month must be YYYY-MM' using errcode = 'PT400';
  end if;
  return (p_month || '-01')::date;
end $$;

create or replace function public.actp_prospect_json(p_prospect public.actp_prospects) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select to_jsonb(p_prospect) || jsonb_build_object('deal_value', p_prospect.deal_value::text,
    'messages_sent', (select count(*) from public.actp_outreach o where o.prospect_id = p_prospect.id),
    'last_sent_at', (select max(o.sent_at) from public.actp_outreach o where o.prospect_id = p_prospect.id),
    'replied', exists (select from public.actp_outreach o where o.prospect_id = p_prospect.id and o.replied_at is not null))
$$;

-- p_prospect: {platform, handle, name?, profile_url?, email?, niche?, followers?, engagement_rate?, platforms?, sells?,
-- deal_value?, note?} → the prospect. One that is known is brought up to date; what is missing now is kept.
create or replace function public.actp_save_prospect(p_prospect jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_new public.actp_prospects; v_kept public.actp_prospects;
begin
  v_new := jsonb_populate_record(null::public.actp_prospects, p_prospect);
  insert into public.actp_prospects as p (platform, handle, name, profile_url, email, niche, followers, engagement_rate, platforms,
    sells, deal_value, note)
  values (v_new.platform, v_new.handle, v_new.name, v_new.profile_url, v_new.email, v_new.niche, v_new.followers,
    v_new.engagement_rate, coalesce(v_new.platforms, '{}'), v_new.sells, v_new.deal_value, v_new.note)
  on conflict (platform, lower(handle)) do update set name = coalesce(excluded.name, p.name),
    profile_url = coalesce(excluded.profile_url, p.profile_url), email = coalesce(excluded.email, p.email),
    niche = coalesce(excluded.niche, p.niche), followers = coalesce(excluded.followers, p.followers),
    engagement_rate = coalesce(excluded.engagement_rate, p.engagement_rate),
    platforms = case when excluded.platforms = '{}' then p.platforms else excluded.platforms end,
    sells = coalesce(excluded.sells, p.sells), deal_value = coalesce(excluded.deal_value, p.deal_value),
    note = coalesce(excluded.note, p.note), updated_at = now()
  returning * into v_kept;
  return public.actp_prospect_json(v_kept);
end $$;

create or replace function public.actp_get_prospect(p_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce((select public.actp_prospect_json(p) from public.actp_prospects p where p.id = p_id), 'null')
$$;

-- Best score first → {by_stage: {stage: count}, prospects}
create or replace function public.actp_list_prospects(p_stage text default null, p_min_score integer default null, p_limit integer default 20)
returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'by_stage', (select coalesce(jsonb_object_agg(stage, n), '{}') from (select stage, count(*) as n from public.actp_prospects group by 1) s),
    'prospects', (select coalesce(jsonb_agg(public.actp_prospect_json(p) order by p.score desc nulls last, p.created_at), '[]') from (
      select * from public.actp_prospects
      where (p_stage is null or stage = p_stage) and (p_min_score is null or score >= p_min_score)
      order by score desc nulls last, created_at limit public.actp_bounded_limit(p_limit, 100)) p))
$$;

-- The prospect, or null where there is none.
create or replace function public.actp_score_prospect(p_id uuid, p_score integer, p_parts jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_prospect public.actp_prospects;
begin
  update public.actp_prospects set score = p_score, score_parts = p_parts, updated_at = now() where id = p_id returning * into v_prospect;
  return case when v_prospect.id is not null then public.actp_prospect_json(v_prospect) else 'null' end;
end $$;

-- Moves a prospect on from the stage that it was seen in, and logs it; null where it is in another one by now.
create or replace function public.actp_move_prospect(p_id uuid, p_from text, p_to text, p_note text, p_run_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare v_prospect public.actp_prospects;
begin
  update public.actp_prospects set stage = p_to, updated_at = now() where id = p_id and stage = p_from returning * into v_prospect;
  if v_prospect.id is null then
    return 'null';
  end if;
  insert into public.actp_deal_log (contact_id, activity_type, note, agent_run_id)
  values (p_id, 'stage', concat_ws(': ', p_from || ' → ' || p_to, p_note), p_run_id);
  return public.actp_prospect_json(v_prospect);
end $$;

-- p_entry: {contact_id?, activity_type, note?, type?, deal_value?, month?, agent_run_id?} → {id}
create or replace function public.actp_log_deal(p_entry jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  insert into public.actp_deal_log (contact_id, activity_type, note, type, deal_value, month, agent_run_id)
  values ((p_entry ->> 'contact_id')::uuid, p_entry ->> 'activity_type', p_entry ->> 'note', p_entry ->> 'type',
    (p_entry ->> 'deal_value')::numeric, public.actp_month_start(p_entry ->> 'month'), (p_entry ->> 'agent_run_id')::uuid)
  returning id into v_id;
  return jsonb_build_object('id', v_id);
end $$;

create or replace function public.actp_list_deals(p_contact_id uuid default null, p_limit integer default 20) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(d)), '[]') from (
    select l.id, l.contact_id, p.handle, l.activity_type, left(l.note, 500) as note, l.type, l.deal_value::text as deal_value,
      left(l.month::text, 7) as month, l.created_at
    from public.actp_deal_log l left join public.actp_prospects p on p.id::text = l.contact_id::text
    where p_contact_id is null or l.contact_id::text = p_contact_id::text
    order by l.created_at desc, l.id limit public.actp_bounded_limit(p_limit, 100)
  ) d
$$;

-- What may come: the prospects that are close to a deal, by stage.
create or replace function public.actp_revenue_pipeline() returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'stages', (select coalesce(jsonb_object_agg(stage, jsonb_build_object('prospects', n, 'with_value', valued, 'value', total::text)), '{}')
      from (select stage, count(*) as n, count(deal_value) as valued, coalesce(sum(deal_value), 0) as total from public.actp_prospects
        where stage in ('consideration', 'decision') group by 1) s),
    'value', (select coalesce(sum(deal_value), 0)::text from public.actp_prospects where stage in ('consideration', 'decision')),
    'next', (select coalesce(jsonb_agg(public.actp_prospect_json(p) order by p.stage desc, p.score desc nulls last), '[]') from (
      select * from public.actp_prospects where stage in ('consideration', 'decision')
      order by stage desc, score desc nulls last, created_at limit 20) p))
$$;

-- Sets a month's target; what else the row holds is kept.
create or replace function public.actp_set_revenue_goal(p_month text, p_target numeric) returns jsonb
language plpgsql set search_path = '' as $$
declare v_month date := public.actp_month_start(p_month);
begin
  perform pg_catalog.pg_advisory_xact_lock(hashtext('actp_revenue_goals'), hashtext(p_month));
  update public.actp_revenue_goals set target_revenue = p_target, updated_at = now() where left(month::text, 7) = p_month;
  if not found then
    insert into public.actp_revenue_goals (month, target_revenue) values (v_month, p_target);
  end if;
  return jsonb_build_object('month', p_month, 'target_revenue', p_target::text);
end $$;

-- What is known of a month's revenue, and of all months. Deals are in the owner's currency.
-- → {month, target, deals: [{type, value}], readings: [{stream, currency, amount, read_at}], pipeline,
--    all_deals, all_readings: [{stream, currency, amount}]}
create or replace function public.actp_revenue_figures(p_month text) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object('month', p_month,
    'target', (select target_revenue::text from public.actp_revenue_goals where left(month::text, 7) = p_month order by updated_at desc limit 1),
    'deals', (select coalesce(jsonb_agg(jsonb_build_object('type', type, 'value', total::text) order by type), '[]') from (
      select coalesce(type, 'other') as type, sum(deal_value) as total from public.actp_deal_log
      where activity_type = 'closed_won' and left(month::text, 7) = p_month and deal_value is not null group by 1 order by 1 limit 50) d),
    'readings', (select coalesce(jsonb_agg(jsonb_build_object('stream', stream, 'currency', currency, 'amount', amount::text, 'read_at', read_at)
      order by stream, currency), '[]') from public.actp_revenue_readings where left(month::text, 7) = p_month),
    'pipeline', public.actp_revenue_pipeline() -> 'value',
    'all_deals', (select coalesce(sum(deal_value), 0)::text from public.actp_deal_log where activity_type = 'closed_won'),
    'all_readings', (select coalesce(jsonb_agg(jsonb_build_object('stream', stream, 'currency', currency, 'amount', total::text)
      order by stream, currency), '[]') from (
      select stream, currency, sum(amount) as total from public.actp_revenue_readings group by 1, 2) r))
$$;

-- The closed and the expected revenue beside the target, for those who read the table.
create or replace function public.actp_note_revenue(p_month text, p_closed numeric, p_pipeline numeric) returns jsonb
language plpgsql set search_path = '' as $$
begin
  update public.actp_revenue_goals set closed_revenue = p_closed, pipeline_value = p_pipeline, updated_at = now()
  where left(month::text, 7) = p_month;
  return to_jsonb(found);
end $$;

-- p_amounts: {currency: amount}. What the stream brought in the month, in place of what was read before.
create or replace function public.actp_save_revenue_reading(p_stream text, p_month text, p_amounts jsonb, p_details jsonb default '{}')
returns jsonb
language plpgsql set search_path = '' as $$
declare v_month date := public.actp_month_start(p_month);
begin
  perform pg_catalog.pg_advisory_xact_lock(hashtext('actp_revenue_readings'), hashtext(p_stream || p_month));
  delete from public.actp_revenue_readings where stream = p_stream and month = v_month;
  insert into public.actp_revenue_readings (stream, month, currency, amount, details)
  select p_stream, v_month, lower(a.key), a.value::numeric, p_details from jsonb_each_text(p_amounts) a;
  return to_jsonb(true);
end $$;

-- p_message: {prospect_id?, kind, channel, recipient, body, task_id?, agent_run_id?} → {id}
create or replace function public.actp_record_outreach(p_message jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  insert into public.actp_outreach (prospect_id, kind, channel, recipient, body, task_id, agent_run_id)
  select (select p.id from public.actp_prospects p where p.id = (p_message ->> 'prospect_id')::uuid), p_message ->> 'kind',
    p_message ->> 'channel', p_message ->> 'recipient', p_message ->> 'body', (p_message ->> 'task_id')::uuid,
    (p_message ->> 'agent_run_id')::uuid
  returning id into v_id;
  return jsonb_build_object('id', v_id);
end $$;

-- The prospect has answered the last message; p_booked: a call was agreed on. → {id}, or null where nothing was sent.
create or replace function public.actp_record_reply(p_prospect_id uuid, p_booked boolean default false) returns jsonb
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  update public.actp_outreach set replied_at = coalesce(replied_at, now()),
    booked_at = case when p_booked then coalesce(booked_at, now()) else booked_at end
  where id = (select o.id from public.actp_outreach o where o.prospect_id = p_prospect_id order by o.sent_at desc, o.id limit 1)
  returning id into v_id;
  return case when v_id is not null then jsonb_build_object('id', v_id) else 'null' end;
end $$;

create or replace function public.actp_outreach_statistics(p_days integer) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('days', p_days, 'sent', coalesce(sum(sent), 0), 'replied', coalesce(sum(replied), 0),
    'booked', coalesce(sum(booked), 0), 'by_channel', coalesce(jsonb_agg(to_jsonb(c) order by c.sent desc, c.channel, c.kind), '[]'))
  from (
    select channel, kind, count(*) as sent, count(replied_at) as replied, count(booked_at) as booked from public.actp_outreach
    where sent_at >= now() - make_interval(days => p_days) group by 1, 2 limit 50
  ) c
$$;

-- What an agent has proposed and is not done with: waiting for a person, or approved and not done yet. Oldest first.
create or replace function public.actp_pending_acts(p_agent_id text, p_kinds text[], p_limit integer default 20) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object(
    'count', (select count(*) from public.actp_outward_acts a where a.agent_id = p_agent_id and a.kind = any (p_kinds)
      and (a.status in ('approved', 'begun') or (a.status = 'proposed' and a.expires_at > now()))),
    'acts', (select coalesce(jsonb_agg(to_jsonb(w) order by w.requested_at, w.id), '[]') from (
      select a.id, a.kind, a.platform, a.account, a.summary, a.status, a.requested_at, a.expires_at from public.actp_outward_acts a
      where a.agent_id = p_agent_id and a.kind = any (p_kinds)
        and (a.status in ('approved', 'begun') or (a.status = 'proposed' and a.expires_at > now()))
      order by a.requested_at, a.id limit public.actp_bounded_limit(p_limit, 50)) w))
$$;

-- What the models cost, in US dollars. → {total, calls, by_model, by_agent}
create or replace function public.actp_ai_cost(p_from timestamptz, p_to timestamptz) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
begin
  return (
    with calls as materialized (
      select c.model, c.agent_id, c.cost_usd, c.called_at from public.anthropic_cost_log c where c.called_at >= p_from and c.called_at < p_to
    )
    select jsonb_build_object('total', (select coalesce(sum(cost_usd), 0)::text from calls), 'calls', (select count(*) from calls),
      'by_model', (select coalesce(jsonb_agg(to_jsonb(m) order by m.cost desc, m.model), '[]') from (
        select model, round(sum(cost_usd), 4) as cost, count(*) as calls from calls group by 1 order by 2 desc limit 20) m),
      'by_agent', (select coalesce(jsonb_agg(to_jsonb(a) order by a.cost desc, a.agent_id), '[]') from (
        select coalesce(agent_id, 'unknown') as agent_id, round(sum(cost_usd), 4) as cost, count(*) as calls
        from calls group by 1 order by 2 desc limit 20) a)));
end $$;

-- p_snapshot: {report_md?, revenue_total?, follower_…?, avg_views_per_video?, gate_pass_rate?, ai_cost_usd?}. One row a week,
-- written anew each time.
create or replace function public.actp_save_weekly_snapshot(p_week_start date, p_snapshot jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_new public.actp_weekly_snapshots; v_id uuid; v_created boolean := false;
begin
  perform pg_catalog.pg_advisory_xact_lock(hashtext('actp_weekly_snapshots'), p_week_start - date '2000-01-01');
  v_new := jsonb_populate_record(null::public.actp_weekly_snapshots, p_snapshot - array['id', 'week_start', 'created_at']);
  select s.id into v_id from public.actp_weekly_snapshots s where left(s.week_start::text, 10) = p_week_start::text
  order by s.created_at desc limit 1;
  if v_id is null then
    insert into public.actp_weekly_snapshots (week_start) values (p_week_start) returning id into v_id;
    v_created := true;
  end if;
  update public.actp_weekly_snapshots set report_md = v_new.report_md, revenue_total = v_new.revenue_total,
    follower_youtube = v_new.follower_youtube, follower_tiktok = v_new.follower_tiktok, follower_instagram = v_new.follower_instagram,
    follower_twitter = v_new.follower_twitter, follower_threads = v_new.follower_threads,
    avg_views_per_video = v_new.avg_views_per_video, gate_pass_rate = v_new.gate_pass_rate, ai_cost_usd = v_new.ai_cost_usd
  where id = v_id;
  return jsonb_build_object('id', v_id, 'created', v_created);
end $$;

create or replace function public.actp_list_weekly_snapshots(p_limit integer default 8) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(s)), '[]') from (
    select id, week_start, revenue_total::text, follower_youtube, follower_tiktok, follower_instagram, follower_twitter,
      follower_threads, avg_views_per_video, gate_pass_rate, ai_cost_usd::text, left(report_md, 200) as report_begins
    from public.actp_weekly_snapshots order by week_start desc limit public.actp_bounded_limit(p_limit, 52)
  ) s
$$;

select public.actp_grant_access(array[]::text[], array['actp_month_start', 'actp_prospect_json', 'actp_save_prospect',
  'actp_get_prospect', 'actp_list_prospects', 'actp_score_prospect', 'actp_move_prospect', 'actp_log_deal', 'actp_list_deals',
  'actp_revenue_pipeline', 'actp_set_revenue_goal', 'actp_revenue_figures', 'actp_note_revenue', 'actp_save_revenue_reading',
  'actp_record_outreach', 'actp_record_reply', 'actp_outreach_statistics', 'actp_pending_acts', 'actp_ai_cost',
  'actp_save_weekly_snapshot', 'actp_list_weekly_snapshots']);
notify pgrst, 'reload schema';
