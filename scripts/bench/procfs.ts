/** What Linux tells of processes: memory and processor time. Elsewhere everything is undefined. */
import { processTree } from "../../lib/testing/process_tree.ts";

/** Ticks per second of the times in /proc: USER_HZ, 100 on every Linux that Deno runs on. */
const TICKS = 100;

/** Resident memory in MB. */
export async function residentMb(pid: number): Promise<number | undefined> {
  const status = await read(`/proc/${pid}/status`);
  const kb = status?.match(/^VmRSS:\s+(\d+)/m)?.[1];
  return kb === undefined ? undefined : Number(kb) * 1024 / 1e6;
}

/** Processor time in ms that a process, those below it and those of them that have ended have used. */
export async function processorMs(pid: number): Promise<number | undefined> {
  const stats = await Promise.all((await processTree(pid)).map((member) => read(`/proc/${member}/stat`)));
  if (stats[0] === undefined) return undefined;
  return stats.reduce((sum, stat) => sum + ticksOf(stat ?? ""), 0) * 1000 / TICKS;
}

/** Own and collected children's time, fields 14 to 17; counted from behind the name, which may hold anything. */
function ticksOf(stat: string): number {
  const times = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 15);
  return times.reduce((sum, time) => sum + Number(time), 0);
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return undefined; // it has ended, or there is no /proc here
  }
}
