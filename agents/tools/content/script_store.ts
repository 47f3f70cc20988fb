/** Scripts as the database keeps them. */
import type { ToolContext } from "../../../lib/agent/agent.ts";
import { clip } from "../fields.ts";

/** A script on its way. */
export interface Script {
  readonly id: string;
  readonly niche: string;
  readonly platform: string;
  readonly hook_text: string;
  readonly body: string;
  readonly status: ScriptStatus;
  readonly hook_score: number | null;
  readonly reasons: readonly string[];
  readonly regenerations: number;
  /** Where it is being rendered. */
  readonly render: Rendering | null;
  readonly video_url: string | null;
}

/** Where a script is rendered. */
export interface Rendering {
  readonly via: "task" | "genlite";
  readonly id: string;
  /** On the machine that rendered it, where the video has no address. */
  readonly file?: string;
}

/** draft → passed → rendering → rendered; or rejected. */
export type ScriptStatus = typeof SCRIPT_STATUSES[number];

/** What can become of a script. */
export const SCRIPT_STATUSES = ["draft", "passed", "rejected", "rendering", "rendered"] as const;

/** What may be changed besides the text; a render of null forgets it. */
export type ScriptChanges = Partial<Pick<Script, "status" | "render" | "video_url">>;

/** A script that has just been written. */
export interface NewScript {
  readonly niche: string;
  readonly platform: string;
  readonly hook_text: string;
  readonly body: string;
  readonly source?: string;
}

/** Saves the batch; answers in its order. */
export function saveScripts(
  { database, runId }: ToolContext,
  scripts: readonly NewScript[],
): Promise<{ id: string; hook_text: string }[]> {
  return database.call("actp_save_scripts", {
    p_scripts: scripts.map((script) => ({ ...script, agent_run_id: runId })),
  });
}

/** The scripts in the order of the ids. @throws Error naming those that there are not */
export async function getScripts({ database }: ToolContext, ids: readonly string[]): Promise<Script[]> {
  const found = await database.call<Script[]>("actp_get_scripts", { p_ids: ids });
  const byId = new Map(found.map((script) => [script.id, script]));
  const missing = ids.filter((id) => !byId.has(id));
  if (missing.length > 0) throw new Error(`There is no script ${clip(missing.join(", "), 200)}`);
  return ids.map((id) => byId.get(id)!);
}

/** One script. @throws Error where there is none */
export async function getScript(context: ToolContext, id: string): Promise<Script> {
  const [script] = await getScripts(context, [id]);
  return script!;
}

/** Changes it if it is in one of these states; undefined where it is not (any more). */
export async function changeScript(
  { database }: ToolContext,
  id: string,
  from: readonly ScriptStatus[],
  changes: ScriptChanges,
): Promise<Script | undefined> {
  const changed = await database.call<Script | null>("actp_change_script", {
    p_id: id,
    p_from: from,
    p_changes: changes,
  });
  return changed ?? undefined;
}
