import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { claim, settle } from "../../../lib/database/contract/case.ts";
import { TaskError } from "../../../lib/task/task.ts";
import { embeddedDatabase } from "../../../lib/testing/embedded_database.ts";
import { refusingUrl, testServices, toolbox, toolContext } from "../../../lib/testing/agent_tools.ts";
import { scriptedServer } from "../../../lib/testing/scripted_server.ts";
import { socialMediaAgent } from "../../social_media.ts";
import { saveScripts } from "../content/script_store.ts";

const REFUSED = refusingUrl();
const POST = "https://www.tiktok.com/@ann/video/7300000000000000001";

Deno.test("the social media agent's tools", async (test) => {
  await using opened = await embeddedDatabase();
  const { database } = opened;
  const context = toolContext(database);
  const box = (settings: Record<string, string> = {}) =>
    toolbox(socialMediaAgent.tools(testServices(settings)), context);
  const step = (name: string, fn: () => Promise<void>) => test.step({ name, fn });

  await step("research_niche asks the service for the niche, and saves what it finds", async () => {
    await using service = scriptedServer(() =>
      Response.json({
        success: true,
        posts: [
          { url: POST, text: "how I started", author: { handle: "@ann" }, views: "1.2M", likes: 10 },
          { url: "https://www.tiktok.com/@bob/video/7300000000000000002", caption: "b", views: 5 },
          { text: "a post without an address" },
        ],
      })
    );
    const tools = box({ MARKET_RESEARCH_URL: service.url, MARKET_RESEARCH_KEY: "k" });
    const found = await tools.call("research_niche", { niche: "solopreneur", platform: "tiktok" });
    equal(service.asked[0]!.method, "POST");
    equal(service.asked[0]!.path, "/api/research/tiktok/search");
    equal(service.asked[0]!.headers.get("authorization"), "Bearer k");
    equal((service.asked[0]!.body as { query: string }).query, "solopreneur");
    deepEqual([found.found, found.saved, found.updated], [3, 2, 0]);

    const [best] = await tools.call<Record<string, unknown>[]>("top_posts", { niche: "Solopreneur" });
    deepEqual([best!.url, best!.views, best!.author], [POST, 1_200_000, "ann"]);
    const creators = await tools.call<{ handle: string }[]>("top_creators", { niche: "solopreneur" });
    deepEqual(creators.map(({ handle }) => handle), ["ann"]);
    const again = await tools.call("research_niche", { niche: "solopreneur", platform: "tiktok" });
    deepEqual([again.saved, again.updated], [0, 2]);
  });

  await step(
    "a search that found nothing to load is the call's failure, with the service's reason",
    async () => {
      await using service = scriptedServer(() =>
        Response.json({ success: false, error: "Search failed to load" })
      );
      const tools = box({ MARKET_RESEARCH_URL: service.url });
      await rejects(
        tools.call("research_niche", { niche: "n", platform: "tiktok" }),
        /said Search failed to load/,
      );
    },
  );

  await step("a service that is not there is service_unavailable, not a failure", async () => {
    const tools = box({ MARKET_RESEARCH_URL: REFUSED });
    deepEqual(await tools.call("research_niche", { niche: "n", platform: "twitter" }), {
      error: "service_unavailable",
      service: "market research",
    });
    deepEqual(await tools.call("research_top_creators", { niche: "n", platform: "twitter" }), {
      error: "service_unavailable",
      service: "market research",
    });
  });

  await step("a 429 pauses its platform for an hour, and no other", async () => {
    await using service = scriptedServer(() => new Response("{}", { status: 429 }));
    const tools = box({ MARKET_RESEARCH_URL: service.url });
    const answer = await tools.call("research_niche", { niche: "n", platform: "twitter" });
    deepEqual([answer.error, answer.platform, answer.paused_minutes], ["rate_limited", "twitter", 60]);
    const pauses = await database.call<{ platform: string; until: string; paused_at: string }[]>(
      "actp_list_platform_pauses",
    );
    deepEqual(pauses.map(({ platform }) => platform), ["twitter"]);
    equal(Date.parse(pauses[0]!.until) - Date.parse(pauses[0]!.paused_at), 3_600_000);
  });

  await step("creators come from the service as it has them, cut to plain facts", async () => {
    await using service = scriptedServer(() =>
      Response.json({ creators: [{ handle: "ann", followers: 5, deep: { a: 1 }, bio: "x".repeat(500) }] })
    );
    const answer = await box({ MARKET_RESEARCH_URL: service.url }).call("research_top_creators", {
      niche: "n",
      platform: "instagram",
    });
    deepEqual(service.asked[0]!.body, { niche: "n", platform: "instagram", limit: 10 });
    const [creator] = answer.creators as Record<string, string>[];
    deepEqual(Object.keys(creator!), ["handle", "followers", "bio"]);
    equal(creator!.bio!.length, 200);
  });

  await step("research_in_browser enqueues a task, and collect_research saves its posts later", async () => {
    const started = await box().call("research_in_browser", {
      niche: "ai automation",
      platforms: ["youtube", "youtube"],
      wait_seconds: 0,
    });
    equal(started.status, "pending");
    const [task] = await claim(database, "w", "safari_research");
    deepEqual(task!.input_data, {
      research_type: "search",
      query: "ai automation",
      platforms: ["youtube"],
      max_items: 50,
    });
    const output = {
      items: [{
        platform: "youtube",
        url: "https://www.youtube.com/watch?v=aaaaaaaaaaa",
        author: "cas",
        counts: { views: 9 },
      }],
      errors: [{ platform: "youtube", reason: "consent", message: "a wall" }],
    };
    await settle(database, "w", task!, { outcome: "done", output });
    const found = await box().call("collect_research", {
      task_id: started.task_id,
      niche: "ai automation",
    });
    deepEqual([found.found, found.saved], [1, 1]);
    deepEqual(found.problems, [{ platform: "youtube", message: "a wall" }]);
    const state = await box().call("task_status", { task_id: started.task_id });
    equal(state.status, "succeeded");
  });

  await step(
    "comments are offered only for platforms that there is a way to, and never posted by proposing",
    async () => {
      ok(!box().names.includes("propose_comment"));
      await using service = scriptedServer(() => Response.json({ success: true, commentId: "c1" }));
      const tools = box({ SAFARI_TIKTOK_COMMENTS_URL: service.url, SAFARI_SERVICES_KEY: "secret" });
      const comment = { platform: "tiktok", post_url: POST, text: "What made you stay?", reason: "new post" };
      match(tools.problem("propose_comment", { ...comment, platform: "instagram" }), /platform/);
      match(
        tools.problem("propose_comment", { ...comment, post_url: "https://evil.example/x" }),
        /not on tiktok/,
      );
      match(tools.problem("propose_comment", { ...comment, text: "x".repeat(151) }), /150 characters/);
      const act = tools.propose("propose_comment", comment);
      deepEqual([act.kind, act.platform], ["comment", "tiktok"]);
      equal(act.preview.text, comment.text);
      equal(service.asked.length, 0);

      deepEqual(await tools.call("propose_comment", comment), {
        sent: true,
        answer: { success: true, commentId: "c1" },
      });
      equal(service.asked[0]!.path, "/api/tiktok/comments/post");
      equal(service.asked[0]!.headers.get("authorization"), "Bearer secret");
      deepEqual(service.asked[0]!.body, { postUrl: POST, text: comment.text });
      const { actions } = await tools.call<{ actions: Record<string, unknown>[] }>("engagement_statistics");
      deepEqual(actions.map(({ platform, action_type, count }) => [platform, action_type, count]), [[
        "tiktok",
        "comment",
        1,
      ]]);
    },
  );

  await step(
    "an approved comment that surely was not posted may be tried again or not, as the reason is",
    async () => {
      const comment = { platform: "twitter", post_url: "https://x.com/a/status/1", text: "t", reason: "r" };
      const failure = async (answer: Response | undefined) => {
        await using service = scriptedServer(() => answer!);
        const url = answer ? service.url : REFUSED;
        return await box({ SAFARI_TWITTER_COMMENTS_URL: url }).call("propose_comment", comment).catch((
          error,
        ) => error);
      };
      const told = (error: unknown) =>
        error instanceof TaskError ? [error.retry, error.uncertain] : "uncertain";
      deepEqual(told(await failure(undefined)), [true, false]);
      deepEqual(told(await failure(Response.json({ success: false, error: "no box" }))), [true, false]);
      deepEqual(told(await failure(new Response("{}", { status: 400 }))), [false, false]);
      deepEqual(told(await failure(new Response("{}", { status: 429 }))), [true, false]);
      equal(told(await failure(new Response("{}", { status: 500 }))), "uncertain");
      equal(told(await failure(new Response("<html>"))), "uncertain");
      equal(told(await failure(Response.json({ fine: 1 }))), "uncertain");
    },
  );

  await step("a reply names whom it answers, and may go out as a task of the owner's own type", async () => {
    const tools = box({ AGENT_COMMENT_TASK_TYPE: "my_comment" });
    const reply = {
      platform: "youtube",
      post_url: "https://youtu.be/aaaaaaaaaaa",
      text: "Thank you",
      reason: "a question",
    };
    match(tools.problem("propose_reply", reply), /to/);
    match(tools.propose("propose_reply", { ...reply, to: "@bob" }).summary, /to @bob/);
    const sent = await tools.call("propose_reply", { ...reply, to: "@bob" });
    equal(sent.sent, false);
    const task = await database.call<Record<string, unknown>>("actp_get_task", { p_task_id: sent.task_id });
    equal(task.task_type, "my_comment");
    deepEqual(task.input_data, {
      kind: "reply",
      platform: "youtube",
      post_url: reply.post_url,
      text: "Thank you",
      to: "bob",
    });
  });

  await step("own posts tell whether we have commented on them", async () => {
    const [script] = await saveScripts(context, [{
      niche: "n",
      platform: "tiktok",
      hook_text: "h",
      body: "b",
    }]);
    for (const [item, url] of [["1", POST], ["2", "https://www.tiktok.com/@us/video/7300000000000000009"]]) {
      const { id } = await database.call<{ id: string }>("actp_record_post", {
        p_post: { script_id: script!.id, platform: "tiktok", via: "mplite", external_id: item },
      });
      await database.call("actp_end_post", { p_id: id, p_status: "published", p_post_url: url });
    }
    const posts = await box().call<{ post_url: string; commented: boolean }[]>("own_posts");
    deepEqual(posts.map(({ commented }) => commented).sort(), [false, true]);
  });

  await step("engagement from elsewhere can be recorded", async () => {
    await box().call("record_engagement", {
      platform: "threads",
      action_type: "received_reply",
      result: "a question",
    });
    const { actions } = await box().call<{ actions: unknown[] }>("engagement_statistics", {
      platform: "threads",
    });
    equal(actions.length, 1);
    match(
      box().problem("record_engagement", { platform: "threads", action_type: "Drop Table" }),
      /lower case/,
    );
  });

  await step("follower counts are kept, and give a pace only where they are a day apart", async () => {
    const counts = [{ platform: "youtube", account: "@us", followers: 2810 }, {
      platform: "tiktok",
      followers: 7,
    }];
    deepEqual(await box().call("record_follower_counts", { counts }), { recorded: 2 });
    const latest = await box().call<{ platform: string; followers: number }[]>("follower_counts");
    deepEqual(latest.map(({ platform, followers }) => [platform, followers]), [["tiktok", 7], [
      "youtube",
      2810,
    ]]);
    const paces = await box().call<{ followers_per_day: number | null }[]>("follower_velocity");
    deepEqual(paces.map(({ followers_per_day }) => followers_per_day), [null, null]);
  });

  await step("service_health tells which services are up, without sending them a key", async () => {
    await using service = scriptedServer(() => Response.json({ status: "ok" }));
    const health = await box({
      MARKET_RESEARCH_URL: service.url,
      MARKET_RESEARCH_KEY: "k",
      SAFARI_LINKEDIN_URL: REFUSED,
      MPLITE_URL: service.url,
      MPLITE_KEY: "m",
    }).call<{ service: string; up: boolean }[]>("service_health");
    deepEqual(health.map(({ service, up }) => [service, up]), [
      ["market research", true],
      ["linkedin messages", false],
      ["MPLite", true],
    ]);
    deepEqual(service.asked.map(({ path }) => path).sort(), ["/api/health", "/health"]);
    ok(service.asked.every(({ headers }) => !headers.has("authorization")));
    ok(!box().names.includes("service_health"));
  });
});
