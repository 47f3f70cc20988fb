import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { claim, type Report, settle } from "../../../lib/database/contract/case.ts";
import type { Database } from "../../../lib/database/database.ts";
import { TaskError } from "../../../lib/task/task.ts";
import { drafts, passed } from "../../../lib/testing/agent_scripts.ts";
import { embeddedDatabase } from "../../../lib/testing/embedded_database.ts";
import { refusingUrl, testServices, toolbox, toolContext } from "../../../lib/testing/agent_tools.ts";
import { startGenlite } from "../../../lib/testing/lite_queue_server.ts";
import { scriptedServer } from "../../../lib/testing/scripted_server.ts";
import { contentAgent } from "../../content_creation.ts";

/** Does the oldest task of the type; returns it as it was claimed. */
async function settleTask(database: Database, type: string, report: Report) {
  const [task] = await claim(database, "w", type);
  await settle(database, "w", task!, report);
  return task!;
}

Deno.test("rendering scripts", async (test) => {
  await using opened = await embeddedDatabase();
  const { database } = opened;
  const box = (settings: Record<string, string> = {}) =>
    toolbox(contentAgent.tools(testServices(settings)), toolContext(database));
  const step = (name: string, fn: () => Promise<void>) => test.step({ name, fn });

  await step("only a script that has passed is rendered, and only once", async () => {
    const tools = box();
    const [draft] = await drafts(tools, "render");
    await rejects(
      tools.call("start_render", { script_id: draft }),
      /is draft: only one that has passed the gate/,
    );
    const id = await passed(tools, "render");
    const started = await tools.call("start_render", {
      script_id: id,
      composition: "Short",
      props: { color: "red" },
    });
    deepEqual([started.status, started.via], ["rendering", "task"]);
    await rejects(tools.call("start_render", { script_id: id }), /is rendering/);
    equal((await tools.call("render_status", { script_id: id })).render_status, "pending");

    const task = await settleTask(database, "remotion_render", {
      outcome: "done",
      output: { video_url: "https://cdn.example/v.mp4" },
    });
    deepEqual(task.input_data, {
      composition: "Short",
      props: {
        hook: "Hook 0",
        script: "Body 0",
        niche: "render",
        color: "red",
        duration_seconds: 15,
        aspect_ratio: "9:16",
      },
      platform: "tiktok",
    });
    deepEqual(await tools.call("render_status", { script_id: id }), {
      script_id: id,
      status: "rendered",
      video_url: "https://cdn.example/v.mp4",
    });
  });

  await step("a render that failed gives the script back, to be rendered again", async () => {
    const tools = box();
    const id = await passed(tools, "failing");
    await tools.call("start_render", { script_id: id });
    await settleTask(database, "remotion_render", {
      outcome: "failed",
      retry: false,
      error: "no such composition",
    });
    const told = await tools.call("render_status", { script_id: id });
    deepEqual([told.status, told.render_failed], ["passed", "no such composition"]);
    equal((await tools.call("start_render", { script_id: id })).status, "rendering");
  });

  await step("GenLite renders where it is configured, and takes the script's brief", async () => {
    await using genlite = scriptedServer(({ method }) =>
      method === "POST"
        ? Response.json({ data: { job: { id: 7, status: "pending" } } }, { status: 201 })
        : Response.json({ data: { id: 7, status: "completed", output_url: "https://cdn.example/7.mp4" } })
    );
    const tools = box({ GENLITE_URL: genlite.url, GENLITE_KEY: "g" });
    const id = await passed(tools, "genlite");
    const started = await tools.call("start_render", { script_id: id });
    deepEqual([started.via, started.id], ["genlite", "7"]);
    const order = genlite.asked[0]!;
    deepEqual([order.method, order.path, order.headers.get("authorization")], [
      "POST",
      "/api/jobs",
      "Bearer g",
    ]);
    const body = order.body as { model: string; executor: string; brief: { script_id: string } };
    deepEqual([body.model, body.executor, body.brief.script_id], ["remotion", "local", id]);
    equal((await tools.call("render_status", { script_id: id })).video_url, "https://cdn.example/7.mp4");
    equal(genlite.asked[1]!.path, "/api/jobs/7");
  });

  await step("GenLite that is not there leaves the script at passed", async () => {
    const tools = box({ GENLITE_URL: refusingUrl(), GENLITE_KEY: "g" });
    const id = await passed(tools, "down");
    equal((await tools.call("start_render", { script_id: id })).error, "service_unavailable");
    equal((await tools.call("render_status", { script_id: id })).status, "passed");
  });

  await step("GenLite's job that is unknown there or still under way is told as such", async () => {
    await using genlite = startGenlite({ authorization: "Bearer g" });
    const tools = box({ GENLITE_URL: genlite.url, GENLITE_KEY: "g" });
    const id = await passed(tools, "jobs");
    await database.call("actp_change_script", {
      p_id: id,
      p_from: ["passed"],
      p_changes: {
        status: "rendering",
        render: { via: "genlite", id: genlite.add({ status: "generating" }) },
      },
    });
    equal((await tools.call("render_status", { script_id: id })).render_status, "generating");
    genlite.items.clear();
    match(
      String((await tools.call("render_status", { script_id: id })).render_failed),
      /knows no such job/,
    );
  });

  await step("a paid model is only proposed, and refused for what has not passed", async () => {
    await using genlite = scriptedServer(() => Response.json({ id: "s1", status: "pending" }));
    const tools = box({ GENLITE_URL: genlite.url, GENLITE_KEY: "g" });
    ok(!box().names.includes("generate_video"));
    const order = { script_id: await passed(tools, "paid"), model: "sora", prompt: "a desk" };
    const act = tools.propose("generate_video", order);
    deepEqual([act.kind, act.preview.model], ["spend", "sora"]);
    equal(genlite.asked.length, 0);
    await tools.call("generate_video", order);
    equal((genlite.asked[0]!.body as { executor: string }).executor, "cloud");
    const again = await tools.call("generate_video", order).catch((error) => error);
    ok(again instanceof TaskError && !again.retry && !again.uncertain, String(again));
    equal(genlite.asked.length, 1);
  });
});
