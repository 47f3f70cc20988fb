/** Makes the embedded database in a process of its own, whose memory goes with it. */
import type { Command } from "commander";
import { selfCommand } from "../daemon/self.ts";
import { embeddedExists, openEmbedded } from "../database/embedded.ts";
import { logger } from "../log.ts";
import { baseEnvironment, describeExit, runProgram } from "../process.ts";
import { ensurePrivateDir } from "../paths.ts";

const MADE_WITHIN_MS = 120_000;

/** Adds the hidden command. */
export function addPrepareDatabase(program: Command): void {
  program.command("prepare-database <folder>", { hidden: true })
    .action(async (folder: string) => await (await openEmbedded(folder)).close());
}

/** Has the database made where there is none. @throws where that fails, with what the process said */
export async function prepareDatabase(folder: string): Promise<void> {
  await ensurePrivateDir(folder);
  if (await embeddedExists(folder)) return;
  logger("database").info("making the embedded database", { folder });
  const result = await runProgram({
    ...selfCommand(["prepare-database", folder]),
    env: { ...baseEnvironment(), ...passedOn("DENO_DIR", "XDG_CACHE_HOME") },
    signal: AbortSignal.timeout(MADE_WITHIN_MS),
  });
  if (result.code !== 0) {
    throw new Error(
      `Cannot make the embedded database in ${folder}: it ${describeExit(result)}: ${
        result.stderrTail.join(" ")
      }`,
    );
  }
}

function passedOn(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
