-- What the social media agent and the content agent do with their tables. Each function returns one JSON value; lists are
-- bounded by p_limit, which is itself bounded.

create or replace function public.actp_bounded_limit(p_limit integer, p_most integer) returns integer
language sql immutable set search_path = '' as $$
  select least(greatest(coalesce(p_limit, p_most), 1), p_most)
$$;

-- p_action: {platform, action_type, target_url?, target_handle?, result?, agent_run_id?} → {id}
create or replace function public.actp_record_engagement(p_action jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  insert into public.actp_engagement_actions (platform, action_type, target_url, target_handle, result, agent_run_id)
  values (p_action ->> 'platform', p_action ->> 'action_type', p_action ->> 'target_url', p_action ->> 'target_handle',
    p_action -> 'result', (p_action ->> 'agent_run_id')::uuid)
  returning id into v_id;
  return jsonb_build_object('id', v_id);
end $$;

-- → {days, actions: [{platform, action_type, count, last_at}]}
create or replace function public.actp_engagement_statistics(p_days integer, p_platform text default null) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select jsonb_build_object('days', p_days, 'actions', coalesce(jsonb_agg(to_jsonb(s) order by s.count desc, s.platform, s.action_type), '[]'))
  from (
    select e.platform, e.action_type, count(*) as count, max(e.created_at) as last_at from public.actp_engagement_actions e
    where e.created_at >= now() - make_interval(days => p_days) and (p_platform is null or e.platform = p_platform)
    group by 1, 2 limit 200
  ) s
$$;

-- Our posts of the last p_hours, newest first, and whether we have commented on each.
create or replace function public.actp_own_posts(p_hours integer, p_limit integer default 50) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.published_at desc), '[]') from (
    select o.id as post_id, o.script_id, o.platform, s.niche, s.hook_text, o.post_url, o.published_at,
      exists (select from public.actp_engagement_actions e
        where e.target_url = o.post_url and e.action_type = 'comment') as commented
    from public.actp_posts o join public.actp_scripts s on s.id = o.script_id
    where o.status = 'published' and o.post_url is not null and o.published_at >= now() - make_interval(hours => p_hours)
    order by o.published_at desc limit public.actp_bounded_limit(p_limit, 100)
  ) p
$$;

-- p_posts: [{url, niche, platform, author?, caption?, views?, likes?, comments?, shares?, posted_at?}], at most 500
-- → {saved, updated}. What is known already is brought up to date; figures that are missing now are kept.
create or replace function public.actp_save_research_posts(p_posts jsonb) returns jsonb
language sql set search_path = '' set timezone = 'UTC' as $$
  with kept as (
    insert into public.actp_research_posts as r (url, niche, platform, author, caption, views, likes, comments, shares, posted_at)
    select distinct on (n.url) n.url, n.niche, n.platform, n.author, left(n.caption, 2500), n.views, n.likes, n.comments, n.shares,
      n.posted_at
    from jsonb_to_recordset(p_posts) as n(url text, niche text, platform text, author text, caption text, views bigint,
      likes bigint, comments bigint, shares bigint, posted_at timestamptz)
    order by n.url
    on conflict (url) do update set niche = excluded.niche, author = coalesce(excluded.author, r.author),
      caption = coalesce(excluded.caption, r.caption), views = coalesce(excluded.views, r.views),
      likes = coalesce(excluded.likes, r.likes), comments = coalesce(excluded.comments, r.comments),
      shares = coalesce(excluded.shares, r.shares), posted_at = coalesce(excluded.posted_at, r.posted_at), seen_at = now()
    returning (r.first_seen_at = r.seen_at) as added
  )
  select jsonb_build_object('saved', count(*) filter (where added), 'updated', count(*) filter (where not added)) from kept
$$;

create or replace function public.actp_top_posts(p_niche text, p_days integer, p_platform text default null, p_limit integer default 10)
returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(p)), '[]') from (
    select r.url, r.platform, r.author, left(r.caption, 300) as caption, r.views, r.likes, r.comments, r.posted_at
    from public.actp_research_posts r
    where lower(r.niche) = lower(p_niche) and (p_platform is null or r.platform = p_platform)
      and r.seen_at >= now() - make_interval(days => p_days)
    order by r.views desc nulls last, r.likes desc nulls last, r.url limit public.actp_bounded_limit(p_limit, 50)
  ) p
$$;

create or replace function public.actp_top_creators(p_niche text, p_days integer, p_platform text default null, p_limit integer default 10)
returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(c)), '[]') from (
    select r.platform, r.author as handle, count(*) as posts, sum(r.views) as views, sum(r.likes) as likes
    from public.actp_research_posts r
    where lower(r.niche) = lower(p_niche) and r.author is not null and (p_platform is null or r.platform = p_platform)
      and r.seen_at >= now() - make_interval(days => p_days)
    group by 1, 2 order by sum(r.views) desc nulls last, sum(r.likes) desc nulls last, 2
    limit public.actp_bounded_limit(p_limit, 50)
  ) c
$$;

-- Niches by the views of an average post, of research and of our own.
create or replace function public.actp_top_niches(p_days integer, p_platform text default null, p_limit integer default 10) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(t)), '[]') from (
    select coalesce(r.niche, o.niche) as niche, coalesce(r.posts, 0) as researched_posts, r.views as researched_average_views,
      coalesce(o.posts, 0) as own_posts, o.views as own_average_views_24h
    from (
      select lower(niche) as niche, count(*) as posts, round(avg(views)) as views from public.actp_research_posts
      where seen_at >= now() - make_interval(days => p_days) and (p_platform is null or platform = p_platform) group by 1
    ) r full join (
      select lower(niche) as niche, count(*) as posts, round(avg(views_24h)) as views from public.actp_post_views
      where niche is not null and measured_at >= now() - make_interval(days => p_days)
        and (p_platform is null or platform = p_platform) group by 1
    ) o on o.niche = r.niche
    order by greatest(r.views, o.views) desc nulls last, 1 limit public.actp_bounded_limit(p_limit, 50)
  ) t
$$;

-- p_counts: [{platform, account?, followers}] → {recorded}
create or replace function public.actp_record_followers(p_counts jsonb) returns jsonb
language sql set search_path = '' as $$
  with added as (
    insert into public.actp_follower_snapshots (platform, account, follower_count)
    select c.platform, c.account, c.followers from jsonb_to_recordset(p_counts) as c(platform text, account text, followers bigint)
    returning 1
  )
  select jsonb_build_object('recorded', count(*)) from added
$$;

-- For each account the newest count, and the oldest of the last p_days.
create or replace function public.actp_follower_counts(p_days integer) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(f) order by f.platform, f.account), '[]') from (
    select n.platform, n.account, n.follower_count as followers, n.recorded_at, o.follower_count as earlier_followers,
      o.recorded_at as earlier_at
    from (
      select distinct on (platform, account) platform, account, follower_count, recorded_at
      from public.actp_follower_snapshots order by platform, account, recorded_at desc
    ) n left join lateral (
      select s.follower_count, s.recorded_at from public.actp_follower_snapshots s
      where s.platform = n.platform and s.account is not distinct from n.account
        and s.recorded_at >= now() - make_interval(days => p_days) and s.recorded_at < n.recorded_at
      order by s.recorded_at limit 1
    ) o on true limit 100
  ) f
$$;

-- p_scripts: [{niche, platform, hook_text, body, source?, agent_run_id?}] → [{id, hook_text}] in the same order.
create or replace function public.actp_save_scripts(p_scripts jsonb) returns jsonb
language sql set search_path = '' as $$
  with wanted as materialized (
    select gen_random_uuid() as id, w.* from rows from (jsonb_to_recordset(p_scripts) as (niche text, platform text, hook_text text, body text,
      source text, agent_run_id uuid)) with ordinality as w(niche, platform, hook_text, body, source, agent_run_id, position)
  ), added as (
    insert into public.actp_scripts (id, niche, platform, hook_text, body, source, agent_run_id)
    select w.id, w.niche, w.platform, w.hook_text, w.body, coalesce(w.source, 'agent'), w.agent_run_id from wanted w
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', w.id, 'hook_text', w.hook_text) order by w.position), '[]') from wanted w
$$;

create or replace function public.actp_get_scripts(p_ids uuid[]) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(s) order by s.created_at, s.id), '[]') from public.actp_scripts s where s.id = any (p_ids)
$$;

create or replace function public.actp_list_scripts(p_status text[] default null, p_niche text default null, p_limit integer default 20)
returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(s)), '[]') from (
    select id, niche, platform, hook_text, left(body, 400) as body, status, hook_score, reasons, regenerations, render, video_url,
      updated_at
    from public.actp_scripts
    where (p_status is null or status = any (p_status)) and (p_niche is null or lower(niche) = lower(p_niche))
    order by updated_at desc, id limit public.actp_bounded_limit(p_limit, 100)
  ) s
$$;

-- p_results: [{script_id, attempt, score, passed, status, reasons}] → [script_id] of those that were recorded. A script
-- that has been written anew since, or is past the gate, is left alone: its result is no longer about it.
create or replace function public.actp_record_gate(p_results jsonb) returns jsonb
language sql set search_path = '' as $$
  with judged as (
    update public.actp_scripts s set hook_score = r.score, reasons = coalesce(r.reasons, '[]'), status = r.status, updated_at = now()
    from jsonb_to_recordset(p_results) as r(script_id uuid, attempt integer, score numeric, passed boolean, status text, reasons jsonb)
    where s.id = r.script_id and s.regenerations = r.attempt and s.status = 'draft'
    returning s.id, r.attempt, r.score, r.passed, coalesce(r.reasons, '[]') as reasons
  ), kept as (
    insert into public.actp_gate_attempts (script_id, attempt_num, score, passed, rejection_reasons)
    select id, attempt, score, passed, reasons from judged
  )
  select coalesce(jsonb_agg(id), '[]') from judged
$$;

-- The next text of a draft that the gate turned down; null where that may not be (any more).
create or replace function public.actp_rewrite_script(p_id uuid, p_hook_text text, p_body text, p_most integer) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_script public.actp_scripts;
begin
  update public.actp_scripts set hook_text = p_hook_text, body = coalesce(p_body, body), regenerations = regenerations + 1,
    hook_score = null, reasons = '[]', updated_at = now()
  where id = p_id and status = 'draft' and hook_score is not null and regenerations < p_most returning * into v_script;
  return case when v_script.id is not null then to_jsonb(v_script) else 'null' end;
end $$;

-- p_changes: any of {status, render, video_url}, only from one of the states p_from → the script, or null where it is in
-- another state.
create or replace function public.actp_change_script(p_id uuid, p_from text[], p_changes jsonb) returns jsonb
language plpgsql set search_path = '' set timezone = 'UTC' as $$
declare v_script public.actp_scripts;
begin
  update public.actp_scripts set
    status = coalesce(p_changes ->> 'status', status),
    render = case when p_changes ? 'render' then nullif(p_changes -> 'render', 'null') else render end,
    video_url = coalesce(p_changes ->> 'video_url', video_url), updated_at = now()
  where id = p_id and status = any (p_from) returning * into v_script;
  return case when v_script.id is not null then to_jsonb(v_script) else 'null' end;
end $$;

-- p_post: {script_id, platform, via, external_id, agent_run_id?} → {id}. What is known already stays as it is.
create or replace function public.actp_record_post(p_post jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  insert into public.actp_posts (script_id, platform, via, external_id, agent_run_id)
  values ((p_post ->> 'script_id')::uuid, p_post ->> 'platform', p_post ->> 'via', p_post ->> 'external_id',
    (p_post ->> 'agent_run_id')::uuid)
  on conflict (via, external_id) do nothing returning id into v_id;
  if v_id is null then
    select id into v_id from public.actp_posts where via = p_post ->> 'via' and external_id = p_post ->> 'external_id';
  end if;
  return jsonb_build_object('id', v_id);
end $$;

-- How a queued post ended: published at its address, or failed. → false where it had ended before.
create or replace function public.actp_end_post(p_id uuid, p_status text, p_post_url text default null, p_error text default null,
  p_published_at timestamptz default null) returns jsonb
language plpgsql set search_path = '' as $$
begin
  update public.actp_posts set status = p_status, post_url = p_post_url, error = left(p_error, 1000),
    published_at = case when p_status = 'published' then coalesce(p_published_at, now()) end
  where id = p_id and status = 'queued';
  return to_jsonb(found);
end $$;

-- The last changed first; the queued ones before, the oldest first.
create or replace function public.actp_list_posts(p_status text default null, p_script_id uuid default null, p_limit integer default 20)
returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(p)), '[]') from (
    select o.id, o.script_id, s.niche, left(s.hook_text, 200) as hook_text, o.platform, o.via, o.external_id, o.status, o.post_url, o.error,
      o.created_at, o.published_at
    from public.actp_posts o join public.actp_scripts s on s.id = o.script_id
    where (p_status is null or o.status = p_status) and (p_script_id is null or o.script_id = p_script_id)
    order by o.status <> 'queued', case when o.status = 'queued' then o.created_at end,
      coalesce(o.published_at, o.created_at) desc, o.id
    limit public.actp_bounded_limit(p_limit, 100)
  ) p
$$;

-- → {days, scripts, passed, rejected, attempts, average_score, by_niche: […]}; scripts are those judged in these days.
create or replace function public.actp_gate_statistics(p_days integer) returns jsonb
language sql stable set search_path = '' as $$
  with judged as (
    select s.id, s.niche, bool_or(a.passed) as passed, count(*) as attempts, max(a.score) as score, s.status = 'rejected' as rejected
    from public.actp_gate_attempts a join public.actp_scripts s on s.id = a.script_id
    where a.attempted_at >= now() - make_interval(days => p_days) group by s.id
  )
  select jsonb_build_object('days', p_days, 'scripts', count(*), 'passed', count(*) filter (where passed),
    'rejected', count(*) filter (where rejected), 'attempts', coalesce(sum(attempts), 0), 'average_score', round(avg(score), 1),
    'by_niche', (select coalesce(jsonb_agg(to_jsonb(n)), '[]') from (
      select niche, count(*) as scripts, count(*) filter (where passed) as passed, round(avg(score), 1) as average_score
      from judged group by 1 order by 2 desc, 1 limit 20) n))
  from judged
$$;

-- For each of the last p_days (UTC): what was written, passed the gate, is rendered since, and was published.
create or replace function public.actp_daily_volume(p_days integer) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(v) order by v.day desc), '[]') from (
    select d.day::date as day,
      (select count(*) from public.actp_scripts s where s.created_at >= d.day and s.created_at < d.day + interval '1 day') as written,
      (select count(distinct a.script_id) from public.actp_gate_attempts a
        where a.passed and a.attempted_at >= d.day and a.attempted_at < d.day + interval '1 day') as passed,
      (select count(*) from public.actp_scripts s where s.status = 'rendered'
        and s.created_at >= d.day and s.created_at < d.day + interval '1 day') as rendered,
      (select count(*) from public.actp_posts o
        where o.published_at >= d.day and o.published_at < d.day + interval '1 day') as published
    from generate_series(date_trunc('day', now()) - make_interval(days => p_days - 1), date_trunc('day', now()), interval '1 day') as d(day)
  ) v
$$;

-- p_views: [{post_url, platform, niche?, views_24h, classification}] → {recorded}
create or replace function public.actp_record_post_views(p_views jsonb) returns jsonb
language sql set search_path = '' as $$
  with kept as (
    insert into public.actp_post_views as v (post_url, platform, niche, views_24h, classification)
    select distinct on (n.post_url) n.post_url, n.platform,
      coalesce(n.niche, (select s.niche from public.actp_posts o join public.actp_scripts s on s.id = o.script_id
        where o.post_url = n.post_url limit 1)), n.views_24h, n.classification
    from jsonb_to_recordset(p_views) as n(post_url text, platform text, niche text, views_24h bigint, classification text)
    order by n.post_url
    on conflict (post_url) do update set platform = excluded.platform, niche = coalesce(excluded.niche, v.niche),
      views_24h = excluded.views_24h, classification = excluded.classification, measured_at = now()
    returning 1
  )
  select jsonb_build_object('recorded', count(*)) from kept
$$;

-- → {posts: newest first, by_classification, average_views}
create or replace function public.actp_post_views_of(p_days integer, p_platform text default null, p_limit integer default 50) returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  with measured as (
    select * from public.actp_post_views
    where measured_at >= now() - make_interval(days => p_days) and (p_platform is null or platform = p_platform)
  )
  select jsonb_build_object('days', p_days, 'count', (select count(*) from measured),
    'average_views', (select round(avg(views_24h)) from measured),
    'by_classification', (select coalesce(jsonb_object_agg(classification, n), '{}')
      from (select classification, count(*) as n from measured group by 1) c),
    'posts', (select coalesce(jsonb_agg(to_jsonb(p)), '[]') from (
      select post_url, platform, niche, views_24h, classification, measured_at from measured
      order by measured_at desc, post_url limit public.actp_bounded_limit(p_limit, 100)) p))
$$;

-- The same hook for the same niche and platform is kept once, with its best figures.
create or replace function public.actp_save_viral_template(
  p_hook_text text, p_niche text, p_platform text, p_hook_score numeric, p_views_24hr bigint
) returns jsonb
language plpgsql set search_path = '' as $$
declare v_id uuid;
begin
  perform pg_catalog.pg_advisory_xact_lock(hashtext('actp_viral_templates'), hashtext(lower(p_hook_text)));
  update public.actp_viral_templates set hook_score = greatest(hook_score, p_hook_score), views_24hr = greatest(views_24hr, p_views_24hr)
  where lower(hook_text) = lower(p_hook_text) and niche = p_niche and platform = p_platform returning id into v_id;
  if v_id is null then
    insert into public.actp_viral_templates (hook_text, niche, platform, hook_score, views_24hr)
    values (p_hook_text, p_niche, p_platform, p_hook_score, p_views_24hr) returning id into v_id;
    return jsonb_build_object('id', v_id, 'created', true);
  end if;
  return jsonb_build_object('id', v_id, 'created', false);
end $$;

create or replace function public.actp_list_viral_templates(p_niche text default null, p_platform text default null, p_limit integer default 5)
returns jsonb
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select coalesce(jsonb_agg(to_jsonb(t)), '[]') from (
    select id, hook_text, niche, platform, hook_score, views_24hr, created_at from public.actp_viral_templates
    where (p_niche is null or lower(niche) = lower(p_niche)) and (p_platform is null or platform = p_platform)
    order by views_24hr desc nulls last, hook_score desc nulls last, id limit public.actp_bounded_limit(p_limit, 50)
  ) t
$$;

select public.actp_grant_access(array[]::text[], array['actp_bounded_limit', 'actp_record_engagement',
  'actp_engagement_statistics', 'actp_own_posts', 'actp_save_research_posts', 'actp_top_posts', 'actp_top_creators',
  'actp_top_niches', 'actp_record_followers', 'actp_follower_counts', 'actp_save_scripts', 'actp_get_scripts',
  'actp_list_scripts', 'actp_record_gate', 'actp_rewrite_script', 'actp_change_script', 'actp_record_post', 'actp_end_post',
  'actp_list_posts', 'actp_gate_statistics',
  'actp_daily_volume', 'actp_record_post_views', 'actp_post_views_of', 'actp_save_viral_template', 'actp_list_viral_templates']);
notify pgrst, 'reload schema';
