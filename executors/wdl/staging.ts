/** The private folder of a run: what the runner is given, and where it leaves its results. */
import { dirname, join } from "node:path";
import { type Bundle, MAIN } from "./bundle.ts";
import type { ReadyInputs } from "./inputs.ts";

/** Absolute paths inside the attempt's temp folder. */
export interface Stage {
  readonly wdl: string;
  readonly inputs: string;
  /** Where the runner works and leaves what it makes; its current folder, too. */
  readonly run: string;
  /** Where it is told to write the outputs' values, if it can. */
  readonly outputs: string;
  /** Its temporary files. */
  readonly temp: string;
}

/** Names the parts of the stage; makes nothing. */
export function stageIn(folder: string): Stage {
  return {
    wdl: join(folder, "wdl", MAIN),
    inputs: join(folder, "inputs.json"),
    run: join(folder, "run"),
    outputs: join(folder, "outputs.json"),
    temp: join(folder, "tmp"),
  };
}

/** Writes the documents and the inputs; the names in the bundle are known to stay inside the folder. */
export async function writeStage(
  stage: Stage,
  sources: Bundle["sources"],
  inputs: ReadyInputs,
): Promise<void> {
  const folder = dirname(stage.wdl);
  for (const [name, text] of sources) {
    await Deno.mkdir(join(folder, dirname(name)), { recursive: true });
    await Deno.writeTextFile(join(folder, name), text, { createNew: true });
  }
  await Deno.mkdir(stage.run);
  await Deno.mkdir(stage.temp);
  await Deno.writeTextFile(stage.inputs, JSON.stringify(inputs), { mode: 0o600, createNew: true });
}
