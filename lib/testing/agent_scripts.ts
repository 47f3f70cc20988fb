/** Scripts for tests of what the content agent does with them. */
import type { Toolbox } from "./agent_tools.ts";

/** Ten scripts, numbered from 0. */
export const SCRIPT_BATCH = Array.from(
  { length: 10 },
  (_, index) => ({ hook: `Hook ${index}`, body: `Body ${index}` }),
);

/** Ten drafts of one's own. */
export async function drafts(tools: Toolbox, niche: string): Promise<string[]> {
  const saved = await tools.call<{ scripts: { id: string }[] }>("save_scripts", {
    niche,
    platform: "tiktok",
    scripts: SCRIPT_BATCH,
  });
  return saved.scripts.map(({ id }) => id);
}

/** The same points in every dimension. */
export function rating(script_id: string, points: number) {
  return {
    script_id,
    hook: points,
    relevance: points,
    clarity: points,
    call_to_action: points,
    originality: points,
    platform_fit: points,
    compliance: points,
    reasons: points < 85 ? ["weak"] : [],
  };
}

/** A script that has passed. */
export async function passed(tools: Toolbox, niche: string): Promise<string> {
  const [id] = await drafts(tools, niche);
  await tools.call("rate_hooks", { ratings: [rating(id!, 90)] });
  return id!;
}
