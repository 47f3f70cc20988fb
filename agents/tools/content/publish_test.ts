import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { claim, type Report, settle } from "../../../lib/database/contract/case.ts";
import type { Database } from "../../../lib/database/database.ts";
import { TaskError } from "../../../lib/task/task.ts";
import { passed } from "../../../lib/testing/agent_scripts.ts";
import { embeddedDatabase } from "../../../lib/testing/embedded_database.ts";
import { testServices, toolbox, toolContext } from "../../../lib/testing/agent_tools.ts";
import { startMplite } from "../../../lib/testing/lite_queue_server.ts";
import { scriptedServer } from "../../../lib/testing/scripted_server.ts";
import { contentAgent } from "../../content_creation.ts";

/** Does the oldest task of the type; returns it as it was claimed. */
async function settleTask(database: Database, type: string, report: Report) {
  const [task] = await claim(database, "w", type);
  await settle(database, "w", task!, report);
  return task!;
}

Deno.test("publishing videos, and what becomes of them", async (test) => {
  await using opened = await embeddedDatabase();
  const { database } = opened;
  const box = (settings: Record<string, string> = {}) =>
    toolbox(contentAgent.tools(testServices(settings)), toolContext(database));
  const step = (name: string, fn: () => Promise<void>) => test.step({ name, fn });

  await step(
    "a post is proposed with its caption and video, and queued at MPLite when approved",
    async () => {
      await using mplite = scriptedServer(({ method }) =>
        method === "POST"
          ? Response.json({ data: { item: { id: "q1", status: "queued" } } })
          : Response.json({
            data: {
              item: {
                id: "q1",
                status: "published",
                platform_url: "https://www.tiktok.com/@us/video/1",
                published_at: "2026-03-14T10:00:00Z",
              },
            },
          })
      );
      const tools = box({ MPLITE_URL: mplite.url, MPLITE_KEY: "m", MPLITE_AUTH: "x-api-key" });
      const id = await passed(tools, "post");
      const post = {
        script_id: id,
        platform: "tiktok",
        account_id: "a1",
        video_url: "https://cdn.example/p.mp4",
        caption: "See this",
        hashtags: ["one"],
      };
      const refused = await tools.call("queue_post", post).catch((error) => error);
      ok(refused instanceof TaskError && !refused.retry, String(refused));
      match(refused.message, /it is passed \(only what has passed the gate/);
      await database.call("actp_change_script", {
        p_id: id,
        p_from: ["passed"],
        p_changes: { status: "rendered", video_url: post.video_url },
      });
      const swapped = await tools.call("queue_post", { ...post, video_url: "https://cdn.example/other.mp4" })
        .catch((error) => error);
      match(swapped.message, /video_url is not its video/);
      equal(mplite.asked.length, 0);

      const act = tools.propose("queue_post", post);
      deepEqual([act.kind, act.platform, act.account, act.preview.caption], [
        "post",
        "tiktok",
        "a1",
        "See this",
      ]);
      equal((await tools.call("queue_post", post)).item_id, "q1");
      const [sent] = mplite.asked;
      deepEqual([sent!.path, sent!.headers.get("x-api-key")], ["/api/queue", "m"]);
      deepEqual((sent!.body as { priority: number }).priority, 5);
      equal((sent!.body as { script_id?: string }).script_id, undefined);

      const { posts } = await tools.call<{ posts: Record<string, unknown>[] }>("publish_status");
      equal(mplite.asked[1]!.path, "/api/queue/q1");
      deepEqual([posts[0]!.status, posts[0]!.post_url], ["published", "https://www.tiktok.com/@us/video/1"]);
      equal(Date.parse(String(posts[0]!.published_at)), Date.parse("2026-03-14T10:00:00Z"));
    },
  );

  await step("what MPLite says of failed and vanished items ends the post", async () => {
    await using mplite = startMplite({ authorization: "Bearer m" });
    const tools = box({ MPLITE_URL: mplite.url, MPLITE_KEY: "m" });
    const id = await passed(tools, "ends");
    for (const external of [mplite.add({ status: "failed", error_message: "too long" }), "gone"]) {
      await database.call("actp_record_post", {
        p_post: { script_id: id, platform: "youtube", via: "mplite", external_id: external },
      });
    }
    const { posts } = await tools.call<{ posts: { status: string; error: string; platform: string }[] }>(
      "publish_status",
    );
    const errors = posts.filter(({ platform }) => platform === "youtube").map(({ error }) => error).sort();
    deepEqual(errors, ["MPLite knows no such item", "too long"]);
  });

  await step("an upload is a task that asks a person itself", async () => {
    const tools = box();
    const id = await passed(tools, "upload");
    const upload = { script_id: id, platform: "instagram", caption: "c" };
    await rejects(tools.call("upload_video", upload), /only a rendered one is uploaded/);
    await database.call("actp_change_script", {
      p_id: id,
      p_from: ["passed"],
      p_changes: { status: "rendered", render: { via: "task", id: "t", file: "/files/v.mp4" } },
    });
    await tools.call("upload_video", upload);
    const task = await settleTask(database, "safari_upload", {
      outcome: "done",
      output: { post_url: "https://www.instagram.com/p/abc/" },
    });
    deepEqual(task.input_data, {
      platform: "instagram",
      caption: "c",
      hashtags: [],
      file: "/files/v.mp4",
      approval: "required",
    });
    const { posts } = await tools.call<{ posts: { post_url: string }[] }>("publish_status");
    ok(posts.some(({ post_url }) => post_url === "https://www.instagram.com/p/abc/"));
  });

  await step("views are recorded with their class, and counted", async () => {
    const posts = [100_001, 10_001, 50].map((views_24h, index) => ({
      post_url: `https://x.com/us/status/${index}`,
      platform: "twitter",
      niche: "solo",
      views_24h,
    }));
    const recorded = await box().call<{ classification: string }[]>("record_post_views", { posts });
    deepEqual(recorded.map(({ classification }) => classification), ["viral", "strong", "flop"]);
    const counted = await box().call("classify_posts", { platform: "twitter" });
    deepEqual(counted.by_classification, { viral: 1, strong: 1, flop: 1 });
    equal(counted.average_views, 36_684);
    const [niche] = await box().call<{ niche: string; own_average_views_24h: number }[]>("top_niches");
    deepEqual([niche!.niche, niche!.own_average_views_24h], ["solo", 36_684]);
  });

  await step("a template is kept once, with its best figures", async () => {
    const template = { hook_text: "Stop doing this", niche: "solo", platform: "tiktok", hook_score: 90 };
    equal((await box().call("save_viral_template", template)).created, true);
    const again = { ...template, hook_text: "stop DOING this", hook_score: 88, views_24h: 120_000 };
    equal((await box().call("save_viral_template", again)).created, false);
    const [kept, ...others] = await box().call<Record<string, unknown>[]>("viral_templates", {
      niche: "Solo",
    });
    deepEqual([kept!.hook_score, kept!.views_24hr, others.length], [90, 120_000, 0]);
  });

  await step("the daily volume stands beside its goal, today first", async () => {
    const volume = await box({ DAILY_VIDEO_GOAL: "10" }).call<
      { daily_goal: number; days: { day: string }[] }
    >(
      "daily_volume",
      { days: 2 },
    );
    equal(volume.daily_goal, 10);
    deepEqual(volume.days.map(({ day }) => day).toSorted().reverse(), volume.days.map(({ day }) => day));
    equal(volume.days.length, 2);
  });

  await step("blueprints come from ResearchLite where it is configured", async () => {
    await using research = scriptedServer(() => Response.json({ blueprints: [{ hook_type: "question" }] }));
    const tools = box({ RESEARCHLITE_URL: research.url, RESEARCHLITE_BLUEPRINTS_PATH: "/api/own" });
    deepEqual(await tools.call("niche_blueprints", { niche: "a b" }), [{ hook_type: "question" }]);
    equal(research.asked[0]!.path, "/api/own?niche=a+b&limit=5");
    ok(!box().names.includes("niche_blueprints"));
  });
});
