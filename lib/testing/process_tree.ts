/** Processes and what they started, as the machine lists them. */

/** `pid` and all its descendants, parents first. Empty of descendants when the process is gone. */
export async function processTree(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-A", "-o", "pid=,ppid="] }).output();
  const pairs = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
    line.trim().split(/\s+/).map(Number)
  );
  const tree = [pid];
  for (const parent of tree) {
    for (const [child, itsParent] of pairs) if (itsParent === parent) tree.push(child!);
  }
  return tree;
}

/** Whether the process runs; one that has ended but was not collected yet does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", `${pid}`] }).output();
  return /^[^Z\s]/.test(new TextDecoder().decode(stdout));
}

/** Sends a signal; a process that is gone is none the worse. */
export function signalProcess(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error as Error).message.includes("ESRCH")) throw error;
  }
}
