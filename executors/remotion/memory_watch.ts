/** Looks at the machine's memory while a render runs, so that its end can be explained. */
import type { Clock } from "../../lib/clock.ts";
import {
  type ControlGroup,
  controlGroupFiles,
  type MemoryFigures,
  parseControlGroup,
  treeBytes,
} from "./memory.ts";

/** Watches until it is stopped. */
export interface MemoryWatch {
  /** From now on this program's processes are measured as well. */
  follow(pid: number): void;
  /** Stops, and tells what was seen. */
  stop(): Promise<MemoryFigures>;
}

/** Far apart, but for the first ones: a look at the process table costs about 10 ms of a core. */
const FIRST_INTERVAL_MS = 250;
const INTERVAL_MS = 3_000;

/** Begins to watch. Figures that the system does not give are left out; nothing here fails a render. */
export async function watchMemory(clock: Clock): Promise<MemoryWatch> {
  const before = await controlGroup();
  const over = new AbortController();
  let leader: number | undefined;
  let peakBytes = 0;
  let lowest = Infinity;
  let totalBytes: number | undefined;
  const look = async () => {
    const { total, available } = Deno.systemMemoryInfo();
    totalBytes = total;
    lowest = Math.min(lowest, available);
    if (leader === undefined) return;
    const table = await outputOf("ps", ["-A", "-o", "pid=,ppid=,pgid=,rss="]);
    peakBytes = Math.max(peakBytes, treeBytes(table, leader));
  };
  const watching = (async () => {
    for (let pause = FIRST_INTERVAL_MS; !over.signal.aborted; pause = Math.min(pause * 2, INTERVAL_MS)) {
      await look();
      await clock.sleep(pause, over.signal);
    }
  })();
  return {
    follow: (pid) => void (leader = pid),
    async stop() {
      over.abort();
      await watching;
      const after = await controlGroup();
      return {
        ...totalBytes === undefined ? {} : { totalBytes, lowestAvailableBytes: lowest },
        ...after.limitBytes === undefined ? {} : { limitBytes: after.limitBytes },
        ...peakBytes === 0 ? {} : { peakBytes },
        oomKills: Math.max(0, after.oomKills - before.oomKills),
      };
    },
  };
}

async function controlGroup(): Promise<ControlGroup> {
  if (Deno.build.os !== "linux") return { oomKills: 0 };
  const files = controlGroupFiles(await outputOf("cat", ["/proc/self/cgroup"]));
  return parseControlGroup(await outputOf("grep", ["-sHE", "^(oom_kill )?[0-9]+$", ...files]));
}

/** Through programs, as Deno gives no access to /proc and /sys short of all permissions. Empty where there is none. */
async function outputOf(program: string, args: string[]): Promise<string> {
  const env = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" };
  const command = new Deno.Command(program, { args, env, clearEnv: true, stdin: "null", stderr: "null" });
  try {
    return new TextDecoder().decode((await command.output()).stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return ""; // a machine without that program has no such figure
    throw error;
  }
}
