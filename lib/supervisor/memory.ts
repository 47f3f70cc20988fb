/** How much memory agents use, with everything that they have started. */

/** One row of the process table; memory in KiB. */
export interface MemoryRow {
  readonly pid: number;
  readonly parent: number;
  readonly kib: number;
}

/** Reads the output of `ps -A -o pid=,ppid=,rss=`. */
export function parseMemory(text: string): MemoryRow[] {
  return text.split("\n").flatMap((line) => {
    const [pid, parent, kib] = line.trim().split(/\s+/).map(Number);
    return Number.isInteger(pid) && Number.isInteger(kib) ? [{ pid: pid!, parent: parent!, kib: kib! }] : [];
  });
}

/** The memory of a process and its descendants, in MiB; undefined where there is no such process. */
export function treeMemoryMb(rows: readonly MemoryRow[], pid: number): number | undefined {
  if (!rows.some((row) => row.pid === pid)) return undefined;
  const children = Map.groupBy(rows, ({ parent }) => parent);
  const members = new Map(rows.filter((row) => row.pid === pid).map((row) => [row.pid, row]));
  // A Map is walked in the order in which it grows.
  for (const member of members.values()) {
    for (const child of children.get(member.pid) ?? []) members.set(child.pid, child);
  }
  const kib = [...members.values()].reduce((sum, row) => sum + row.kib, 0);
  return Math.round(kib / 1024);
}

/** Asks the system. @throws Error where `ps` cannot be run */
export async function readMemory(): Promise<MemoryRow[]> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-A", "-o", "pid=,ppid=,rss="],
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    clearEnv: true,
    stdin: "null",
    stderr: "null",
  }).output();
  return parseMemory(new TextDecoder().decode(stdout));
}
