/**
 * A program of its own that outlives a killed test: `guard.ts PID FOLDER`. When its standard input ends, which
 * is when the process that started it is gone, it kills PID with all its descendants and removes FOLDER.
 */
import { processTree, signalProcess } from "./process_tree.ts";

const [pid, folder] = Deno.args;
for await (const _ of Deno.stdin.readable);
for (const member of await processTree(Number(pid))) signalProcess(member, "SIGKILL");
await Deno.remove(folder!, { recursive: true });
