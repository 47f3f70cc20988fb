/** How the worker of a soak run fares: what it tells in its metrics, and what the system knows of it. */
import type { SoakDaemon } from "./daemon.ts";

/** One look. Memory in MB, `at` in ms since the start. */
export interface Signs {
  readonly at: number;
  readonly rss: number;
  readonly heap: number;
  /** Open file descriptors, and child processes; undefined where the system does not tell. */
  readonly files?: number;
  /** Files of the embedded database, which are not among `files`: it opens those of each table once. */
  readonly tableFiles?: number;
  readonly children?: number;
  readonly settled: number;
  readonly claimed: number;
  readonly fired: number;
  readonly restarts: number;
  readonly cpuSeconds: number;
}

const MB = 1e6;

/** Looks. @throws Error when the worker does not answer */
export async function look({ url, token, server: { pid } }: SoakDaemon, at: number): Promise<Signs> {
  const response = await fetch(`${url}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`GET /metrics answers ${response.status}: ${text.slice(0, 200)}`);
  const sum = (name: string) => sumOf(text, name);
  return {
    at,
    rss: sum("process_resident_memory_bytes") / MB,
    heap: sum("actp_heap_used_bytes") / MB,
    settled: sum("actp_tasks_settled_total"),
    claimed: sum("actp_tasks_claimed_total"),
    fired: sum("actp_routines_fired_total"),
    restarts: sum("actp_agent_restarts_total"),
    cpuSeconds: sum("process_cpu_seconds_total"),
    ...Deno.build.os === "linux" && { ...openFiles(pid), children: childrenOf(pid) },
  };
}

/** Over all series of a metric. */
export function sumOf(text: string, name: string): number {
  const series = new RegExp(`^${name}(?:\\{[^\\n]*\\})? (\\S+)$`, "gm");
  return [...text.matchAll(series)].reduce((sum, [, value]) => sum + Number(value), 0);
}

function openFiles(pid: number): { files: number; tableFiles: number } {
  const targets = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return ""; // closed meanwhile
      throw error;
    }
  });
  const tableFiles = targets.filter((target) => /\/db\/data\/base\/\d+\/[^/]+$/.test(target)).length;
  return { files: targets.length - tableFiles, tableFiles };
}

/** Zombies included: they are children that nobody has waited for. */
function childrenOf(pid: number): number {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return threads.flatMap(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).split(" ").filter(Boolean);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return []; // the thread is gone
      throw error;
    }
  }).length;
}
