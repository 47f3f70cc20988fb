/** What to make scripts about. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { answering } from "../answering.ts";
import { days, limit, niche, platform } from "../fields.ts";
import { askService, type Service } from "../service.ts";
import { researchlite } from "../settings.ts";
import { boundedOutput } from "../tasks.ts";

/** `top_niches`, and `niche_blueprints` where ResearchLite is configured. */
export function nicheTools(services: AgentServices): AgentTool[] {
  const service = researchlite(services);
  const path = services.setting("RESEARCHLITE_BLUEPRINTS_PATH") ?? "/api/blueprints";
  return [topNiches(), ...service ? [nicheBlueprints(service, path)] : []];
}

function topNiches(): AgentTool {
  return defineTool({
    name: "top_niches",
    description:
      "Ranks the niches by the views of an average post: those that research has saved, and our own.",
    input: z.strictObject({ platform: platform.optional(), days: days(30), limit: limit(50, 10) }),
    run: ({ platform, days, limit }, { database }) =>
      database.call("actp_top_niches", { p_days: days, p_platform: platform ?? null, p_limit: limit }),
  });
}

function nicheBlueprints(service: Service, path: string): AgentTool {
  return defineTool({
    name: "niche_blueprints",
    description: "Fetches the blueprints that ResearchLite has drawn from what works in a niche.",
    input: z.strictObject({ niche, limit: limit(20, 5) }),
    run: answering(async ({ niche, limit }, { signal }) => {
      const query = new URLSearchParams({ niche, limit: `${limit}` });
      const { body } = await askService(service, {
        method: "GET",
        path: `${path}?${query}`,
        purpose: "fetch blueprints",
        signal,
      });
      const list = Array.isArray(body) ? body : blueprintsIn(body);
      return boundedOutput(list.slice(0, limit));
    }),
  });
}

function blueprintsIn(body: unknown): unknown[] {
  const wrapped = z.object({ data: z.array(z.unknown()) }).or(z.object({ blueprints: z.array(z.unknown()) }));
  const read = wrapped.safeParse(body);
  if (!read.success) throw new Error("Cannot fetch blueprints: ResearchLite answered without a list");
  return "data" in read.data ? read.data.data : read.data.blueprints;
}
