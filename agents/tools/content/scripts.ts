/** Writing scripts: a whole batch at once, and anew where the gate turned one down. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { answering } from "../answering.ts";
import { id, limit, line, niche, platform, text } from "../fields.ts";
import { askService, type Service } from "../service.ts";
import { contentlite } from "../settings.ts";
import { MAX_BATCH, MAX_REGENERATIONS, MIN_BATCH } from "./hook_gate.ts";
import { readScripts } from "./script_answer.ts";
import { getScript, saveScripts, SCRIPT_STATUSES } from "./script_store.ts";

/** Writing takes a model its time. */
const GENERATE_TIMEOUT_MS = 120_000;

const hook = line(300).describe("the first sentence: what makes a person stay");
const body = text(10_000).describe("what is said and shown after the hook");

/** The tools that write and list scripts; `generate_scripts` where ContentLite is configured. */
export function scriptTools(services: AgentServices): AgentTool[] {
  const service = contentlite(services);
  const path = services.setting("CONTENTLITE_GENERATE_PATH") ?? "/api/generate/from-blueprint";
  return [...service ? [generateScripts(service, path)] : [], saveBatch(), regenerateScript(), listScripts()];
}

function generateScripts(service: Service, path: string): AgentTool {
  return defineTool({
    name: "generate_scripts",
    description:
      `Has ContentLite write a batch of at least ${MIN_BATCH} scripts in one call and saves them as drafts. ` +
      "Returns their ids and hooks.",
    input: z.strictObject({
      niche,
      platform,
      count: z.int().min(MIN_BATCH).max(MAX_BATCH).default(MIN_BATCH),
      blueprint: text(4_000).optional().describe(
        "what the scripts should follow, e.g. from niche_blueprints",
      ),
    }),
    run: answering(async ({ niche, platform, count, blueprint }, context) => {
      const { body } = await askService(service, {
        method: "POST",
        path,
        body: { niche, topic: niche, platform, count, ...blueprint && { blueprint } },
        purpose: "generate scripts",
        signal: context.signal,
        timeoutMs: GENERATE_TIMEOUT_MS,
      });
      const scripts = readScripts(body).slice(0, count);
      if (scripts.length === 0) {
        throw new Error("Cannot generate scripts: ContentLite answered without any script");
      }
      const saved = await saveScripts(
        context,
        scripts.map(({ hook, body }) => ({ niche, platform, hook_text: hook, body, source: "contentlite" })),
      );
      return { asked_for: count, saved: saved.length, scripts: saved };
    }),
  });
}

function saveBatch(): AgentTool {
  return defineTool({
    name: "save_scripts",
    description:
      `Saves scripts that you have written yourself as drafts, at least ${MIN_BATCH} in one call. ` +
      "Returns their ids and hooks.",
    input: z.strictObject({
      niche,
      platform,
      scripts: z.array(z.strictObject({ hook, body })).min(MIN_BATCH).max(MAX_BATCH),
    }),
    async run({ niche, platform, scripts }, context) {
      const batch = scripts.map(({ hook, body }) => ({ niche, platform, hook_text: hook, body }));
      const saved = await saveScripts(context, batch);
      return { saved: saved.length, scripts: saved };
    },
  });
}

function regenerateScript(): AgentTool {
  return defineTool({
    name: "regenerate_script",
    description:
      `Replaces the text of a draft that the gate turned down by a better one that you have written, ` +
      `at most ${MAX_REGENERATIONS} times for each script. Heed the reasons it was turned down for; ` +
      "then have it scored again.",
    input: z.strictObject({ script_id: id, hook, body: body.optional() }),
    async run({ script_id, hook, body }, context) {
      const rewritten = await context.database.call<{ regenerations: number } | null>("actp_rewrite_script", {
        p_id: script_id,
        p_hook_text: hook,
        p_body: body ?? null,
        p_most: MAX_REGENERATIONS,
      });
      if (rewritten) {
        return { script_id, regeneration: rewritten.regenerations, of_at_most: MAX_REGENERATIONS };
      }
      const script = await getScript(context, script_id);
      throw new Error(
        script.status !== "draft"
          ? `Script ${script_id} is ${script.status}: only drafts are written anew`
          : script.hook_score === null
          ? `Script ${script_id} has not been scored yet: score it first`
          : `Script ${script_id} has been written anew ${script.regenerations} times: give it up`,
      );
    },
  });
}

function listScripts(): AgentTool {
  return defineTool({
    name: "list_scripts",
    description:
      "Lists scripts by what has become of them, the last changed first: draft (to be scored or written " +
      "anew), passed (may be rendered), rejected, rendering, rendered (may be published).",
    input: z.strictObject({
      status: z.array(z.enum(SCRIPT_STATUSES)).min(1).max(SCRIPT_STATUSES.length).optional(),
      niche: niche.optional(),
      limit: limit(50, 20),
    }),
    run: ({ status, niche, limit }, { database }) =>
      database.call("actp_list_scripts", {
        p_status: status ?? null,
        p_niche: niche ?? null,
        p_limit: limit,
      }),
  });
}
