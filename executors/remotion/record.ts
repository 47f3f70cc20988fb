/** What an attempt leaves in its task's result folder for the next one, so that a video is not rendered twice. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";

const schema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("rendered"),
    fingerprint: z.string(),
    /** A name in the same folder. */
    file: z.string().regex(/^[^./][^/]*$/),
    renderMs: z.number().min(0),
  }),
  z.object({ kind: z.literal("submitted"), fingerprint: z.string(), jobId: z.string().min(1).max(200) }),
]);

/** A video that lies finished in the folder, or a job that the render service works on. */
export type RenderRecord = z.infer<typeof schema>;

const NAME = ".remotion-render.json";

/** SHA-256 (hex) of what was asked for: the input, and where it is rendered. */
export function fingerprint(asked: unknown): string {
  return createHash("sha256").update(JSON.stringify(asked)).digest("hex");
}

/** The record of an earlier attempt at just this; undefined where there is none that can be read. */
export async function readRecord(folder: string, wanted: string): Promise<RenderRecord | undefined> {
  const text = await Deno.readTextFile(join(folder, NAME)).catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const record = schema.parse(JSON.parse(text));
    return record.fingerprint === wanted ? record : undefined;
  } catch {
    return undefined; // of another version: it is rendered anew
  }
}

/** Whole or not at all. */
export async function writeRecord(folder: string, record: RenderRecord): Promise<void> {
  const part = join(folder, `${NAME}.${crypto.randomUUID()}.part`);
  await Deno.writeTextFile(part, JSON.stringify(record), { mode: 0o600 });
  await Deno.rename(part, join(folder, NAME));
}

/** Removes the folder where nothing is in it. */
export async function removeIfEmpty(folder: string): Promise<void> {
  for await (const _ of Deno.readDir(folder)) return;
  await Deno.remove(folder);
}

/** Fine when there is none. */
export async function removeRecord(folder: string): Promise<void> {
  await Deno.remove(join(folder, NAME)).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
