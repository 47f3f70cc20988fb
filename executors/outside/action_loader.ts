/** Finds the owner's own heartbeat actions in their folder. Whatever is wrong with one is reported, and the others work. */
import type { HeartbeatAction } from "../../lib/schedule/actions/action.ts";
import type { LoadedActions } from "../../lib/schedule/actions/loaded.ts";
import { readActionManifest } from "./action_manifest.ts";
import { loadActionModule } from "./action_module.ts";
import { programAction } from "./action_program.ts";
import { loadOwn } from "./folder.ts";

/** Loads all of them; `reserved` are names that they must not take. Never throws. */
export async function outsideActions(
  { actionsDir }: { readonly actionsDir: string },
  reserved: readonly string[],
): Promise<LoadedActions> {
  const { found, problems } = await loadOwn<HeartbeatAction>(actionsDir, {
    noun: "action",
    manifest: "action.json",
    key: "name",
    keyOf: ({ name }) => name,
    loadModule: (file) => loadActionModule(file),
    loadProgram: async (folder) => programAction(await readActionManifest(folder)),
  }, new Map(reserved.map((name) => [name, "the worker itself"])));
  return { actions: found, problems };
}
