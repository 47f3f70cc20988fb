/** The heartbeat actions that come with the worker. */
import type { HeartbeatAction } from "./action.ts";
import { dailySummary } from "./daily_summary.ts";
import { portfolioMonitor } from "./portfolio_monitor.ts";
import { taskScan } from "./task_scan.ts";

/** In the order in which they are shown. */
export const BUILT_IN_ACTIONS: readonly HeartbeatAction[] = [
  taskScan as HeartbeatAction,
  dailySummary as HeartbeatAction,
  portfolioMonitor as HeartbeatAction,
];
