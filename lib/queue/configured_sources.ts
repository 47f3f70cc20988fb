/** Which queues the configuration turns on, and how each is asked. */
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Database } from "../database/database.ts";
import { jobsClient } from "../jobs/client.ts";
import { logger } from "../log.ts";
import { VERSION } from "../version.ts";
import { HeldItems } from "./http/held_items.ts";
import { Outage } from "./outage.ts";
import type { SourceSettings } from "./queues.ts";
import { genliteSource } from "./sources/genlite.ts";
import { jobsLeaseTiming, jobsSource } from "./sources/jobs.ts";
import { mpliteSource } from "./sources/mplite.ts";
import { workflowSource } from "./sources/workflow.ts";

/** Where neither the configuration nor the server tells. */
const DEFAULT_JOBS_POLL_SECONDS = 5;

/** A loop of version 1 that is a task source now. */
export interface LegacySource {
  readonly name: "mplite" | "remotion";
  readonly enabled: boolean;
  /** The settings without which an enabled one cannot run. */
  readonly missing?: string;
}

/** Whether the two legacy loops that are sources are on, and what they lack. Pure. */
export function legacySources(config: Config): LegacySource[] {
  const missing = (settings: Record<string, string | undefined>) => {
    const unset = Object.entries(settings).filter(([, value]) => !value).map(([name]) => name);
    return unset.length > 0 ? { missing: unset.join(" and ") } : {};
  };
  return [
    {
      name: "mplite",
      enabled: config.legacyMplite,
      ...missing({ MPLITE_URL: config.mpliteUrl, MPLITE_KEY: config.mpliteKey }),
    },
    {
      name: "remotion",
      enabled: config.legacyRemotion,
      ...missing({ GENLITE_URL: config.genliteUrl, GENLITE_KEY: config.genliteKey }),
    },
  ];
}

/** Whether what the project on this machine renders has no storage to go to. A render service has its own. */
function rendersStayHere({ supabaseUrl, remotionServiceUrl, remotionProjectDir }: Config): boolean {
  return supabaseUrl === undefined && (remotionProjectDir !== undefined || remotionServiceUrl === undefined);
}

/** The task table first, if it is on. `databaseOutage` is shared with everybody else who calls the database. */
export function configuredSources(
  config: Config,
  database: Database,
  databaseOutage: Outage,
  clock: Clock,
): SourceSettings[] {
  const [mplite, remotion] = legacySources(config);
  for (const { name, enabled, missing } of [mplite!, remotion!]) {
    if (enabled && missing) logger("legacy").warn(`the ${name} loop is on and cannot run (set ${missing})`);
  }
  if (remotion!.enabled && !remotion!.missing && rendersStayHere(config)) {
    logger("legacy").warn(
      "GenLite takes only renders that have an address, and this worker has nowhere to upload them (set SUPABASE_URL)",
    );
  }
  const held = (name: string) => new HeldItems(join(config.home, "held", name));
  const sources: SourceSettings[] = [];
  if (config.enableWorkflowTasks) {
    sources.push({
      source: workflowSource(database, config.workerId, config.leaseSeconds),
      outage: databaseOutage,
      pollMs: config.taskPollSeconds * 1000,
    });
  }
  if (mplite!.enabled && !mplite!.missing) {
    sources.push({
      source: mpliteSource({
        url: config.mpliteUrl!,
        key: config.mpliteKey!,
        auth: config.mpliteAuth,
        result: config.mpliteResult,
        platforms: config.mplitePlatforms,
        timeoutMs: 30 * 60_000,
        clock,
        held: held("mplite"),
      }),
      outage: new Outage("MPLite", clock),
      pollMs: config.legacyMpliteSeconds * 1000,
    });
  }
  if (remotion!.enabled && !remotion!.missing) {
    sources.push({
      source: genliteSource({
        url: config.genliteUrl!,
        key: config.genliteKey!,
        timeoutMs: 60 * 60_000,
        clock,
        held: held("genlite"),
      }),
      outage: new Outage("GenLite", clock),
      pollMs: config.legacyRemotionSeconds * 1000,
    });
  }
  if (config.jobsServerUrl) {
    sources.push({
      source: jobsSource({
        client: jobsClient({ url: config.jobsServerUrl, token: config.jobsToken, tries: 1 }),
        workerId: config.workerId,
        // A claim that waits keeps its places: no other queue may need them.
        waitSeconds: sources.length === 0 ? 10 : 0,
        hostname: Deno.hostname(),
        version: VERSION,
        maxJobs: config.jobsMax,
        toldInterval: config.jobsPollSeconds === undefined,
        clock,
      }),
      outage: new Outage("the jobs server", clock),
      pollMs: (config.jobsPollSeconds ?? DEFAULT_JOBS_POLL_SECONDS) * 1000,
      maxOwn: config.jobsMax,
      leaseTiming: jobsLeaseTiming(config.jobsHeartbeatSeconds),
    });
  }
  return sources;
}
