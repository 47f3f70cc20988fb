/** What is done to the embedded database in a process of its own, whose memory goes with it: making and dumping it. */
import type { Command } from "commander";
import { selfCommand } from "../daemon/self.ts";
import { writeDump } from "../database/dump/write.ts";
import { embeddedReady, openEmbedded } from "../database/embedded.ts";
import { dataMajor } from "../database/embedded_folder.ts";
import { logger } from "../log.ts";
import { baseEnvironment, describeExit, runProgram } from "../process.ts";
import { ensurePrivateDir } from "../paths.ts";

/** A million tasks are carried over in minutes. */
const MADE_WITHIN_MS = 3_600_000;

/** Adds the hidden commands. */
export function addPrepareDatabase(program: Command): void {
  program.command("prepare-database <folder>", { hidden: true })
    .action(async (folder: string) => await (await openEmbedded(folder)).close());
  program.command("dump-database <folder> <file>", { hidden: true })
    .action(async (folder: string, file: string) => {
      const database = await openEmbedded(folder);
      await writeDump(database, file).finally(() => database.close());
    });
}

/**
 * Has the database made where there is none, and carried over where it is of another major version of PostgreSQL.
 * @throws where that fails, with what the process said
 */
export async function prepareDatabase(folder: string): Promise<void> {
  await ensurePrivateDir(folder);
  if (await embeddedReady(folder)) return;
  const former = await dataMajor(folder);
  logger("database").info(
    former === undefined
      ? "making the embedded database"
      : `carrying the embedded database over from PostgreSQL ${former}`,
    { folder },
  );
  const result = await runProgram({
    ...selfCommand(["prepare-database", folder]),
    env: { ...baseEnvironment(), ...passedOn("DENO_DIR", "XDG_CACHE_HOME") },
    signal: AbortSignal.timeout(MADE_WITHIN_MS),
  });
  if (result.code !== 0) {
    throw new Error(
      result.stderrTail.join(" ") ||
        `Cannot make the embedded database in ${folder}: it ${describeExit(result)}`,
    );
  }
}

function passedOn(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
