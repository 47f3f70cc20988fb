/** Figures of memory for the error of a render that was killed, from what the system's own files and programs print. Pure. */
import { join } from "node:path";

/** What was seen of the machine's memory while a render ran, in bytes. */
export interface MemoryFigures {
  readonly totalBytes?: number;
  /** The least that was available at any look. */
  readonly lowestAvailableBytes?: number;
  /** What the control group (container, service) may use at most. */
  readonly limitBytes?: number;
  /** The most that the render's processes held at any look; memory that they share counts for each. */
  readonly peakBytes?: number;
  /** How many processes the system has killed for lack of memory meanwhile. */
  readonly oomKills: number;
}

/** One look at the control group. */
export interface ControlGroup {
  readonly limitBytes?: number;
  /** A count that only grows. */
  readonly oomKills: number;
}

/** For people: `memory: 0.2 of 24 GB available at the least, …`. */
export function describeMemory(figures: MemoryFigures): string {
  const { totalBytes, lowestAvailableBytes, limitBytes, peakBytes } = figures;
  const parts = [
    totalBytes !== undefined && lowestAvailableBytes !== undefined &&
    `${gigabytes(lowestAvailableBytes)} of ${gigabytes(totalBytes)} GB available at the least`,
    limitBytes !== undefined && `the control group's limit ${gigabytes(limitBytes)} GB`,
    peakBytes !== undefined && peakBytes > 0 && `the render's peak about ${gigabytes(peakBytes)} GB`,
  ].filter((part) => part !== false);
  return `memory: ${parts.join(", ") || "no figures"}`;
}

function gigabytes(bytes: number): string {
  const value = bytes / 2 ** 30;
  return value >= 10 ? value.toFixed(0) : value.toFixed(value >= 0.1 ? 1 : 2);
}

/** Resident bytes of a process, its group and all their descendants, from `ps -A -o pid=,ppid=,pgid=,rss=` (KiB). */
export function treeBytes(psOutput: string, leader: number): number {
  const rows = psOutput.split("\n").map((line) => line.trim().split(/\s+/).map(Number))
    .filter((row) => row.length === 4 && row.every(Number.isFinite));
  const members = new Map(
    rows.filter(([pid, , group]) => pid === leader || group === leader)
      .map(([pid, , , kib]) => [pid, kib]),
  );
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const [pid, parent, , kib] of rows) if (members.has(parent)) members.set(pid, kib);
  }
  return [...members.values()].reduce((sum, kib) => sum + kib, 0) * 1_024;
}

/**
 * The files that tell about the control group, given `/proc/self/cgroup`: limits of the group and all above it, kills
 * in it, and kills anywhere (https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroup-v1/memory.html).
 */
export function controlGroupFiles(procSelfCgroup: string): string[] {
  const group = (pattern: RegExp) => pattern.exec(procSelfCgroup)?.[1];
  const second = group(/^0::(\/.*)$/m);
  const first = group(/^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m);
  const upwards = (path: string) => {
    const parts = path.split("/").filter((part) => part !== "");
    return parts.map((_, index) => parts.slice(0, parts.length - index).join("/")).concat("");
  };
  const files = ["/proc/vmstat"];
  if (first !== undefined) {
    for (const path of upwards(first)) {
      files.push(join("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
    }
    files.push(join("/sys/fs/cgroup/memory", first, "memory.oom_control"));
  } else if (second !== undefined) {
    for (const path of upwards(second)) files.push(join("/sys/fs/cgroup", path, "memory.max"));
    files.push(join("/sys/fs/cgroup", second, "memory.events"));
  }
  return files;
}

/** Reads those files as `grep -sH ""` prints them. Limits beyond any machine count as none. */
export function parseControlGroup(grepOutput: string): ControlGroup {
  let limitBytes: number | undefined;
  let oomKills = 0;
  for (const line of grepOutput.split("\n")) {
    const [, file, key, count] = /^(\/[^:]+):(?:(\w+) )?(\d+)$/.exec(line) ?? [];
    if (file === undefined) continue;
    const value = Number(count);
    if (key === "oom_kill") oomKills += value;
    const isLimit = key === undefined && /\/memory\.(max|limit_in_bytes)$/.test(file);
    if (isLimit && value < 2 ** 50) limitBytes = Math.min(value, limitBytes ?? Infinity);
  }
  return { oomKills, ...limitBytes === undefined ? {} : { limitBytes } };
}
