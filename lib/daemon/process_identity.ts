/** Tells one process from another that got the same pid later, and one start of the machine from the next. */

/** A process as one program names it to another: a pid alone may be somebody else's by now. */
export interface ProcessId {
  readonly pid: number;
  /** See {@link processIdentity}. */
  readonly identity: string;
}

/**
 * A text that stays the same for the life of a process and is never that of another one with its pid: the boot id
 * and the start time (on Linux field 22 of proc(5) stat, in ticks since the start of the machine). Undefined when
 * there is no such process. Read by small programs, since Deno gives no access to /proc short of all permissions.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (Deno.build.os !== "linux") {
    const [boot, started] = await Promise.all([bootId(), output("ps", ["-o", "lstart=", "-p", String(pid)])]);
    return started && `${boot ?? ""}:${started}`;
  }
  const text = await output("cat", ["/proc/sys/kernel/random/boot_id", `/proc/${pid}/stat`]);
  if (text === undefined) return undefined;
  const [boot, stat] = [text.slice(0, text.indexOf("\n")), text.slice(text.indexOf("\n") + 1)];
  // The program's name may hold spaces and parentheses: fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const zombie = fields[0] === "Z"; // it has ended, and its parent has not collected it yet
  return zombie ? undefined : `${boot}:${fields[19]}`;
}

/** Whether this very process still runs. */
export async function isRunning({ pid, identity }: ProcessId): Promise<boolean> {
  return await processIdentity(pid) === identity;
}

/** This process. @throws Error where the machine's process table cannot be read */
export async function ownProcess(): Promise<ProcessId> {
  const identity = await processIdentity(Deno.pid);
  if (identity === undefined) {
    throw new Error("Cannot read this process's start time: neither cat nor ps can be run (check PATH)");
  }
  return { pid: Deno.pid, identity };
}

/** What this start of the machine is called; undefined where the system does not tell. */
export function bootId(): Promise<string | undefined> {
  return Deno.build.os === "linux"
    ? output("cat", ["/proc/sys/kernel/random/boot_id"])
    : output("sysctl", ["-n", "kern.bootsessionuuid"]);
}

/**
 * Sends a signal to this very process, and to no other that has its pid by now.
 * @returns false where it has ended
 */
export async function signalProven(process: ProcessId, signal: Deno.Signal): Promise<boolean> {
  if (!await isRunning(process)) return false;
  try {
    Deno.kill(process.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || (error as Error).message.includes("ESRCH")) return false;
    throw error;
  }
}

/** What the program prints; undefined where it fails. */
async function output(program: string, args: string[]): Promise<string | undefined> {
  const command = new Deno.Command(program, { args, env: { LC_ALL: "C" }, stdin: "null", stderr: "null" });
  const { success, stdout } = await command.output();
  return (success && new TextDecoder().decode(stdout).trim()) || undefined;
}
