/** Tells one process from another that got the same pid later. */

/**
 * A text that stays the same for the life of a process and is never that of another one with its pid: boot id and
 * start time on Linux (proc(5), field 22 of stat), the start time elsewhere. Undefined when there is no such process.
 * Read by small programs, since Deno gives no access to /proc short of all permissions.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return await output("ps", ["-o", "lstart=", "-p", String(pid)]);
  const text = await output("cat", ["/proc/sys/kernel/random/boot_id", `/proc/${pid}/stat`]);
  if (text === undefined) return undefined;
  const [boot, stat] = [text.slice(0, text.indexOf("\n")), text.slice(text.indexOf("\n") + 1)];
  // The program's name may hold spaces and parentheses: fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const zombie = fields[0] === "Z"; // it has ended, and its parent has not collected it yet
  return zombie ? undefined : `${boot}:${fields[19]}`;
}

/** What the program prints; undefined where it fails. */
async function output(program: string, args: string[]): Promise<string | undefined> {
  const command = new Deno.Command(program, { args, env: { LC_ALL: "C" }, stdin: "null", stderr: "null" });
  const { success, stdout } = await command.output();
  return (success && new TextDecoder().decode(stdout).trim()) || undefined;
}
