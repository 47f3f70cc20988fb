/** The scheduler, its heartbeat actions and the way to people, put together from the configuration. */
import type { Clock } from "../clock.ts";
import { type Config, secretsOf } from "../config.ts";
import { enabledAgents } from "../config/agents.ts";
import type { LiveSetting } from "../daemon/reload.ts";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";
import { configuredChannels } from "../notify/configured.ts";
import { type DeliveryObserver, Outbox } from "../notify/outbox.ts";
import { openSpool } from "../notify/spool.ts";
import { homePaths } from "../paths.ts";
import type { HeartbeatAction } from "./actions/action.ts";
import { Heartbeats } from "./actions/heartbeats.ts";
import { heartbeatRoutines } from "./actions/routines.ts";
import { agentRoutines, type RoutineAgent } from "./agent_routines.ts";
import { goalAction } from "./goal_action.ts";
import { denoMinuteTick } from "./minute_tick.ts";
import { resolveRoutines } from "./resolve.ts";
import type { Routine } from "./routine.ts";
import type { RoutineObserver } from "./run_keeper.ts";
import { Scheduler } from "./scheduler.ts";
import { taskAction } from "./task_action.ts";

/** What is needed besides the configuration. */
export interface ScheduleOptions {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  /** The task types that this worker can do now. */
  readonly types: () => string[];
  /** All agents that come with routines, whether or not they are on. */
  readonly agents: readonly RoutineAgent[];
  readonly actions: readonly HeartbeatAction[];
  /** Values beside the configuration's that must not be sent to anybody. */
  readonly secrets: readonly string[];
  readonly observer?: RoutineObserver;
  readonly observeDelivery?: DeliveryObserver;
}

/** What fires routines and what tells people. */
export interface ScheduleParts {
  /** Undefined where this worker fires no routines (ENABLE_SCHEDULER). */
  readonly scheduler: Scheduler | undefined;
  /** Sends what is to be told; should run until the worker has drained. */
  readonly outbox: Outbox;
  /** Takes the routines of a changed configuration; what runs goes on. */
  readonly live: readonly LiveSetting[];
  /** When nothing is told any more. */
  close(): void;
}

/** Makes them. Nothing is started yet. */
export function createSchedule(options: ScheduleOptions): ScheduleParts {
  const { config, database, clock, actions } = options;
  const timeZone = config.scheduleTimeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const spool = openSpool(homePaths(config.home).spool, clock);
  const outbox = new Outbox({
    database,
    spool,
    workerId: config.workerId,
    channels: configuredChannels(config),
    routing: config,
    clock,
    secrets: [...secretsOf(config), ...options.secrets],
    observe: options.observeDelivery,
  });
  const close = () => spool.close();
  if (!config.enableScheduler) return { scheduler: undefined, outbox, live: [], close };
  let { tellAfterFailures } = config.heartbeat;
  const heartbeats = new Heartbeats({
    actions,
    database,
    workerId: config.workerId,
    types: options.types,
    notifier: outbox,
    clock,
    timeZone: config.notifyTimeZone ?? timeZone,
    tellAfterFailures: () => tellAfterFailures,
  });
  const scheduler = new Scheduler({
    database,
    workerId: config.workerId,
    clock,
    routines: routinesOf(config, options, timeZone),
    actions: { goal: goalAction(database), task: taskAction(database), heartbeat: heartbeats.runAction },
    timeZone,
    drainMs: config.drainSeconds * 1000,
    notify: (notification) => outbox.notify(notification),
    hints: true,
    minuteTick: denoMinuteTick(),
    observer: options.observer,
  });
  return {
    scheduler,
    outbox,
    live: [{
      keys: ["routines", "heartbeat"],
      apply(config) {
        ({ tellAfterFailures } = config.heartbeat);
        scheduler.reload(routinesOf(config, options, timeZone));
      },
    }],
    close,
  };
}

/** The routines of this worker; what of the configuration makes none is told. */
function routinesOf(
  config: Config,
  { agents, actions }: Pick<ScheduleOptions, "agents" | "actions">,
  timeZone: string,
): readonly Routine[] {
  const on = enabledAgents(config);
  const own = agents.filter(({ id }) => on.includes(id));
  const heartbeat = heartbeatRoutines(config.heartbeat, actions);
  const { routines, problems } = resolveRoutines({
    builtIn: [...agentRoutines(own), ...heartbeat.routines],
    absent: agentRoutines(agents.filter(({ id }) => !on.includes(id))).map(({ id }) => id),
    settings: config.routines,
    timeZone,
  });
  const log = logger("schedule");
  for (const problem of problems) log.warn(problem);
  for (const name of heartbeat.unknown) log.warn(`there is no heartbeat action ${JSON.stringify(name)}`);
  return routines;
}
