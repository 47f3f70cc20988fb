/**
 * Knowing and ending everything that a program started, also what left its session.
 *
 * A process is ours when it carries our tag in its environment, is in the leader's group or session, was seen as a
 * descendant before, or is a child of one that is ours. Nothing else is ever signalled. The table is read through
 * small programs, as Deno gives no access to /proc short of all permissions.
 */
import type { Clock } from "../clock.ts";

/** The environment variable that marks a tree; nested trees append their ids, separated by commas. */
export const TREE_VARIABLE = "ACTP_PROCESS_TREE";

/** One row of the process table. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** 0 where the system does not tell. */
  readonly session: number;
  /** Start time in the system's own form: with the pid it identifies a process for good. */
  readonly started: string;
  readonly tagged: boolean;
}

/** What identifies a tree: the pid it started with, and pid and start time of every process seen of it. */
export interface TreeIdentity {
  readonly leader: number;
  readonly known: Map<number, string>;
}

/** A started program. */
export interface ProcessTree extends TreeIdentity {
  readonly tag: string;
  /** Resolves when the leader has ended; `gone` is true from then on. */
  readonly exited: Promise<unknown>;
  gone: boolean;
}

/** Reads NUL-separated `/proc/N/stat:…` records as `grep -zH` prints them; zombies are left out. */
export function parseProcStat(text: string, tagged: ReadonlySet<number>): ProcessRow[] {
  return text.split("\0").flatMap((record) => {
    const pid = Number(/^\/proc\/(\d+)\/stat:/.exec(record)?.[1]);
    // The command's name is in brackets and may hold anything, so count from the last bracket.
    const fields = record.slice(record.lastIndexOf(")") + 2).trim().split(" ");
    if (!pid || fields.length < 20 || fields[0] === "Z" || fields[0] === "X") return [];
    const [parent, group, session] = fields.slice(1, 4).map(Number);
    return [{ pid, parent, group, session, started: fields[19], tagged: tagged.has(pid) }];
  });
}

/** Reads `ps -o pid=,ppid=,pgid=,stat=,lstart=,command=` with environments (macOS); zombies are left out. */
export function parsePs(text: string, tag: string): ProcessRow[] {
  const row = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]{8}\s+\d{4})\s(.*)$/;
  return text.split("\n").flatMap((line) => {
    const match = row.exec(line);
    if (!match || match[4].startsWith("Z")) return [];
    const [pid, parent, group] = match.slice(1, 4).map(Number);
    const tagged = match[6].split(" ").some((word) =>
      word.startsWith(`${TREE_VARIABLE}=`) && word.includes(tag)
    );
    return [{ pid, parent, group, session: 0, started: match[5], tagged }];
  });
}

/** The rows that belong to the tree. */
export function membersOf(rows: readonly ProcessRow[], tree: TreeIdentity): ProcessRow[] {
  // While anything of the group lives, its number is not given to a new process. So a process with the leader's
  // number that is not the leader shows that group and session are gone and the number is somebody else's now.
  const leader = rows.find((row) => row.pid === tree.leader);
  const groupIsOurs = leader === undefined || leader.tagged || tree.known.get(leader.pid) === leader.started;
  const members = new Map<number, ProcessRow>();
  for (const row of rows) {
    const grouped = groupIsOurs && (row.group === tree.leader || row.session === tree.leader);
    if (row.tagged || grouped || tree.known.get(row.pid) === row.started) members.set(row.pid, row);
  }
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const row of rows) if (members.has(row.parent)) members.set(row.pid, row);
  }
  return [...members.values()];
}

/** Looks at the machine: which processes of the tree live now. Remembers them in `tree.known`. */
export async function findMembers(tree: ProcessTree): Promise<ProcessRow[]> {
  const members = membersOf(await readTable(tree.tag), tree);
  for (const { pid, started } of members) tree.known.set(pid, started);
  return members;
}

/** Ends whatever lives of the tree: SIGTERM to all, SIGKILL to what is left after `graceMs`. */
export async function endTree(tree: ProcessTree, graceMs: number, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + graceMs;
  try {
    let members = await findMembers(tree);
    // The leader counts by itself, so that it has its time even if the table should not show it.
    const lives = () => members.length > 0 || !tree.gone;
    signalTree(tree, members, "SIGTERM");
    for (
      let pause = 20;
      lives() && clock.monotonic() < deadline;
      pause = Math.min(pause * 2, 500)
    ) {
      await leaderOrPause(tree, Math.min(pause, deadline - clock.monotonic()), clock);
      members = await findMembers(tree);
    }
    // Rounds, because a tree may go on growing until its last parent is gone.
    for (let round = 1; lives() && round <= 20; round++) {
      signalTree(tree, members, "SIGKILL");
      await leaderOrPause(tree, 20 * round, clock);
      members = await findMembers(tree);
    }
  } finally {
    signalTree(tree, [], "SIGKILL"); // also when the process table could not be read
  }
}

async function leaderOrPause(tree: ProcessTree, ms: number, clock: Clock): Promise<void> {
  const woken = new AbortController();
  const pause = clock.sleep(ms, woken.signal);
  await (tree.gone ? pause : Promise.race([tree.exited, pause]));
  woken.abort();
}

/** Signals the leader's group as a whole, while its number is surely still its own, and all others one by one. */
function signalTree(tree: ProcessTree, members: readonly ProcessRow[], signal: Deno.Signal): void {
  const groupIsThere = !tree.gone;
  if (groupIsThere) sendSignal(-tree.leader, signal);
  for (const { pid, group } of members) {
    if (!groupIsThere || group !== tree.leader) sendSignal(pid, signal);
  }
}

function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    // Gone in the meantime, or another user's through set-uid: the next look at the process table tells.
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.PermissionDenied)) {
      throw error;
    }
  }
}

async function readTable(tag: string): Promise<ProcessRow[]> {
  if (Deno.build.os !== "linux") {
    const columns = "pid=,ppid=,pgid=,stat=,lstart=,command=";
    return parsePs(await outputOf("ps", ["-axwwE", "-o", columns]), tag);
  }
  const pids = (await outputOf("ls", ["/proc"])).split("\n").filter((name) => /^\d+$/.test(name));
  const [stats, tagged] = await Promise.all([
    outputOf("grep", ["-szHF", "", ...pids.map((pid) => `/proc/${pid}/stat`)]),
    outputOf("grep", ["-szalF", tag, ...pids.map((pid) => `/proc/${pid}/environ`)]),
  ]);
  const taggedPids = [...tagged.matchAll(/\/proc\/(\d+)\/environ/g)].map((match) => Number(match[1]));
  return parseProcStat(stats, new Set(taggedPids));
}

/** Exit codes are not looked at: grep answers 1 for no match and 2 when a process went away meanwhile. */
async function outputOf(program: string, args: string[]): Promise<string> {
  const env = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" };
  const { stdout } = await new Deno.Command(program, {
    args,
    env,
    clearEnv: true,
    stdin: "null",
    stderr: "null",
  })
    .output();
  return new TextDecoder().decode(stdout);
}
