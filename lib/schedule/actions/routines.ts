/** The routines of the heartbeat actions, from the actions that there are and what config.json says of them. Pure. */
import type { HeartbeatSettings } from "../../config/notify_rules.ts";
import { type Routine, ROUTINE_DEFAULTS } from "../routine.ts";
import type { HeartbeatAction } from "./action.ts";

const TIMEOUT_SECONDS = 300;
/** They look at what is there now: a late run serves as well as the missed one, but not much later. */
const MISSED_WINDOW_SECONDS = 3600;

/**
 * One routine for each action, called `heartbeat.<action>`; with `heartbeat.enabled: false` they are all off. `unknown`:
 * the actions that are configured and that there are not.
 */
export function heartbeatRoutines(
  settings: HeartbeatSettings,
  actions: readonly Pick<HeartbeatAction, "name" | "description" | "defaultCron">[],
): { routines: Routine[]; unknown: string[] } {
  const routines = actions.map(({ name, description, defaultCron }): Routine => {
    const own = settings.actions.find((action) => action.name === name);
    const { schedule = defaultCron, timeZone, activeHours, config = {}, enabled = true } = own ?? {};
    return {
      ...ROUTINE_DEFAULTS,
      id: `heartbeat.${name}`,
      description,
      schedule: { cron: schedule, ...timeZone === undefined ? {} : { timeZone } },
      action: {
        kind: "heartbeat",
        action: name,
        options: {
          ...activeHours === undefined ? {} : { activeHours },
          ...timeZone === undefined ? {} : { timeZone },
          config,
        },
      },
      missedWindowSeconds: MISSED_WINDOW_SECONDS,
      timeoutSeconds: TIMEOUT_SECONDS,
      // They are told of, and tried again at their next time; a look that fails does no harm.
      maxFailures: 1000,
      enabled: settings.enabled && enabled,
    };
  });
  const names = actions.map(({ name }) => name);
  return {
    routines,
    unknown: settings.actions.map(({ name }) => name).filter((name) => !names.includes(name)),
  };
}
