/** The domain agents' tables on a real PostgreSQL, also where a deployment has some of them already. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { startPostgres } from "../testing/postgres_server.ts";
import { needs } from "../testing/requirements.ts";
import { sqlClient } from "./contract/sql_client.ts";
import { openPostgres } from "./postgres.ts";

/** As older deployments have them: months and contacts as text, runs by foreign key. */
const DEPLOYED = `
create table actp_agent_runs (id uuid primary key default gen_random_uuid(), agent_id text, agent_type text, goal text,
  status text, tools_used jsonb, iterations int, outcome text, duration_ms int, started_at timestamptz, completed_at timestamptz);
create table actp_engagement_actions (id uuid primary key default gen_random_uuid(), platform text, action_type text,
  target_url text, target_handle text, result jsonb, agent_run_id uuid references actp_agent_runs (id), created_at timestamptz default now());
create table actp_viral_templates (id uuid primary key default gen_random_uuid(), hook_text text, niche text, platform text,
  hook_score integer, views_24hr integer, created_at timestamptz default now());
create table actp_deal_log (id uuid primary key default gen_random_uuid(), contact_id text, activity_type text, note text,
  agent_run_id text, created_at timestamptz default now(), month text, deal_value numeric);
create table actp_revenue_goals (id uuid primary key default gen_random_uuid(), month text, target_revenue numeric,
  closed_revenue numeric, pipeline_value numeric, updated_at timestamptz default now());
insert into actp_revenue_goals (month, target_revenue) values ('2026-03', 9500);
insert into actp_deal_log (activity_type, month, deal_value) values ('closed_won', '2026-03', 2000);
create table actp_weekly_snapshots (id uuid primary key default gen_random_uuid(), week_start date, report_md text,
  revenue_total numeric, follower_youtube int, created_at timestamptz default now());
insert into actp_weekly_snapshots (week_start, follower_youtube) values ('2026-03-02', 2810);
create table actp_follower_snapshots (id uuid primary key default gen_random_uuid(), platform text, follower_count int);
insert into actp_follower_snapshots (platform, follower_count) values ('youtube', 2810);
`;

Deno.test({
  name: "the domain agents' tables on PostgreSQL",
  ...await needs("postgres"),
  async fn(test) {
    await using server = await startPostgres();
    const step = (name: string, fn: () => Promise<void>) =>
      test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    const open = async (before = "") => {
      await using cleanup = new AsyncDisposableStack();
      const url = await server.createDatabase();
      if (before) {
        await using client = sqlClient(url);
        await client.sql(before);
      }
      const database = openPostgres(url);
      cleanup.defer(() => database.close());
      await database.migrate();
      const owned = cleanup.move();
      return { database, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    };

    await step("a deployment's rows are kept and counted, and its columns written to", async () => {
      await using opened = await open(DEPLOYED);
      const { database } = opened;
      const log = { activity_type: "closed_won", type: "retainer", deal_value: 500, month: "2026-03" };
      await database.call("actp_log_deal", { p_entry: { ...log, contact_id: crypto.randomUUID() } });
      await database.call("actp_set_revenue_goal", { p_month: "2026-03", p_target: 8_000 });
      await database.call("actp_set_revenue_goal", { p_month: "2026-04", p_target: 1 });
      const figures = await database.call<Record<string, unknown>>("actp_revenue_figures", {
        p_month: "2026-03",
      });
      deepEqual([figures.target, figures.deals, figures.all_deals], [
        "8000",
        [{ type: "other", value: "2000" }, { type: "retainer", value: "500" }],
        "2500",
      ]);
      const deals = await database.call<{ month: string }[]>("actp_list_deals");
      deepEqual(deals.map(({ month }) => month), ["2026-03", "2026-03"]);

      const saved = await database.call<{ created: boolean }>("actp_save_weekly_snapshot", {
        p_week_start: "2026-03-02",
        p_snapshot: { report_md: "# r", follower_youtube: 2_900, ai_cost_usd: 1.5 },
      });
      equal(saved.created, false);
      const snapshots = await database.call<Record<string, unknown>[]>("actp_list_weekly_snapshots");
      deepEqual(snapshots.map(({ follower_youtube, ai_cost_usd }) => [follower_youtube, ai_cost_usd]), [[
        2_900,
        "1.5",
      ]]);
      const followers = await database.call<{ followers: number }[]>("actp_follower_counts", { p_days: 7 });
      equal(followers[0]!.followers, 2_810);
      const template = { p_niche: "n", p_platform: "tiktok", p_hook_score: 90, p_views_24hr: null };
      await database.call("actp_save_viral_template", { p_hook_text: "Stop", ...template });
      equal((await database.call<unknown[]>("actp_list_viral_templates")).length, 1);
    });

    await step("what several agents do at once happens once", async () => {
      await using opened = await open();
      const { database } = opened;
      const [script] = await database.call<{ id: string }[]>("actp_save_scripts", {
        p_scripts: [{ niche: "n", platform: "tiktok", hook_text: "h", body: "b" }],
      });
      const eight = <T>(call: (nth: number) => Promise<T>) =>
        Promise.all(Array.from({ length: 8 }, (_, nth) => call(nth)));
      const judge = {
        p_results: [{ script_id: script!.id, attempt: 0, score: 90, passed: true, status: "passed" }],
      };
      const judged = await eight(() => database.call<string[]>("actp_record_gate", judge));
      equal(judged.flat().length, 1);
      const taken = await eight(() =>
        database.call("actp_change_script", {
          p_id: script!.id,
          p_from: ["passed"],
          p_changes: { status: "rendering" },
        })
      );
      equal(taken.filter((one) => one !== null).length, 1);
      await eight((nth) =>
        database.call("actp_save_weekly_snapshot", {
          p_week_start: "2026-03-09",
          p_snapshot: { revenue_total: nth },
        })
      );
      equal((await database.call<unknown[]>("actp_list_weekly_snapshots")).length, 1);
      await eight((nth) => database.call("actp_set_revenue_goal", { p_month: "2026-03", p_target: nth }));
      await eight((nth) =>
        database.call("actp_save_revenue_reading", {
          p_stream: "stripe",
          p_month: "2026-03",
          p_amounts: { USD: nth, eur: 1 },
        })
      );
      const figures = await database.call<{ readings: unknown[]; target: string }>("actp_revenue_figures", {
        p_month: "2026-03",
      });
      equal(figures.readings.length, 2);
      const prospects = await eight((nth) =>
        database.call<{ id: string }>("actp_save_prospect", {
          p_prospect: { platform: "linkedin", handle: nth % 2 ? "Ann" : "ann" },
        })
      );
      equal(new Set(prospects.map(({ id }) => id)).size, 1);
      const posts = await eight(() =>
        database.call<{ id: string | null }>("actp_record_post", {
          p_post: { script_id: script!.id, platform: "tiktok", via: "mplite", external_id: "q" },
        })
      );
      equal(new Set(posts.map(({ id }) => id)).size, 1);
      ok(posts[0]!.id);
    });

    await step("a growing audience has a pace from counts of different days", async () => {
      await using opened = await open(
        `create table actp_follower_snapshots (id uuid primary key default gen_random_uuid(), platform text, account text,
          follower_count bigint, recorded_at timestamptz not null default now());
        insert into actp_follower_snapshots (platform, follower_count, recorded_at) values
          ('youtube', 100, now() - interval '10 days'), ('youtube', 200, now() - interval '6 days'), ('youtube', 800, now());`,
      );
      const [count] = await opened.database.call<Record<string, unknown>[]>("actp_follower_counts", {
        p_days: 7,
      });
      deepEqual([count!.followers, count!.earlier_followers], [800, 200]);
    });

    await step("a month or a state that makes no sense is refused", async () => {
      await using opened = await open();
      const { database } = opened;
      const refused = { name: "DatabaseError", transient: false };
      await rejects(
        database.call("actp_set_revenue_goal", { p_month: "2026-13", p_target: 1 }),
        /must be YYYY-MM/,
      );
      const bad = { platform: "linkedin", handle: "a", followers: "many" };
      await rejects(database.call("actp_save_prospect", { p_prospect: bad }), refused);
    });
  },
});
