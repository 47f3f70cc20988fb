/**
 * Embedded databases for tests by copying one: making and migrating it takes 4 s of a core, a copy a tenth of a second. The
 * one that is copied lies in the temporary folder, under a name that tells its migrations, and serves later runs as well.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { MIGRATIONS } from "../database/migrations.ts";
import { tempDir } from "./temp.ts";

/** Puts a migrated embedded database into `folder`, which must not exist; `openEmbedded(folder)` opens it. */
export async function copyEmbedded(folder: string): Promise<void> {
  const template = await madeTemplate();
  const { success, stderr } = await new Deno.Command("cp", { args: ["-R", template, folder] }).output();
  if (!success) throw new Error(`Cannot copy ${template}: ${new TextDecoder().decode(stderr)}`);
}

async function madeTemplate(): Promise<string> {
  const place = await templatePlace();
  if (await isOurs(place)) return join(place, "db");
  await using draft = await tempDir();
  const { openEmbedded } = await import("../database/embedded.ts");
  const database = await openEmbedded(join(draft.path, "db"));
  await database.migrate();
  await database.close();
  try {
    await Deno.rename(draft.path, place);
    return join(place, "db");
  } catch (error) {
    // Another test was quicker.
    if (await isOurs(place)) return join(place, "db");
    throw error;
  }
}

/** Beside the folders of tests. */
async function templatePlace(): Promise<string> {
  const versions = await Deno.readTextFile(new URL("../../deno.json", import.meta.url));
  const digest = createHash("sha256").update(JSON.stringify([
    MIGRATIONS.map(({ sql }) => sql),
    /pglite@[^"]+/.exec(versions)?.[0],
    Deno.uid(),
  ])).digest("hex").slice(0, 16);
  await using any = await tempDir();
  return join(dirname(any.path), `actp-test-template-${digest}`);
}

/** Nobody else may have put it there. */
async function isOurs(place: string): Promise<boolean> {
  try {
    const { uid, mode, isDirectory } = await Deno.lstat(place);
    return isDirectory && uid === Deno.uid() && ((mode ?? 0) & 0o077) === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
