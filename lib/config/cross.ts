/** What fields must be true of each other. Pure. */
import { BUILT_IN_AGENTS, unknownAgents } from "./agents.ts";
import type { Config, ConfigKey } from "./fields.ts";
import type { ConfigProblem } from "./sources.ts";

/**
 * The problems between fields. `config` lacks the fields that are wrong in themselves; what depends on them is not
 * judged.
 */
export function crossProblems(
  config: Partial<Config>,
  sourceOf: (key: ConfigKey) => string,
  reservedTypes: readonly string[],
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const problem = (key: ConfigKey, message: string, fix: string) =>
    problems.push({ field: key, source: sourceOf(key), message, fix });
  const { databaseUrl, supabaseUrl, supabaseKey, leaseSeconds, taskHeartbeatSeconds } = config;
  if (databaseUrl && supabaseUrl) {
    problem(
      "databaseUrl",
      "is set as well as SUPABASE_URL",
      "Choose one: unset DATABASE_URL or SUPABASE_URL.",
    );
  }
  if (supabaseUrl && "supabaseKey" in config && !supabaseKey) {
    problem(
      "supabaseKey",
      "is missing beside SUPABASE_URL",
      "Set SUPABASE_SECRET_KEY to the project's secret key.",
    );
  }
  if (supabaseKey && "supabaseUrl" in config && !supabaseUrl) {
    problem(
      "supabaseUrl",
      "is missing beside SUPABASE_SECRET_KEY",
      "Set SUPABASE_URL to the project's address.",
    );
  }
  if (leaseSeconds !== undefined && taskHeartbeatSeconds && leaseSeconds < 2 * taskHeartbeatSeconds) {
    const least = 2 * taskHeartbeatSeconds;
    problem(
      "leaseSeconds",
      `is ${leaseSeconds}, less than twice the heartbeat of ${taskHeartbeatSeconds} s`,
      `Set TASK_LEASE_SECONDS to ${least} or more, or lower TASK_HEARTBEAT_INTERVAL_SECONDS.`,
    );
  }
  if (config.controlPort && config.controlPort === config.healthPort) {
    const fix = "Give WORKER_HEALTH_PORT and WORKER_PROBE_PORT different ports.";
    problem("healthPort", `is ${config.healthPort}, as is controlPort`, fix);
  }
  if (config.remoteAddress !== undefined) {
    if (config.remoteHosts?.length === 0) {
      const fix =
        "Name every host under which other machines may call it, e.g. WORKER_REMOTE_HOSTS=worker.example.com.";
      problem("remoteHosts", "is missing beside WORKER_REMOTE_ADDRESS", fix);
    }
    for (const [key, variable] of [["tlsCert", "WORKER_TLS_CERT"], ["tlsKey", "WORKER_TLS_KEY"]] as const) {
      if (!(key in config) || config[key] !== undefined) continue;
      const fix = `Set ${variable} to a PEM file: other machines are served by TLS only.`;
      problem(key, "is missing beside WORKER_REMOTE_ADDRESS", fix);
    }
  }
  for (const { name } of config.commands?.filter(({ name }) => reservedTypes.includes(name)) ?? []) {
    problem(
      "commands",
      `declares ${name}, which is a task type of the worker itself`,
      "Give it another name.",
    );
  }
  const { agents, onlyAgents } = config;
  for (const name of agents ? unknownAgents({ agents, onlyAgents }) : []) {
    const known = [...BUILT_IN_AGENTS.map(({ short }) => short), ...agents!.map(({ id }) => id)];
    problem(
      "onlyAgents",
      `names ${JSON.stringify(name.slice(0, 60))}, which is no agent`,
      `There are ${known.join(", ")}.`,
    );
  }
  return problems;
}
