/** Scoring hooks: by HookLite, or by the rubric where there is none. Nothing below the pass mark is published. */
import { z } from "zod";
import {
  type AgentServices,
  type AgentTool,
  defineTool,
  type ToolContext,
} from "../../../lib/agent/agent.ts";
import { answering } from "../answering.ts";
import { id, line } from "../fields.ts";
import { askService, type Service } from "../service.ts";
import { hooklite } from "../settings.ts";
import {
  type Dimension,
  gateDecision,
  MAX_BATCH,
  MAX_REGENERATIONS,
  PASS_SCORE,
  RUBRIC,
  rubricScore,
} from "./hook_gate.ts";
import { readScore } from "./script_answer.ts";
import { getScripts, type Script } from "./script_store.ts";

/** So many reviews at once: a batch takes seconds and the service is not flooded. */
const PARALLEL = 5;

/** A script and what its hook is worth. */
interface Verdict {
  readonly script: Script;
  readonly score: number;
  readonly reasons: readonly string[];
}

const RULE =
  `A script passes with ${PASS_SCORE} points or more of 100; otherwise it may be written anew up to ` +
  `${MAX_REGENERATIONS} times.`;

/** `score_hooks` where HookLite is configured, else `rate_hooks`. */
export function scoringTools(services: AgentServices): AgentTool[] {
  const service = hooklite(services);
  return [
    service ? scoreHooks(service, services.setting("HOOKLITE_REVIEW_PATH") ?? "/api/review") : rateHooks(),
  ];
}

function scoreHooks(service: Service, path: string): AgentTool {
  return defineTool({
    name: "score_hooks",
    description:
      `Has HookLite score drafts, a whole batch in one call. ${RULE} Returns score, status and reasons ` +
      "of each.",
    input: z.strictObject({ script_ids: z.array(id).min(1).max(MAX_BATCH) }),
    run: answering(async ({ script_ids }, context) => {
      const drafts = await draftsOf(context, script_ids);
      const verdicts: Verdict[] = [];
      try {
        for (let at = 0; at < drafts.length; at += PARALLEL) {
          verdicts.push(
            ...await Promise.all(
              drafts.slice(at, at + PARALLEL).map((script) => review(service, path, script, context.signal)),
            ),
          );
        }
      } catch (error) {
        // What has been scored and paid for is kept.
        if (verdicts.length > 0) await record(context, verdicts);
        throw error;
      }
      return await record(context, verdicts);
    }),
  });
}

async function review(
  service: Service,
  path: string,
  script: Script,
  signal: AbortSignal,
): Promise<Verdict> {
  const { hook_text: hook, body: text, platform, niche } = script;
  const { body } = await askService(service, {
    method: "POST",
    path,
    body: { content: `${hook}\n\n${text}`, hook, platform, niche },
    purpose: "score a hook",
    signal,
    timeoutMs: 60_000,
  });
  const read = readScore(body);
  if (!read) throw new Error("Cannot score a hook: HookLite answered without a score of 0 to 100");
  return { script, ...read };
}

function rateHooks(): AgentTool {
  const rating = z.int().min(0).max(100);
  const ratings = Object.fromEntries(Object.keys(RUBRIC).map((name) => [name, rating])) as Record<
    Dimension,
    typeof rating
  >;
  return defineTool({
    name: "rate_hooks",
    description:
      "Records your own honest rating of drafts, each dimension 0 to 100, a whole batch in one call; the score is " +
      `their weighted mean. ${RULE} Rate as a stern stranger would: most hooks do not deserve to pass, and a person ` +
      "sees every post before it goes out.",
    input: z.strictObject({
      ratings: z.array(z.strictObject({
        script_id: id,
        ...ratings,
        reasons: z.array(line(300)).max(5).describe("what is wrong with it"),
      })).min(1).max(MAX_BATCH),
    }),
    async run({ ratings }, context) {
      const drafts = await draftsOf(context, ratings.map(({ script_id }) => script_id));
      const byId = new Map(ratings.map((one) => [one.script_id, one]));
      return await record(
        context,
        drafts.map((script) => {
          const rated = byId.get(script.id)!;
          return { script, score: rubricScore(rated), reasons: rated.reasons };
        }),
      );
    },
  });
}

/** @throws Error naming those that are no drafts: nothing is scored then */
async function draftsOf(context: ToolContext, ids: readonly string[]): Promise<Script[]> {
  const scripts = await getScripts(context, [...new Set(ids)]);
  const others = scripts.filter(({ status }) => status !== "draft");
  if (others.length > 0) {
    const named = others.slice(0, 5).map(({ id, status }) => `${id} is ${status}`).join(", ");
    throw new Error(`Only drafts are scored: ${named}`);
  }
  return scripts;
}

async function record(context: ToolContext, verdicts: readonly Verdict[]): Promise<unknown> {
  const results = verdicts.map(({ script, score, reasons }) => ({
    script_id: script.id,
    attempt: script.regenerations,
    score,
    reasons,
    ...gateDecision(score, script.regenerations),
  }));
  const kept = new Set(await context.database.call<string[]>("actp_record_gate", { p_results: results }));
  return {
    pass_score: PASS_SCORE,
    passed: results.filter(({ script_id, passed }) => passed && kept.has(script_id)).length,
    scripts: results.map(({ script_id, score, status, attempt, reasons }) => ({
      script_id,
      score,
      status: kept.has(script_id) ? status : "changed meanwhile: score it again",
      regenerations_left: status === "draft" ? MAX_REGENERATIONS - attempt : 0,
      ...status !== "passed" && { reasons },
    })),
  };
}
