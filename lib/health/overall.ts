/** How the whole fares: healthy, degraded or critical, and every reason why, from what the daemon knows. Pure. */

/** `critical`: work that should be done is not. `degraded`: something is not as it should be. */
export type OverallHealth = "healthy" | "degraded" | "critical";

/** One reason why not all is well. */
export interface OverallReason {
  /** For programs; does not change. */
  readonly code: string;
  readonly severity: "degraded" | "critical";
  /** Which agent, queue, loop or channel, where there are several. */
  readonly subject?: string;
  /** One line. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** One queue of this worker. */
export interface QueueStatus {
  readonly name: string;
  readonly state: "running" | "paused" | "unreachable" | "held_back";
  /** ISO 8601; since when it has been in a state that is not good, where that is known. */
  readonly since: string | null;
  readonly reason: string | null;
}

/** The part of an agent's status that matters here. */
export interface AgentFacts {
  readonly agent_id: string;
  /** A state of `supervisor/state.ts`. */
  readonly status: string;
  readonly reason: string | null;
  readonly restart_at: string | null;
  readonly health: { readonly status?: string } | null;
}

/** What the worker knows of its own work. */
export interface WorkerFacts {
  readonly ready: boolean;
  readonly draining: boolean;
  /** The first one is the one that matters most. */
  readonly queues: readonly QueueStatus[];
  /** The database cannot be reached, or refuses (then `transient` is false). */
  readonly databaseOutage?: { readonly since: string; readonly error: string; readonly transient: boolean };
  /** Why nothing is claimed. */
  readonly heldBack?: string;
  /** Outcomes that wait to be reported, and how many may. */
  readonly unreported: number;
  readonly maxUnreported: number;
  /** Loops of version 1 that are on and fail, with their last error. */
  readonly failingLoops: readonly { readonly name: string; readonly error: string | null }[];
}

/** The worst of them. */
export function overallOf(reasons: readonly OverallReason[]): OverallHealth {
  if (reasons.some(({ severity }) => severity === "critical")) return "critical";
  return reasons.length > 0 ? "degraded" : "healthy";
}

/** A status with further reasons. */
export function withReasons<T extends { readonly overall_reasons: readonly OverallReason[] }>(
  status: T,
  more: readonly OverallReason[],
): T & { readonly overall: OverallHealth; readonly overall_reasons: readonly OverallReason[] } {
  const overall_reasons = [...status.overall_reasons, ...more];
  return { ...status, overall: overallOf(overall_reasons), overall_reasons };
}

/** What of the worker's own work is not well. */
export function workerReasons(facts: WorkerFacts): OverallReason[] {
  const { ready, draining, queues, databaseOutage, heldBack, unreported, maxUnreported, failingLoops } =
    facts;
  const reasons: OverallReason[] = [];
  // While it drains, nothing is claimed anyway.
  const worst = draining ? "degraded" : "critical";
  if (draining) {
    reasons.push({ code: "draining", severity: "degraded", message: "draining: the worker stops" });
  }
  if (databaseOutage) {
    const { since, error, transient } = databaseOutage;
    reasons.push({
      code: transient ? "database_unreachable" : "database_refuses",
      severity: worst,
      message: `database ${transient ? "unreachable" : "refuses"} since ${since}: ${error}`,
      fix: transient
        ? "Check the network and the database; the worker goes on by itself when it answers."
        : "Check the key and run `actp-worker db migrate`; `actp-worker doctor` tells more.",
    });
  }
  for (const [position, { name, state, since, reason }] of queues.entries()) {
    if (state !== "unreachable" || (databaseOutage && reason === databaseOutage.error)) continue;
    reasons.push({
      code: "queue_unreachable",
      subject: name,
      severity: position === 0 ? worst : "degraded",
      message: `${name} unreachable since ${since}: ${reason}`,
      fix: `Check the service behind ${name}; the worker goes on by itself when it answers.`,
    });
  }
  const full = unreported >= maxUnreported;
  if (heldBack) {
    reasons.push({
      code: full ? "journal_full" : "low_disk",
      severity: worst,
      message: `not claiming: ${heldBack}`,
      fix: full
        ? "They are reported when the database answers; see its state."
        : "Free disk space, or lower WORKER_MIN_FREE_BYTES.",
    });
  } else if (!full && unreported >= maxUnreported / 2) {
    reasons.push({
      code: "journal_filling",
      severity: "degraded",
      message: `${unreported} outcomes wait to be reported, of ${maxUnreported} that may`,
      fix: "They are reported when the database answers; see its state.",
    });
  }
  for (const { name, error } of failingLoops) {
    reasons.push({
      code: "loop_failing",
      subject: name,
      severity: "degraded",
      message: `the loop ${name} fails${error === null ? "" : `: ${error}`}`,
      fix: "Check the service's URL and secret.",
    });
  }
  if (!ready && !draining && !reasons.some(({ severity }) => severity === "critical")) {
    reasons.push({
      code: "starting",
      severity: "critical",
      message: "starting: the queue has not answered yet",
    });
  }
  return reasons;
}

/** What of the agents is not well. Those that are stopped do not matter, unless they should run and cannot (`blocked`). */
export function agentReasons(
  agents: readonly AgentFacts[],
  blocked: readonly string[],
  draining = false,
): OverallReason[] {
  const wanted = wantedAgents(agents, blocked);
  const reasons = wanted.flatMap((agent) => reasonOf(agent) ?? []);
  const comes = wanted.some(({ status }) =>
    status === "running" || status === "starting" || status === "restarting"
  );
  if (wanted.length > 0 && !comes && !draining) {
    reasons.unshift({
      code: "no_agent_runs",
      severity: "critical",
      message: wanted.length === 1 ? "the only agent does not run" : `none of ${wanted.length} agents runs`,
      fix: "See why with `actp-worker agents list`, and start them with `actp-worker agents start <id>`.",
    });
  }
  return reasons;
}

/** Those that should run. */
export function wantedAgents<Agent extends AgentFacts>(
  agents: readonly Agent[],
  blocked: readonly string[],
): Agent[] {
  return agents.filter(({ status, agent_id }) => status !== "stopped" || blocked.includes(agent_id));
}

function reasonOf({ agent_id, status, reason, restart_at, health }: AgentFacts): OverallReason | undefined {
  const why = reason ? `: ${reason}` : "";
  const degraded = (code: string, message: string, fix?: string): OverallReason => ({
    code,
    subject: agent_id,
    severity: "degraded",
    message,
    ...(fix && { fix }),
  });
  const look = `See \`actp-worker logs\`; start it with \`actp-worker agents start ${agent_id}\`.`;
  switch (status) {
    case "running":
      return health?.status === "unhealthy"
        ? degraded("agent_unhealthy", `${agent_id} says that it is unwell`, look)
        : undefined;
    case "crashed":
      return degraded("agent_crashed", `${agent_id} has crashed${why}`, look);
    case "backing off":
      return degraded("agent_backing_off", `${agent_id} is started again at ${restart_at}${why}`, look);
    case "stopped":
      return degraded(
        "agent_blocked",
        `${agent_id} should run and cannot${why}`,
        "Run `actp-worker doctor`.",
      );
    default:
      return degraded(`agent_${status}`, `${agent_id} is ${status}`);
  }
}

/** What of the scheduler is not well; null where this worker fires no routines. */
export function schedulerReasons(
  status: {
    readonly alive: boolean;
    readonly last_tick_seconds: number | null;
    readonly error: string | null;
  } | null,
): OverallReason[] {
  if (status === null || status.last_tick_seconds === null) return [];
  if (!status.alive) {
    return [{
      code: "scheduler_stalled",
      severity: "critical",
      message: `the scheduler has not moved for ${status.last_tick_seconds} s: no routine fires`,
      fix: "Restart the worker, and send the output of `actp-worker doctor --bundle`.",
    }];
  }
  if (status.error === null) return [];
  return [{
    code: "scheduler_failing",
    severity: "degraded",
    message: `the scheduler fails: ${status.error}`,
    fix: "Check the database; it goes on by itself.",
  }];
}

/** A loop whose turn is over by more than `patienceMs` hangs. Times on the monotonic clock, in ms. */
export function stallReasons(
  turnDueAt: number | undefined,
  now: number,
  patienceMs: number,
): OverallReason[] {
  if (turnDueAt === undefined || now - turnDueAt <= patienceMs) return [];
  return [{
    code: "queue_stalled",
    severity: "critical",
    message: `the queue has not been asked for ${Math.round((now - turnDueAt) / 1000)} s`,
    fix: "Restart the worker, and send the output of `actp-worker doctor --bundle`.",
  }];
}

/** What people should have been told and were not, within the last hour. */
export function deliveryReasons(
  failures: readonly { readonly channel: string; readonly error: string }[],
): OverallReason[] {
  return [...Map.groupBy(failures, ({ channel }) => channel)].map(([channel, failed]) => ({
    code: "notifications_failing",
    subject: channel,
    severity: "degraded",
    message: `${failed.length} notifications could not be sent by ${channel} within the last hour: ${
      failed.at(-1)!.error
    }`,
    fix: `Check the settings of ${channel} with \`actp-worker notify test\`.`,
  }));
}
