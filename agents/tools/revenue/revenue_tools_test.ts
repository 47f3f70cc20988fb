import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { TaskError } from "../../../lib/task/task.ts";
import { embeddedDatabase } from "../../../lib/testing/embedded_database.ts";
import { refusingUrl, testServices, toolbox, toolContext } from "../../../lib/testing/agent_tools.ts";
import { scriptedServer } from "../../../lib/testing/scripted_server.ts";
import { revenueAgent } from "../../revenue.ts";
import { appStoreTools } from "./app_store.ts";
import { aiCost } from "./cost.ts";
import { stripeTools } from "./stripe.ts";

const MARCH_21 = Date.UTC(2026, 2, 21);
const SECONDS = (...date: Parameters<typeof Date.UTC>) => Date.UTC(...date) / 1_000;

/** Stripe's lists, as its API gives them, page by page. */
function stripeList(data: readonly { id: string }[], path: string): Response {
  const query = new URL(path, "http://stripe").searchParams;
  const from = data.findIndex(({ id }) => id === query.get("starting_after")) + 1;
  const page = data.slice(from, from + 2); // smaller pages than asked for, so that there are several
  return Response.json({
    object: "list",
    data: page,
    has_more: from + 2 < data.length,
    url: path.split("?")[0],
  });
}

function subscription(id: string, more: Record<string, unknown> = {}) {
  const price = {
    currency: "usd",
    unit_amount: 4_900,
    unit_amount_decimal: "4900",
    recurring: { interval: "month", interval_count: 1, usage_type: "licensed" },
  };
  return {
    id,
    object: "subscription",
    status: "active",
    created: SECONDS(2026, 0, 5),
    ended_at: null,
    items: { object: "list", data: [{ quantity: 1, price }], has_more: false },
    ...more,
  };
}

Deno.test("the revenue agent's tools", async (test) => {
  await using opened = await embeddedDatabase();
  const { database } = opened;
  const context = toolContext(database);
  const box = (settings: Record<string, string> = {}) =>
    toolbox(revenueAgent.tools(testServices(settings)), context);
  const step = (name: string, fn: () => Promise<void>) => test.step({ name, fn });
  const stripeBox = (url: string) =>
    toolbox(
      stripeTools(testServices({ STRIPE_SECRET_KEY: "sk_test_secret", STRIPE_API_URL: url }), () => MARCH_21),
      context,
    );

  await step(
    "recurring revenue is read from all pages of subscriptions, and saved for the month",
    async () => {
      await using stripe = scriptedServer(({ path }) =>
        path.includes("status=past_due")
          ? stripeList([subscription("s9", { status: "past_due" })], path)
          : stripeList(["s1", "s2", "s3"].map((id) => subscription(id)), path)
      );
      const answer = await stripeBox(stripe.url).call("stripe_recurring_revenue");
      deepEqual([answer.recurring, answer.subscriptions], [{ usd: 196 }, 4]);
      ok(stripe.asked.every(({ headers }) => headers.get("authorization") === "Bearer sk_test_secret"));
      match(stripe.asked[1]!.path, /^\/v1\/subscriptions\?.*starting_after=s2/);
      const totals = await box().call("revenue_totals", { month: "2026-03" });
      deepEqual(totals.streams, { stripe: 196 });
    },
  );

  await step("new customers are those of the month", async () => {
    await using stripe = scriptedServer(({ path }) => stripeList([{ id: "c1" }, { id: "c2" }], path));
    const answer = await stripeBox(stripe.url).call("stripe_new_customers", { month: "2026-02" });
    deepEqual(answer, { month: "2026-02", new_customers: 2 });
    const query = new URL(stripe.asked[0]!.path, stripe.url).searchParams;
    deepEqual([query.get("created[gte]"), query.get("created[lt]")], [
      `${SECONDS(2026, 1)}`,
      `${SECONDS(2026, 2)}`,
    ]);
  });

  await step("churn is what ended in the month, of what ran when it began", async () => {
    const ended = (id: string, day: number, more = {}) =>
      subscription(id, { status: "canceled", ended_at: SECONDS(2026, 2, day), ...more });
    await using stripe = scriptedServer(({ path }) =>
      stripeList([
        subscription("runs"),
        ended("ended", 10),
        ended("came and went", 12, { created: SECONDS(2026, 2, 2) }),
        ended("ended before", 1, { ended_at: SECONDS(2026, 1, 20) }),
        subscription("never paid", { status: "incomplete_expired" }),
      ], path)
    );
    const answer = await stripeBox(stripe.url).call("stripe_churn", { month: "2026-03" });
    deepEqual([answer.ended, answer.ended_recurring, answer.running_at_start, answer.churn_rate], [
      2,
      { usd: 98 },
      2,
      0.5,
    ]);
  });

  await step("Stripe's failures name what to check, never the key", async () => {
    await using stripe = scriptedServer(() =>
      Response.json(
        { error: { type: "invalid_request_error", message: "Invalid API Key: sk_test_secret" } },
        {
          status: 401,
        },
      )
    );
    const failure = await stripeBox(stripe.url).call("stripe_recurring_revenue").catch((error) => error);
    equal(
      failure.message,
      "Cannot read subscriptions: Stripe answered 401 (check STRIPE_SECRET_KEY)",
    );
    deepEqual(await stripeBox(refusingUrl()).call("stripe_recurring_revenue"), {
      error: "service_unavailable",
      service: "Stripe",
    });
  });

  await step("App Store sales are asked for with a token that Apple can verify, and unpacked", async () => {
    const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
      "sign",
      "verify",
    ]);
    const der = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
    const pem = `-----BEGIN PRIVATE KEY-----\n${
      btoa(String.fromCharCode(...der))
    }\n-----END PRIVATE KEY-----`;
    const tsv = "Title\tUnits\tDeveloper Proceeds\tCurrency of Proceeds\nPro\t2\t10.5\tUSD\n";
    const packed = await new Response(
      new Blob([tsv]).stream().pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer();
    await using apple = scriptedServer(({ path }) =>
      path.includes("2026-02")
        ? new Response(packed, { headers: { "content-type": "application/a-gzip" } })
        : Response.json({ errors: [{ status: "404" }] }, { status: 404 })
    );
    const settings = {
      APPLE_KEY_ID: "KEY1",
      APPLE_ISSUER_ID: "issuer",
      APPLE_PRIVATE_KEY: pem.replaceAll("\n", "\\n"),
      APPLE_VENDOR_NUMBER: "85",
      APP_STORE_CONNECT_URL: apple.url,
    };
    const tools = toolbox(appStoreTools(testServices(settings), () => MARCH_21), context);
    const sales = await tools.call("app_store_revenue", { period: "2026-02" });
    deepEqual([sales.proceeds, sales.units], [{ usd: 21 }, 2]);
    const asked = apple.asked[0]!;
    const query = new URL(asked.path, apple.url).searchParams;
    deepEqual([query.get("filter[frequency]"), query.get("filter[vendorNumber]")], ["MONTHLY", "85"]);

    const [head, claims, signature] = asked.headers.get("authorization")!.replace("Bearer ", "").split(".");
    const bytes = (part: string) =>
      Uint8Array.from(
        atob(part.replaceAll("-", "+").replaceAll("_", "/")),
        (character) => character.charCodeAt(0),
      );
    const signed = new TextEncoder().encode(`${head}.${claims}`);
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    ok(await crypto.subtle.verify(algorithm, keys.publicKey, bytes(signature!), signed));
    deepEqual(JSON.parse(new TextDecoder().decode(bytes(head!))), { alg: "ES256", kid: "KEY1", typ: "JWT" });
    const told = JSON.parse(new TextDecoder().decode(bytes(claims!)));
    deepEqual([told.iss, told.aud, told.exp - told.iat <= 1_200], ["issuer", "appstoreconnect-v1", true]);

    const early = await tools.call("app_store_revenue", { period: "2026-03-20" });
    equal(early.available, false);
    match(apple.asked[1]!.path, /filter%5Bfrequency%5D=DAILY/);
    const broken = toolbox(
      appStoreTools(testServices({ ...settings, APPLE_PRIVATE_KEY: "not a key" })),
      context,
    );
    await rejects(broken.call("app_store_revenue", { period: "2026-02" }), (error: Error) => {
      match(error.message, /APPLE_PRIVATE_KEY is no P-256 key/);
      ok(!error.message.includes("not a key"));
      return true;
    });
  });

  await step("totals stand beside the month's target, and all months together", async () => {
    await box().call("set_monthly_target", { month: "2026-03", target: 1_000 });
    const totals = await box({ REVENUE_CUMULATIVE_GOAL: "50000" }).call("revenue_totals", {
      month: "2026-03",
    });
    deepEqual([totals.total, totals.target, totals.gap], [196, 1_000, 804]);
    deepEqual([totals.cumulative, totals.cumulative_goal], [217, 50_000]);
    await box().call("set_monthly_target", { month: "2026-03", target: 2_000 });
    equal((await box().call("revenue_totals", { month: "2026-03" })).target, 2_000);
  });

  await step("AI cost is counted by day, month, model and agent, and alerts by its projection", async () => {
    const call = async (at: string, agent: string, usd: number) => {
      const begun = await database.call<{ call_id: string }>("actp_begin_model_call", {
        p_call: { run_id: null, agent_id: agent, model: "m", estimate_usd: usd },
        p_limits: {},
      });
      await database.call("actp_end_model_call", {
        p_call_id: begun.call_id,
        p_end: { status: "done", cost_usd: usd },
      });
      return at;
    };
    await call("now", "content-agent", 12);
    await call("now", "revenue-agent", 3);
    const now = Date.now();
    const cost = await aiCost(
      database,
      testServices({ AGENT_MONTHLY_BUDGET_USD: "20", AGENT_MONTHLY_ALERT_USD: "10" }),
      now,
    );
    deepEqual([cost.today_usd, cost.month_to_date_usd], [15, 15]);
    ok(cost.projected_usd >= 15 && cost.alert);
    const agents = cost.by_agent as { agent_id: string; cost: number }[];
    deepEqual(agents.map(({ agent_id, cost }) => [agent_id, cost]), [["content-agent", 12], [
      "revenue-agent",
      3,
    ]]);
    const usual = await box().call("ai_cost");
    deepEqual([usual.ceiling_usd, usual.alert_usd], [400, 350]);
  });

  await step("velocity and the time to a goal come from recorded counts", async () => {
    await database.call("actp_record_followers", { p_counts: [{ platform: "youtube", followers: 2_810 }] });
    const [now] = await box({ FOLLOWER_GOAL: "1000000" }).call<Record<string, unknown>[]>(
      "time_to_follower_goal",
    );
    deepEqual([now!.followers, now!.goal, now!.days_to_goal], [2_810, 1_000_000, null]);
    match(box().problem("time_to_follower_goal", {}), /goal/);
  });

  await step("the gap analysis compares the goals that are set, the worst first", async () => {
    const goals = { FOLLOWER_GOAL: "1000000", VIEWS_PER_VIDEO_GOAL: "100000", DAILY_VIDEO_GOAL: "10" };
    const analysis = await box(goals).call<{ top: { name: string; severity: number }[]; goals: number }>(
      "goal_gap_analysis",
      { top: 20 },
    );
    const severities = analysis.top.map(({ severity }) => severity);
    deepEqual(severities, severities.toSorted((a, b) => b - a));
    ok(analysis.top.some(({ name }) => name === "views of an average video"));
    const few = await box(goals).call<{ top: unknown[] }>("goal_gap_analysis");
    equal(few.top.length, 3);
  });

  await step("a goal for another agent is put once a day, with who asked", async () => {
    const task = { agent_type: "content-agent", goal: "Raise the pass rate to 30 %", priority: "HIGH" };
    const made = await box().call<{ id: string; created: boolean }>("create_agent_task", task);
    const again = await box().call<{ id: string; created: boolean }>("create_agent_task", task);
    deepEqual([made.created, again.created, again.id === made.id], [true, false, true]);
    const goal = await database.call<Record<string, unknown>>("actp_get_agent_task", { p_id: made.id });
    deepEqual([goal.agent_type, goal.priority, goal.source], ["content-agent", "HIGH", "test-agent"]);
    match(box().problem("create_agent_task", { ...task, agent_type: "root" }), /agent_type/);
  });

  await step("the report tells all platforms, and this week's snapshot is one row", async () => {
    const { report_md } = await box().call<{ report_md: string }>("weekly_report", {
      comment: "All is calm.",
    });
    for (const part of ["All is calm.", "TikTok", "Instagram", "YouTube", "Twitter", "Threads", "AI cost"]) {
      ok(report_md.includes(part), part);
    }
    match(report_md, /YouTube\n\nFollowers: 2,810/);
    const first = await box().call("save_weekly_snapshot");
    const second = await box().call("save_weekly_snapshot", { comment: "again" });
    deepEqual([first.created, second.created, first.id === second.id], [true, false, true]);
    const [kept, ...older] = await box().call<Record<string, unknown>[]>("weekly_snapshots");
    deepEqual([kept!.follower_youtube, kept!.ai_cost_usd, older.length], [2_810, "15", 0]);
  });

  await step(
    "the report is sent by Telegram once approved, in parts, without the token in any error",
    async () => {
      ok(!box().names.includes("send_weekly_report"));
      await using telegram = scriptedServer((_asked, nth) =>
        nth < 4
          ? Response.json({ ok: true, result: {} })
          : Response.json({ ok: false, description: "no" }, { status: 500 })
      );
      const tools = box({
        TELEGRAM_BOT_TOKEN: "123:secret",
        TELEGRAM_CHAT_ID: "42",
        TELEGRAM_API_URL: telegram.url,
      });
      const report = { report_md: "line of words\n".repeat(400) };
      const act = tools.propose("send_weekly_report", report);
      deepEqual([act.kind, act.platform], ["message", "telegram"]);
      equal(telegram.asked.length, 0);
      deepEqual(await tools.call("send_weekly_report", report), { sent: true, messages: 2 });
      equal(telegram.asked[0]!.path, "/bot123:secret/sendMessage");
      const bodies = telegram.asked.map(({ body }) => body as { chat_id: string; text: string });
      ok(bodies.every(({ chat_id, text }) => chat_id === "42" && text.length <= 4_096));

      const broken = await tools.call("send_weekly_report", report).catch((error) => error);
      ok(broken instanceof TaskError && broken.uncertain, String(broken));
      match(broken.message, /1 of 2 parts of the report were sent, then: .*Telegram answered 500/);
      ok(!broken.message.includes("secret"));
    },
  );
});
