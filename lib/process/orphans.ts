/** What a killed daemon leaves running: found by the mark that every program it started carries, and ended. */
import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";
import { endTree, findMembers, type ProcessTree, TREE_VARIABLE } from "./tree.ts";

const GRACE_MS = 2000;

/** The mark of all programs that daemons of this home folder start. */
export function homeMark(home: string): string {
  return `home-${createHash("sha256").update(home).digest("hex").slice(0, 24)}`;
}

/** From now on every program that this process starts carries the mark. */
export function markPrograms(mark: string): void {
  const outer = Deno.env.get(TREE_VARIABLE)?.split(",").filter((tag) => tag !== mark) ?? [];
  Deno.env.set(TREE_VARIABLE, [...outer, mark].join(","));
}

/** The mark that this process gives to the programs it starts; undefined outside of a daemon. */
export function ownMark(): string | undefined {
  return Deno.env.get(TREE_VARIABLE)?.split(",").findLast((tag) => tag.startsWith("home-"));
}

/**
 * Ends every process that carries the mark, with all it started, and returns how many there were. Call it only
 * while nothing of one's own that carries the mark runs.
 */
export async function endOrphans(mark: string, clock: Clock): Promise<number> {
  const tree: ProcessTree = {
    leader: -1,
    tag: mark,
    known: new Map(),
    exited: Promise.resolve(),
    gone: true,
  };
  const orphans = await findMembers(tree);
  // A daemon that was itself started by a program of the dead one carries the mark too.
  if (orphans.some(({ pid }) => pid === Deno.pid) || orphans.length === 0) return 0;
  await endTree(tree, GRACE_MS, clock);
  return orphans.length;
}
