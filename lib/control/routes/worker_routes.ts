/** The workers that are registered, and how each fares. */
import { z } from "zod";
import type { Database } from "../../database/database.ts";
import { addRoute, type ApiRoutes, apiRoutes } from "../openapi/route.ts";

const worker = z.object({
  worker_id: z.string(),
  hostname: z.string().nullable(),
  capabilities: z.array(z.string()).meta({
    description: "The task types it does; none where it does not say.",
  }),
  max_concurrent: z.int().nullable(),
  version: z.string().nullable(),
  system_info: z.unknown(),
  registered_at: z.string().nullable(),
  last_heartbeat: z.string().nullable(),
  status: z.string().meta({ description: "`dead`: silent for two minutes; `offline`: it has said goodbye." }),
  alive: z.boolean(),
  current: z.unknown().meta({ description: "[{task_id, task_type, started_at}]" }),
  jobs_completed: z.int(),
  jobs_failed: z.int(),
  started_at: z.string().nullable(),
}).meta({
  id: "Worker",
  example: {
    worker_id: "worker-macbook-01",
    hostname: "macbook",
    capabilities: ["safari_research", "remotion_render"],
    max_concurrent: 3,
    version: "0.1.0",
    system_info: { os: "macOS 15.3", cpu_cores: 8 },
    registered_at: "2026-11-20T18:00:00+00:00",
    last_heartbeat: "2026-11-20T18:10:00+00:00",
    status: "online",
    alive: true,
    current: [],
    jobs_completed: 42,
    jobs_failed: 2,
    started_at: "2026-11-20T18:00:00+00:00",
  },
});

/** `GET /workers`. */
export function workerRoutes(database: Database): ApiRoutes {
  const app = apiRoutes();
  addRoute(app, {
    method: "get",
    path: "/workers",
    tag: "workers",
    summary: "All workers that are registered",
    answer: { description: "The workers", schema: z.array(worker) },
  }, async () => {
    const workers = await database.call<{ status: string }[]>("actp_list_workers");
    return workers.map((each) => ({ ...each, alive: each.status !== "dead" && each.status !== "offline" }));
  });
  return app;
}
