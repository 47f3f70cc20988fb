/** The heartbeat actions that a program has, and those that it could not have. */
import type { HeartbeatAction } from "./action.ts";

/** What came of looking for actions: a broken one never keeps the others from working. */
export interface LoadedActions {
  readonly actions: readonly HeartbeatAction[];
  /** `file`: absolute path; `reason`: one line, what is wrong and what to do. */
  readonly problems: readonly { readonly file: string; readonly reason: string }[];
}
