/** The agents that the program ships with. Each is on only where its ENABLE_… setting says so. */
import { acquisitionAgent } from "./acquisition.ts";
import { contentAgent } from "./content_creation.ts";
import type { DomainAgent } from "./domain_agent.ts";
import { revenueAgent } from "./revenue.ts";
import { socialMediaAgent } from "./social_media.ts";

/** In the order in which they are shown. */
export const builtInAgents: readonly DomainAgent[] = [
  socialMediaAgent,
  contentAgent,
  acquisitionAgent,
  revenueAgent,
];
