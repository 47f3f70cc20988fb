import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { TaskError } from "../../../lib/task/task.ts";
import { embeddedDatabase } from "../../../lib/testing/embedded_database.ts";
import {
  refusingUrl,
  testServices,
  type Toolbox,
  toolbox,
  toolContext,
} from "../../../lib/testing/agent_tools.ts";
import { scriptedServer } from "../../../lib/testing/scripted_server.ts";
import { acquisitionAgent } from "../../acquisition.ts";

const PROFILE = "https://www.linkedin.com/in/ann-example/";

async function prospect(tools: Toolbox, handle: string, more: Record<string, unknown> = {}): Promise<string> {
  const { id } = await tools.call<{ id: string }>("save_prospect", { platform: "linkedin", handle, ...more });
  return id;
}

Deno.test("the acquisition agent's tools", async (test) => {
  await using opened = await embeddedDatabase();
  const { database } = opened;
  const context = toolContext(database);
  const box = (settings: Record<string, string> = {}) =>
    toolbox(acquisitionAgent.tools(testServices(settings)), context);
  const step = (name: string, fn: () => Promise<void>) => test.step({ name, fn });

  await step(
    "a prospect is one row, whatever the case of the handle, and keeps what is not told anew",
    async () => {
      const id = await prospect(box(), "@Ann", { followers: 50_000, name: "Ann" });
      equal(await prospect(box(), "ann", { niche: "solopreneur" }), id);
      const known = await box().call("get_prospect", { prospect_id: id });
      deepEqual([known.followers, known.name, known.niche, known.stage], [
        50_000,
        "Ann",
        "solopreneur",
        "awareness",
      ]);
      await rejects(box().call("get_prospect", { prospect_id: crypto.randomUUID() }), /There is no prospect/);
    },
  );

  await step("scoring keeps the score, by which prospects are listed", async () => {
    const tools = box({ TARGET_NICHES: "solopreneur, ai_automation" });
    const weak = await prospect(tools, "weak", { followers: 500 });
    const good = await prospect(tools, "ann");
    for (const id of [weak, good]) await tools.call("score_prospect", { prospect_id: id });
    const { prospects, by_stage } = await tools.call<
      { prospects: { id: string; score: number }[]; by_stage: unknown }
    >("prospects_by_stage", { stage: "awareness", min_score: 0 });
    deepEqual(prospects.map(({ id }) => id), [good, weak]);
    ok(prospects[0]!.score >= 80);
    deepEqual(by_stage, { awareness: 2 });
  });

  await step("a prospect moves step by step, and the deal log says why", async () => {
    const id = await prospect(box(), "mover");
    await rejects(
      box().call("move_prospect", { prospect_id: id, stage: "closed_won", reason: "wish" }),
      /is in awareness: from there it cannot go to closed_won/,
    );
    await box().call("move_prospect", { prospect_id: id, stage: "consideration", reason: "answered" });
    const [entry] = await box().call<{ note: string; handle: string }[]>("deal_log", { prospect_id: id });
    deepEqual([entry!.note, entry!.handle], ["awareness → consideration: answered", "mover"]);
  });

  await step("messages are offered only where there is a way, and go out once approved", async () => {
    ok(!box().names.includes("queue_message"));
    await using linkedin = scriptedServer(() => Response.json({ success: true }));
    const tools = box({ SAFARI_LINKEDIN_URL: linkedin.url });
    const id = await prospect(tools, "reached");
    const message = {
      prospect_id: id,
      channel: "linkedin",
      recipient: PROFILE,
      text: "I liked your talk",
      reason: "met",
    };
    match(tools.problem("queue_message", { ...message, recipient: "ann" }), /profile's address/);
    match(tools.problem("queue_message", { ...message, channel: "email" }), /channel/);
    const act = tools.propose("queue_message", message);
    deepEqual([act.kind, act.platform, act.preview.text], ["message", "linkedin", message.text]);
    equal(linkedin.asked.length, 0);

    await tools.call("queue_message", message);
    equal(linkedin.asked[0]!.path, "/api/linkedin/messages/send-to");
    deepEqual(linkedin.asked[0]!.body, { profileUrl: PROFILE, text: message.text });
    const known = await tools.call("get_prospect", { prospect_id: id });
    deepEqual([known.messages_sent, known.replied], [1, false]);
  });

  await step("each channel is spoken to in its own way", async () => {
    await using service = scriptedServer(() => Response.json({ success: true }));
    const tools = box({ SAFARI_TWITTER_DM_URL: service.url, SAFARI_INSTAGRAM_DM_URL: service.url });
    const id = await prospect(tools, "other");
    const message = { prospect_id: id, recipient: "@bob", text: "hello", reason: "r" };
    await tools.call("queue_message", { ...message, channel: "twitter" });
    await tools.call("queue_message", { ...message, channel: "instagram" });
    deepEqual(service.asked.map(({ path }) => path), [
      "/api/twitter/messages/send-to",
      "/api/messages/send-to",
    ]);
    deepEqual(service.asked[0]!.body, { username: "bob", text: "hello" });
  });

  await step("an e-mail goes out as a task of the owner's own type, and needs a subject", async () => {
    const tools = box({ AGENT_MESSAGE_TASK_TYPE: "my_mail" });
    const id = await prospect(tools, "mailed");
    const mail = {
      prospect_id: id,
      channel: "email",
      recipient: "bob@example.com",
      text: "hello",
      reason: "r",
    };
    match(tools.problem("queue_message", mail), /subject/);
    const sent = await tools.call("queue_message", { ...mail, subject: "Hi" });
    const task = await database.call<Record<string, unknown>>("actp_get_task", { p_task_id: sent.task_id });
    deepEqual([task.task_type, (task.input_data as { subject: string }).subject], ["my_mail", "Hi"]);
  });

  await step(
    "nothing is sent to a prospect that does not exist, or through a service that is down",
    async () => {
      const tools = box({ SAFARI_LINKEDIN_URL: refusingUrl() });
      const message = {
        prospect_id: crypto.randomUUID(),
        channel: "linkedin",
        recipient: PROFILE,
        text: "t",
        reason: "r",
      };
      const unknown = await tools.call("queue_message", message).catch((error) => error);
      ok(unknown instanceof TaskError && !unknown.retry);
      const id = await prospect(tools, "unreached");
      const down = await tools.call("queue_message", { ...message, prospect_id: id }).catch((error) => error);
      ok(down instanceof TaskError && down.retry && !down.uncertain);
      equal((await tools.call("get_prospect", { prospect_id: id })).messages_sent, 0);
    },
  );

  await step("a connection request is an act of its own kind, which LinkedIn's limit counts", async () => {
    await using linkedin = scriptedServer(() => new Response("{}", { status: 429 }));
    const tools = box({ SAFARI_LINKEDIN_URL: linkedin.url });
    const request = {
      prospect_id: await prospect(tools, "met"),
      profile_url: PROFILE,
      note: "Hello",
      reason: "met",
    };
    const act = tools.propose("propose_connection", request);
    deepEqual([act.kind, act.platform], ["connection_request", "linkedin"]);
    match(tools.problem("propose_connection", { ...request, note: "x".repeat(301) }), /note/);
    const limited = await tools.call("propose_connection", request).catch((error) => error);
    ok(limited instanceof TaskError && limited.retry);
    deepEqual(linkedin.asked[0]!.body, {
      profileUrl: PROFILE,
      note: "Hello",
      skipIfConnected: true,
      skipIfPending: true,
    });
    const pauses = await database.call<{ platform: string }[]>("actp_list_platform_pauses");
    deepEqual(pauses.map(({ platform }) => platform), ["linkedin"]);
  });

  await step("pending outreach is what this agent proposed and a person has not settled", async () => {
    const propose = (agent: string, kind: string, digest: string) =>
      database.call<{ id: string }>("actp_request_agent_act", {
        p_act: {
          task_id: context.runId,
          digest,
          kind,
          summary: `a ${kind}`,
          agent_id: agent,
          tool_name: "queue_message",
        },
        p_expires_seconds: 60,
        p_holder: "h",
      });
    const first = await propose("test-agent", "message", "1");
    await propose("test-agent", "comment", "2");
    await propose("other-agent", "message", "3");
    const rejected = await propose("test-agent", "message", "4");
    await database.call("actp_decide_act", { p_id: rejected.id, p_approve: false, p_by: "ann" });
    const pending = await box().call<{ count: number; acts: { id: string }[] }>("pending_outreach");
    deepEqual([pending.count, pending.acts.map(({ id }) => id)], [1, [first.id]]);
  });

  await step("answers and bookings are counted against what was sent", async () => {
    const { prospects } = await box().call<{ prospects: { id: string; handle: string }[] }>(
      "prospects_by_stage",
    );
    const idOf = (handle: string) => prospects.find((one) => one.handle === handle)!.id;
    await box().call("record_reply", { prospect_id: idOf("reached"), booked: true });
    await rejects(box().call("record_reply", { prospect_id: idOf("weak") }), /Nothing was sent/);
    const counted = await box().call("outreach_statistics");
    deepEqual([counted.sent, counted.replied, counted.booked, counted.reply_rate], [4, 1, 1, 0.25]);
  });

  await step("a won deal counts in its month; the pipeline is what is close to a deal", async () => {
    const id = await prospect(box(), "buyer", { deal_value: 2_000 });
    await box().call("move_prospect", { prospect_id: id, stage: "consideration", reason: "asked" });
    const pipeline = await box().call("revenue_pipeline");
    equal(pipeline.value, "2000");
    const win = { prospect_id: id, activity_type: "closed_won", note: "signed", type: "retainer" };
    match(box().problem("log_deal_activity", win), /deal_value/);
    await box().call("log_deal_activity", { ...win, deal_value: 2_000, month: "2026-03" });
    await database.call("actp_set_revenue_goal", { p_month: "2026-03", p_target: 9_500 });
    const targets = await box().call("monthly_targets", { month: "2026-03" });
    deepEqual([targets.closed, targets.target, targets.gap, targets.pipeline], [2_000, 9_500, 7_500, 2_000]);
  });
});
