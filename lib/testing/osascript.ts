/** An `osascript` for tests: a real program that records exactly what it was given and answers as the test says. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** One call of the program. */
export interface OsascriptCall {
  readonly args: readonly string[];
  readonly stdin: string;
}

/** What the program prints and how it exits; nothing and 0 unless told. */
export interface OsascriptAnswer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
}

/** The program and its record. */
export interface Osascript extends AsyncDisposable {
  /** Its path. */
  readonly program: string;
  readonly calls: readonly OsascriptCall[];
}

const PROGRAM = fileURLToPath(new URL("osascript_program.ts", import.meta.url));

/** Puts the program into a folder. A test that wants a program that hangs answers with a promise that stays open. */
export async function osascriptProgram(
  folder: string,
  answer: (call: OsascriptCall) => OsascriptAnswer | Promise<OsascriptAnswer>,
): Promise<Osascript> {
  const calls: OsascriptCall[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const call: OsascriptCall = await request.json();
    calls.push(call);
    return Response.json(await answer(call));
  });
  const program = join(folder, "osascript");
  const command = [Deno.execPath(), "run", "-q", "--no-config", "--no-lock", "--allow-net", PROGRAM];
  const words = [...command, String(server.addr.port)].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  await Deno.writeTextFile(program, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o700 });
  return { program, calls, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** An error as osascript prints it, e.g. `Can’t get window id 7.` with -1728. */
export function appleError(message: string, number: number): OsascriptAnswer {
  return { stderr: `120:180: execution error: ${message} (${number})\n`, code: 1 };
}
