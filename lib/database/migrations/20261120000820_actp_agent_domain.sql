-- What the four domain agents keep: research, scripts and their gate, posts and their views, followers, prospects,
-- outreach, deals, revenue and the weekly report. Additive: an existing deployment keeps its rows and columns.
-- Months are kept as the date of their first day; in older tables they may be text, so they are compared as text.

create table if not exists public.actp_engagement_actions (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz default now()
);
alter table public.actp_engagement_actions
  add column if not exists platform text,
  add column if not exists action_type text,
  add column if not exists target_url text,
  add column if not exists target_handle text,
  add column if not exists result jsonb,
  add column if not exists agent_run_id uuid;
create index if not exists actp_engagement_actions_created on public.actp_engagement_actions (created_at desc);
create index if not exists actp_engagement_actions_target on public.actp_engagement_actions (target_url) where target_url is not null;

create table if not exists public.actp_viral_templates (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz default now()
);
alter table public.actp_viral_templates
  add column if not exists hook_text text,
  add column if not exists niche text,
  add column if not exists platform text,
  add column if not exists hook_score numeric,
  add column if not exists views_24hr bigint;

create table if not exists public.actp_deal_log (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz default now()
);
alter table public.actp_deal_log
  add column if not exists contact_id uuid,
  add column if not exists activity_type text,
  add column if not exists note text,
  add column if not exists agent_run_id uuid,
  -- Where the money comes from, e.g. upwork or retainer.
  add column if not exists type text,
  add column if not exists deal_value numeric,
  add column if not exists month date;
create index if not exists actp_deal_log_created on public.actp_deal_log (created_at desc);

create table if not exists public.actp_revenue_goals (
  id uuid primary key default gen_random_uuid()
);
alter table public.actp_revenue_goals
  add column if not exists month date,
  add column if not exists target_revenue numeric,
  add column if not exists closed_revenue numeric,
  add column if not exists pipeline_value numeric,
  add column if not exists updated_at timestamptz default now();

create table if not exists public.actp_weekly_snapshots (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz default now()
);
alter table public.actp_weekly_snapshots
  -- A Monday.
  add column if not exists week_start date,
  add column if not exists report_md text,
  add column if not exists revenue_total numeric,
  add column if not exists follower_youtube bigint,
  add column if not exists follower_tiktok bigint,
  add column if not exists follower_instagram bigint,
  add column if not exists follower_twitter bigint,
  add column if not exists follower_threads bigint,
  add column if not exists avg_views_per_video numeric,
  add column if not exists gate_pass_rate numeric,
  add column if not exists ai_cost_usd numeric;

create table if not exists public.actp_follower_snapshots (
  id uuid primary key default gen_random_uuid()
);
alter table public.actp_follower_snapshots
  add column if not exists platform text,
  add column if not exists account text,
  add column if not exists follower_count bigint,
  add column if not exists recorded_at timestamptz not null default now();
create index if not exists actp_follower_snapshots_recorded on public.actp_follower_snapshots (platform, recorded_at desc);

-- Posts of others that research has found, each once.
create table if not exists public.actp_research_posts (
  url text primary key,
  niche text not null,
  platform text not null,
  author text,
  caption text,
  views bigint,
  likes bigint,
  comments bigint,
  shares bigint,
  posted_at timestamptz,
  first_seen_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);
create index if not exists actp_research_posts_niche on public.actp_research_posts (lower(niche), platform);
create index if not exists actp_research_posts_seen on public.actp_research_posts (seen_at);

-- A script on its way: draft → passed (the gate) → rendering → rendered; or rejected.
create table if not exists public.actp_scripts (
  id uuid primary key default gen_random_uuid(),
  niche text not null,
  platform text not null,
  hook_text text not null,
  body text not null,
  -- 'agent', or the service that wrote it.
  source text not null default 'agent',
  status text not null default 'draft' check (status in ('draft', 'passed', 'rejected', 'rendering', 'rendered')),
  hook_score numeric,
  -- Why the gate decided as it did.
  reasons jsonb not null default '[]',
  regenerations integer not null default 0,
  -- {via: task | genlite, id, file?}: where it is rendered, and the file where there is no address.
  render jsonb,
  video_url text,
  agent_run_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists actp_scripts_status on public.actp_scripts (status, updated_at desc);
create index if not exists actp_scripts_created on public.actp_scripts (created_at desc);

-- A rendered script on a platform: queued → published or failed.
create table if not exists public.actp_posts (
  id uuid primary key default gen_random_uuid(),
  script_id uuid not null references public.actp_scripts (id) on delete cascade,
  platform text not null,
  -- What publishes it, and the item's or the task's id there.
  via text not null check (via in ('mplite', 'task')),
  external_id text not null,
  status text not null default 'queued' check (status in ('queued', 'published', 'failed')),
  post_url text,
  error text,
  agent_run_id uuid,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  unique (via, external_id)
);
create index if not exists actp_posts_open on public.actp_posts (created_at) where status = 'queued';
create index if not exists actp_posts_published on public.actp_posts (published_at desc) where status = 'published';
create index if not exists actp_posts_script on public.actp_posts (script_id);

-- Every time that the gate looked at a script.
create table if not exists public.actp_gate_attempts (
  id bigint generated always as identity primary key,
  script_id uuid not null references public.actp_scripts (id) on delete cascade,
  -- 0 for the first text, then the regeneration.
  attempt_num integer not null,
  score numeric not null,
  passed boolean not null,
  rejection_reasons jsonb not null default '[]',
  attempted_at timestamptz not null default now()
);
create index if not exists actp_gate_attempts_attempted on public.actp_gate_attempts (attempted_at);
create index if not exists actp_gate_attempts_script on public.actp_gate_attempts (script_id);

-- What our posts reached in their first 24 hours.
create table if not exists public.actp_post_views (
  post_url text primary key,
  platform text not null,
  niche text,
  views_24h bigint not null,
  classification text not null,
  measured_at timestamptz not null default now()
);
create index if not exists actp_post_views_measured on public.actp_post_views (measured_at desc);

create table if not exists public.actp_prospects (
  id uuid primary key default gen_random_uuid(),
  platform text not null,
  handle text not null,
  name text,
  profile_url text,
  email text,
  niche text,
  followers bigint,
  engagement_rate numeric,
  -- Where else they are active.
  platforms text[] not null default '{}',
  -- They sell courses, coaching, software or the like.
  sells boolean,
  stage text not null default 'awareness'
    check (stage in ('awareness', 'consideration', 'decision', 'closed_won', 'closed_lost')),
  score integer,
  score_parts jsonb,
  -- What the deal may bring.
  deal_value numeric,
  note text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index if not exists actp_prospects_handle on public.actp_prospects (platform, lower(handle));
create index if not exists actp_prospects_stage on public.actp_prospects (stage, score desc nulls last);

-- Messages and connection requests that went out. Those that wait for approval are outward acts.
create table if not exists public.actp_outreach (
  id uuid primary key default gen_random_uuid(),
  prospect_id uuid references public.actp_prospects (id) on delete set null,
  kind text not null,
  channel text not null,
  recipient text not null,
  body text not null,
  -- The task that sends it, where no service did it at once.
  task_id uuid,
  agent_run_id uuid,
  sent_at timestamptz not null default now(),
  replied_at timestamptz,
  booked_at timestamptz
);
create index if not exists actp_outreach_sent on public.actp_outreach (sent_at desc);
create index if not exists actp_outreach_prospect on public.actp_outreach (prospect_id, sent_at desc);

-- What a revenue stream brought in a month, as last read from its service.
create table if not exists public.actp_revenue_readings (
  stream text not null,
  month date not null,
  currency text not null,
  amount numeric not null,
  details jsonb not null default '{}',
  read_at timestamptz not null default now(),
  primary key (stream, month, currency)
);

select public.actp_grant_access(
  array['actp_engagement_actions', 'actp_viral_templates', 'actp_deal_log', 'actp_revenue_goals', 'actp_weekly_snapshots',
    'actp_follower_snapshots', 'actp_research_posts', 'actp_scripts', 'actp_posts', 'actp_gate_attempts', 'actp_post_views',
    'actp_prospects', 'actp_outreach', 'actp_revenue_readings'],
  array[]::text[]);
notify pgrst, 'reload schema';
