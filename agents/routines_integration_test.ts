/**
 * Each agent's main routine from end to end: its real goal, tools and prompt, the tool loop over HTTP against a stand-in
 * of the model's API that plays the turns, and a real PostgreSQL behind.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { AgentActs } from "../lib/agent/acts.ts";
import { anthropicModel } from "../lib/agent/loop/anthropic.ts";
import { loopTool, toolsByName } from "../lib/agent/loop/tools.ts";
import { runAgent } from "../lib/agent/run.ts";
import { systemClock } from "../lib/clock.ts";
import type { Database } from "../lib/database/database.ts";
import { serverDatabase } from "../lib/testing/agent_databases.ts";
import { SCRIPT_BATCH } from "../lib/testing/agent_scripts.ts";
import { testServices } from "../lib/testing/agent_tools.ts";
import { testSettings } from "../lib/testing/agents.ts";
import { anthropicServer, type Turn } from "../lib/testing/anthropic_server.ts";
import { instantClock } from "../lib/testing/instant_clock.ts";
import { needs } from "../lib/testing/requirements.ts";
import { scriptedServer } from "../lib/testing/scripted_server.ts";
import { builtInAgents } from "./index.ts";

/** What the tools answered last, by the order of the calls. */
type Answers = readonly Record<string, unknown>[];
type NextTurn = (answers: Answers) => Turn;

const call = (name: string, input: unknown = {}) => ({ name, input });

/** Runs a routine's goal to its end; `turns` see what the tools answered. */
async function runRoutine(
  database: Database,
  routineId: string,
  settings: Record<string, string>,
  turns: readonly NextTurn[],
) {
  const agent = builtInAgents.find(({ routines }) => routines.some(({ id }) => id === routineId))!;
  const { goal } = agent.routines.find(({ id }) => id === routineId)!;
  await using api = anthropicServer(({ messages }, nth) => {
    const results = messages.at(-1)!.content.flatMap((block) =>
      block.type === "tool_result" ? [JSON.parse(String(block.content))] : []
    );
    return turns[nth - 1]!(results);
  });
  const services = testServices(settings);
  const shared = { database, clock: systemClock, holder: `w/${agent.id}/1` };
  const acts = new AgentActs({
    ...shared,
    agentId: agent.id,
    rules: [],
    expiresMs: 60_000,
    log: getLogger(["actp", "test"]),
  });
  const run = await runAgent(
    {
      ...shared,
      agent,
      settings: testSettings(),
      services,
      acts,
      model: anthropicModel({ apiKey: api.key, baseUrl: api.url, clock: instantClock() }),
    },
    { text: goal },
    new AbortController().signal,
  );
  deepEqual(api.refused, []);
  equal(api.requests.length, turns.length);
  ok(JSON.stringify(api.requests[0]!.messages).includes(goal.slice(0, 40)));
  const record = await database.call<
    { status: string; tool_calls: { tool_name: string; success: boolean; tool_result: string }[] }
  >("actp_get_agent_run", { p_run_id: run.runId });
  deepEqual(record.tool_calls.filter(({ success }) => !success), []);
  const tools = toolsByName(agent.tools(services).map(loopTool));
  const proposed = async () =>
    (await database.call<{ id: string; agent_id: string; kind: string; status: string; platform: string }[]>(
      "actp_list_acts",
      { p_limit: 100 },
    )).filter((act) => act.agent_id === agent.id);
  return {
    run,
    record,
    proposed,
    /** A person's yes, and what comes of it. */
    async approve(id: string) {
      await database.call("actp_decide_act", { p_id: id, p_approve: true, p_by: "ann" });
      const signal = new AbortController().signal;
      const due = await acts.due(signal);
      const act = due.find((one) => one.id === id)!;
      return await acts.perform(act, tools.get(act.tool_name), signal);
    },
  };
}

Deno.test("the agents' main routines", await needs("postgres"), async (test) => {
  await using subject = await serverDatabase();
  const { database } = subject;
  const step = (name: string, fn: () => Promise<void>) =>
    test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });

  await step("the content agent goes from a niche to renders, past the gate", async () => {
    let passed = "";
    const { run, record } = await runRoutine(database, "content.daily-pipeline", {}, [
      () => ({ calls: [call("publish_status"), call("top_niches"), call("viral_templates")] }),
      () => ({ calls: [call("save_scripts", { niche: "solo", platform: "tiktok", scripts: SCRIPT_BATCH })] }),
      ([saved]) => {
        const ids = (saved!.scripts as { id: string }[]).map(({ id }) => id);
        passed = ids[0]!;
        const points = (mark: number) => ({
          hook: mark,
          relevance: mark,
          clarity: mark,
          call_to_action: mark,
          originality: mark,
          platform_fit: mark,
          compliance: mark,
        });
        const ratings = ids.map((script_id, index) => ({
          script_id,
          ...points(index === 0 ? 91 : 70),
          reasons: [],
        }));
        return { calls: [call("rate_hooks", { ratings })] };
      },
      ([rated]) => {
        equal(rated!.passed, 1);
        return { calls: [call("start_render", { script_id: passed })] };
      },
      ([started]) => {
        equal(started!.status, "rendering");
        return { say: "10 written, 1 passed, 1 is rendering, nothing proposed yet." };
      },
    ]);
    equal(run.stop, "end_turn");
    equal(record.status, "succeeded");
    equal(record.tool_calls.length, 6);
    const { tasks } = await database.call<{ tasks: { input_data: { props: { hook: string } } }[] }>(
      "actp_list_tasks",
      { p_types: ["remotion_render"] },
    );
    deepEqual(tasks.map(({ input_data }) => input_data.props.hook), ["Hook 0"]);
  });

  await step(
    "the social media agent proposes comments, and one is posted when a person says yes",
    async () => {
      await using comments = scriptedServer(() => Response.json({ success: true }));
      const post = "https://www.tiktok.com/@us/video/7300000000000000001";
      const [script] = await database.call<{ id: string }[]>("actp_save_scripts", {
        p_scripts: [{ niche: "solo", platform: "tiktok", hook_text: "h", body: "b" }],
      });
      const { id } = await database.call<{ id: string }>("actp_record_post", {
        p_post: { script_id: script!.id, platform: "tiktok", via: "mplite", external_id: "1" },
      });
      await database.call("actp_end_post", { p_id: id, p_status: "published", p_post_url: post });
      const comment = {
        platform: "tiktok",
        post_url: post,
        text: "What would you add?",
        reason: "no comment yet",
      };
      const settings = { SAFARI_TIKTOK_COMMENTS_URL: comments.url };
      const { proposed, approve } = await runRoutine(database, "social.engagement-boost", settings, [
        () => ({ calls: [call("own_posts")] }),
        (posts) => {
          deepEqual((posts as unknown as { commented: boolean }[][])[0]!.map(({ commented }) => commented), [
            false,
          ]);
          return { calls: [call("propose_comment", comment)] };
        },
        ([answer]) => {
          equal(answer!.status, "waiting for approval");
          return { say: "One comment waits for approval." };
        },
      ]);
      equal(comments.asked.length, 0);
      const [act] = await proposed();
      deepEqual([act!.kind, act!.status], ["comment", "proposed"]);
      equal((await approve(act!.id)).status, "done");
      deepEqual(comments.asked.map(({ body }) => body), [{ postUrl: post, text: comment.text }]);
    },
  );

  await step(
    "the acquisition agent proposes the next message; a platform that has had enough is paused",
    async () => {
      await using linkedin = scriptedServer(() => new Response("{}", { status: 429 }));
      const prospect = await database.call<{ id: string }>("actp_save_prospect", {
        p_prospect: { platform: "linkedin", handle: "ann", deal_value: 2_000 },
      });
      const settings = { SAFARI_LINKEDIN_URL: linkedin.url };
      const { proposed, approve } = await runRoutine(database, "acquisition.pipeline-advance", settings, [
        () => ({ calls: [call("revenue_pipeline"), call("pending_outreach"), call("monthly_targets")] }),
        () => ({
          calls: [call("queue_message", {
            prospect_id: prospect.id,
            channel: "linkedin",
            recipient: "https://www.linkedin.com/in/ann/",
            text: "As promised, the checklist.",
            reason: "she asked for it",
          })],
        }),
        () => ({ say: "One message waits for approval." }),
      ]);
      const [act] = await proposed();
      const performed = await approve(act!.id);
      deepEqual([performed.status, linkedin.asked.length], ["approved", 1]);
      const pauses = await database.call<{ platform: string }[]>("actp_list_platform_pauses");
      deepEqual(pauses.map(({ platform }) => platform), ["linkedin"]);
    },
  );

  await step("the revenue agent writes, keeps and proposes to send the weekly report", async () => {
    await using telegram = scriptedServer(() => Response.json({ ok: true }));
    const settings = {
      TELEGRAM_BOT_TOKEN: "1:secret",
      TELEGRAM_CHAT_ID: "42",
      TELEGRAM_API_URL: telegram.url,
      FOLLOWER_GOAL: "1000",
    };
    const { record, proposed, approve } = await runRoutine(database, "revenue.weekly-report", settings, [
      () => ({ calls: [call("revenue_totals"), call("ai_cost"), call("goal_gap_analysis")] }),
      () => ({ calls: [call("weekly_report", { comment: "A quiet week." })] }),
      ([report]) => ({
        calls: [
          call("save_weekly_snapshot", { comment: "A quiet week." }),
          call("send_weekly_report", report),
        ],
      }),
      () => ({ say: "The report is kept and waits for approval to be sent." }),
    ]);
    equal(telegram.asked.length, 0);
    const [act] = await proposed();
    deepEqual([act!.kind, act!.platform], ["message", "telegram"]);
    equal((await approve(act!.id)).status, "done");
    match((telegram.asked[0]!.body as { text: string }).text, /# Weekly report.*A quiet week\./s);
    ok(record.tool_calls.every(({ tool_result }) => !tool_result.includes("secret")));
    equal((await database.call<unknown[]>("actp_list_weekly_snapshots")).length, 1);
  });
});
