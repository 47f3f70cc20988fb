/** Whether the services that this machine uses are up. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../lib/agent/agent.ts";
import { askService, type Service, ServiceError } from "./service.ts";
import {
  configuredService,
  contentlite,
  genlite,
  hooklite,
  localService,
  marketResearch,
  mplite,
  researchlite,
} from "./settings.ts";

const HEALTH_TIMEOUT_MS = 5_000;

/** The tool `service_health`; not offered where no service is configured. */
export function serviceHealthTools(services: AgentServices): AgentTool[] {
  const known = configured(services);
  if (known.length === 0) return [];
  return [defineTool({
    name: "service_health",
    description: `Asks each configured service whether it is up: ${
      known.map(({ service }) => service.name).join(", ")
    }. Call it when you are not sure what works now.`,
    input: z.strictObject({}),
    run: (_input, { signal }) => Promise.all(known.map((one) => probe(one, signal))),
  })];
}

interface Probed {
  readonly service: Service;
  readonly path: string;
}

function configured(services: AgentServices): Probed[] {
  const local = ["tiktok", "instagram", "twitter", "threads"].flatMap((platform) => [
    localService(services, platform, "comments"),
    localService(services, platform, "messages"),
  ]);
  const withHealth = [
    marketResearch(services),
    ...local,
    localService(services, "linkedin", "messages"),
    contentlite(services),
    hooklite(services),
    researchlite(services),
    configuredService(services, "Remotion", "REMOTION_SERVICE_URL"),
    configuredService(services, "Safari", "SAFARI_SERVICE_URL"),
  ].map((service) => service && { service, path: "/health" });
  const queues = [mplite(services), genlite(services)].map((service) =>
    service && { service, path: "/api/health" }
  );
  const blotato = configuredService(services, "Blotato", "BLOTATO_LOCAL_URL");
  return [...withHealth, ...queues, blotato && { service: blotato, path: "/api/status" }].filter((one) =>
    one !== undefined
  );
}

/** Any answer shows that it is there; only its own 5xx says that it is ill. */
async function probe({ service, path }: Probed, signal: AbortSignal): Promise<Record<string, unknown>> {
  const started = performance.now();
  try {
    await askService({ ...service, headers: {} }, {
      method: "GET",
      path,
      purpose: "ask for its health",
      signal,
      timeoutMs: HEALTH_TIMEOUT_MS,
      read: "bytes",
      accept: [401, 403, 404, 405, 429],
    });
    return { service: service.name, up: true, answered_in_ms: Math.round(performance.now() - started) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ServiceError)) throw error;
    return { service: service.name, up: false, reason: error.message };
  }
}
