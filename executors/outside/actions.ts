/** All heartbeat actions: those that come with the worker, and the owner's own. */
import { BUILT_IN_ACTIONS } from "../../lib/schedule/actions/builtin.ts";
import type { LoadedActions } from "../../lib/schedule/actions/loaded.ts";
import { outsideActions } from "./action_loader.ts";

/** Never throws: a broken action is left out and told. */
export async function allActions(settings: { readonly actionsDir: string }): Promise<LoadedActions> {
  const own = await outsideActions(settings, BUILT_IN_ACTIONS.map(({ name }) => name));
  return { actions: [...BUILT_IN_ACTIONS, ...own.actions], problems: own.problems };
}
