/** Which loops of version 1 there are and what each calls, as the configuration says. */
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { cronCaller } from "./cron_call.ts";
import { type CronCall, LegacyLoop, type LoopSettings } from "./loops.ts";

/** The four loops that call cron routes; those of MPLite and GenLite are task sources. */
export function cronLoops(config: Config): LoopSettings[] {
  const calls = (service: string, url: string | undefined, ...paths: readonly string[]): CronCall[] =>
    url === undefined || !config.cronSecret
      ? []
      : paths.map((path) => ({ name: `${service} ${path}`, url: url + path }));
  const loop = (
    name: string,
    enabled: boolean,
    everySeconds: number,
    missing: string,
    called: readonly CronCall[],
  ): LoopSettings => ({
    name,
    enabled,
    everyMs: everySeconds * 1000,
    calls: called,
    ...called.length === 0 && { missing: config.cronSecret ? missing : `CRON_SECRET and ${missing}` },
  });
  return [
    loop("research", config.legacyResearch, config.legacyResearchSeconds, "RESEARCHLITE_URL", [
      ...calls(
        "ResearchLite",
        config.researchliteUrl,
        "/api/cron/collect-hashtags",
        "/api/cron/collect-ads",
        "/api/cron/extract-blueprints",
      ),
    ]),
    loop("scoring", config.legacyScoring, config.legacyScoringSeconds, "METRICSLITE_URL", [
      ...calls("MetricsLite", config.metricsliteUrl, ...config.scoringPaths),
    ]),
    loop(
      "publishing",
      config.legacyPublishing,
      config.legacyPublishingSeconds,
      "PUBLISHLITE_URL or CONTENTLITE_URL",
      [
        ...calls("PublishLite", config.publishliteUrl, "/api/cron/publish-scheduled"),
        ...calls("ContentLite", config.contentliteUrl, "/api/cron/generate-variants"),
      ],
    ),
    loop("metrics", config.legacyMetrics, config.legacyMetricsSeconds, "METRICSLITE_URL", [
      ...calls(
        "MetricsLite",
        config.metricsliteUrl,
        "/api/cron/organic-metrics",
        "/api/cron/threshold-check",
      ),
    ]),
  ];
}

/** The loops themselves. */
export function legacyLoops(config: Config, clock: Clock): LegacyLoop[] {
  const call = cronCaller(config.cronSecret ?? "");
  return cronLoops(config).map((settings) => new LegacyLoop(settings, call, clock));
}
