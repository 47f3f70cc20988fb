/** The daemon itself: taking a changed configuration in. */
import { z } from "zod";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";

/** What a reload came to. No values: they may be secret. */
export interface ReloadOutcome {
  /** Fields that have changed and are in effect now. */
  readonly applied: readonly string[];
  /** Fields that have changed and take effect at the next start. */
  readonly restartNeeded: readonly string[];
  /** Why nothing, or not all of it, could be applied. */
  readonly problems: readonly string[];
}

const outcome = z.object({
  applied: z.array(z.string()),
  restart_needed: z.array(z.string()),
  problems: z.array(z.string()),
}).meta({
  id: "ReloadOutcome",
  example: { applied: ["maxConcurrent"], restart_needed: ["controlPort"], problems: [] },
});

/** `POST /reload`. */
export function reloadRoute(reload: () => Promise<ReloadOutcome>): ApiRoutes {
  const app = apiRoutes();
  addRoute(app, {
    method: "post",
    path: "/reload",
    tag: "daemon",
    summary: "Read the configuration again and apply what can change while the worker runs",
    answer: { description: "What came of it; with `problems`, not all was applied", schema: outcome },
  }, async () => {
    const { applied, restartNeeded, problems } = await reload();
    return { applied, restart_needed: restartNeeded, problems };
  });
  return app;
}
