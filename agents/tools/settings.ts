/** Which services are configured, and how each is spoken to. */
import type { AgentServices } from "../../lib/agent/agent.ts";
import type { Service } from "./service.ts";

/** A service whose address and key are two settings; undefined where its address is unset. */
export function configuredService(
  services: AgentServices,
  name: string,
  urlSetting: string,
  keySetting?: string,
): Service | undefined {
  const url = services.setting(urlSetting);
  if (!url) return undefined;
  const key = keySetting && services.setting(keySetting);
  return {
    name,
    baseUrl: url.replace(/\/+$/, ""),
    headers: key ? { authorization: `Bearer ${key}` } : {},
    keySetting,
    fetch: services.fetch,
  };
}

/** A setting that is a number; undefined where it is unset. */
export function numberSetting(services: AgentServices, name: string): number | undefined {
  const value = services.setting(name);
  return value === undefined || value.trim() === "" ? undefined : Number(value);
}

/** Reads markets and creators: posts, creators and trends of a niche. */
export function marketResearch(services: AgentServices): Service | undefined {
  return configuredService(services, "market research", "MARKET_RESEARCH_URL", "MARKET_RESEARCH_KEY");
}

/** The publishing queue, which takes its key in one of two ways. */
export function mplite(services: AgentServices): Service | undefined {
  const service = configuredService(services, "MPLite", "MPLITE_URL", "MPLITE_KEY");
  const key = services.setting("MPLITE_KEY");
  if (!service || !key) return undefined;
  const headers = services.setting("MPLITE_AUTH") === "x-api-key" ? { "x-api-key": key } : service.headers;
  return { ...service, headers };
}

/** The render queue. */
export function genlite(services: AgentServices): Service | undefined {
  return services.setting("GENLITE_KEY")
    ? configuredService(services, "GenLite", "GENLITE_URL", "GENLITE_KEY")
    : undefined;
}

/** Writes scripts. */
export function contentlite(services: AgentServices): Service | undefined {
  return configuredService(services, "ContentLite", "CONTENTLITE_URL", "CONTENTLITE_KEY");
}

/** Scores hooks. */
export function hooklite(services: AgentServices): Service | undefined {
  return configuredService(services, "HookLite", "HOOKLITE_URL", "HOOKLITE_KEY");
}

/** Keeps blueprints of what works. */
export function researchlite(services: AgentServices): Service | undefined {
  return configuredService(services, "ResearchLite", "RESEARCHLITE_URL", "RESEARCHLITE_KEY");
}

/** The local services that comment and send messages in the person's own browser, by platform. */
export function localService(
  services: AgentServices,
  platform: string,
  what: "comments" | "messages",
): Service | undefined {
  const setting = platform === "linkedin"
    ? "SAFARI_LINKEDIN_URL"
    : `SAFARI_${platform.toUpperCase()}_${what === "comments" ? "COMMENTS" : "DM"}_URL`;
  return configuredService(services, `${platform} ${what}`, setting, "SAFARI_SERVICES_KEY");
}
