import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { drafts, rating, SCRIPT_BATCH } from "../../../lib/testing/agent_scripts.ts";
import { embeddedDatabase } from "../../../lib/testing/embedded_database.ts";
import { testServices, toolbox, toolContext } from "../../../lib/testing/agent_tools.ts";
import { scriptedServer } from "../../../lib/testing/scripted_server.ts";
import { contentAgent } from "../../content_creation.ts";

interface Scored {
  readonly passed: number;
  readonly scripts: {
    script_id: string;
    score: number;
    status: string;
    regenerations_left: number;
    reasons?: string[];
  }[];
}

Deno.test("scripts and their gate", async (test) => {
  await using opened = await embeddedDatabase();
  const { database } = opened;
  const box = (settings: Record<string, string> = {}) =>
    toolbox(contentAgent.tools(testServices(settings)), toolContext(database));
  const step = (name: string, fn: () => Promise<void>) => test.step({ name, fn });

  await step("scripts are generated in one call, of at least ten", async () => {
    await using contentlite = scriptedServer(() =>
      Response.json({
        data: { variants: SCRIPT_BATCH.map(({ hook, body }) => ({ hook, video_script: body })) },
      })
    );
    const tools = box({ CONTENTLITE_URL: contentlite.url, CONTENTLITE_KEY: "c" });
    match(tools.problem("generate_scripts", { niche: "n", platform: "tiktok", count: 9 }), /count/);
    const made = await tools.call<{ saved: number; scripts: { hook_text: string }[] }>("generate_scripts", {
      niche: "generated",
      platform: "tiktok",
    });
    equal(made.saved, 10);
    equal(made.scripts[3]!.hook_text, "Hook 3");
    equal(contentlite.asked.length, 1);
    equal(contentlite.asked[0]!.path, "/api/generate/from-blueprint");
    equal((contentlite.asked[0]!.body as { count: number }).count, 10);
    equal(contentlite.asked[0]!.headers.get("authorization"), "Bearer c");
  });

  await step("own scripts are saved in batches of at least ten", async () => {
    const short = { niche: "n", platform: "tiktok", scripts: SCRIPT_BATCH.slice(1) };
    match(box().problem("save_scripts", short), /scripts/);
    equal((await drafts(box(), "own")).length, 10);
    const listed = await box().call<unknown[]>("list_scripts", { status: ["draft"], niche: "own" });
    equal(listed.length, 10);
  });

  await step("HookLite's scores decide: 85 pass, 84 may be written anew, and both are counted", async () => {
    await using hooklite = scriptedServer(({ body }) => {
      const { hook } = body as { hook: string };
      return Response.json(
        hook === "Hook 0" ? { score: 85 } : { score: 84, rejection_reasons: ["no tension"] },
      );
    });
    const tools = box({ HOOKLITE_URL: hooklite.url });
    ok(!tools.names.includes("rate_hooks"));
    const ids = await drafts(tools, "scored");
    const scored = await tools.call<Scored>("score_hooks", { script_ids: ids });
    equal(hooklite.asked.length, 10);
    equal(hooklite.asked[0]!.path, "/api/review");
    equal(scored.passed, 1);
    deepEqual(scored.scripts.map(({ status }) => status), ["passed", ...Array(9).fill("draft")]);
    deepEqual(scored.scripts[1]!.reasons, ["no tension"]);
    equal(scored.scripts[1]!.regenerations_left, 3);
    await rejects(
      tools.call("score_hooks", { script_ids: [ids[0]] }),
      /Only drafts are scored: .* is passed/,
    );
    const gate = await tools.call("gate_pass_rate");
    equal(gate.pass_rate, 0.1);
  });

  await step("a scorer that breaks off in the middle keeps what it has scored", async () => {
    await using hooklite = scriptedServer((_asked, nth) =>
      nth <= 5 ? Response.json({ score: 20 }) : new Response("{}", { status: 500 })
    );
    const tools = box({ HOOKLITE_URL: hooklite.url });
    const ids = await drafts(tools, "broken");
    await rejects(tools.call("score_hooks", { script_ids: ids }), /HookLite answered 500/);
    const listed = await tools.call<{ hook_score: number | null }[]>("list_scripts", {
      niche: "broken",
      limit: 20,
    });
    equal(listed.filter(({ hook_score }) => hook_score === 20).length, 5);
  });

  await step(
    "a script is written anew three times at most, each time after a score, and then rejected",
    async () => {
      const tools = box();
      const [id] = await drafts(tools, "anew");
      await rejects(tools.call("regenerate_script", { script_id: id, hook: "x" }), /has not been scored yet/);
      for (let time = 1; time <= 3; time++) {
        const scored = await tools.call<Scored>("rate_hooks", { ratings: [rating(id!, 60)] });
        equal(scored.scripts[0]!.status, "draft");
        const anew = await tools.call("regenerate_script", { script_id: id, hook: `Better ${time}` });
        equal(anew.regeneration, time);
      }
      const last = await tools.call<Scored>("rate_hooks", { ratings: [rating(id!, 84)] });
      equal(last.scripts[0]!.status, "rejected");
      await rejects(tools.call("regenerate_script", { script_id: id, hook: "x" }), /is rejected/);
      await rejects(
        tools.call("regenerate_script", { script_id: crypto.randomUUID(), hook: "x" }),
        /There is no script/,
      );
    },
  );
});
