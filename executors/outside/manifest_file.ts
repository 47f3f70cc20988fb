/** What the manifests of executors and of heartbeat actions have in common: JSON in a small file, checked by a schema. */
import type { z } from "zod";

const MAX_BYTES = 256 * 1024;

/** Checks the text of a manifest. Pure. @throws Error that names every field that is wrong */
export function checkedManifest<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`is not JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.map(String).join(".")}: ${message}` : message
  );
  throw new Error(problems.join("; "));
}

/** Reads the text of a manifest. @throws Error where it is missing or too large */
export async function readManifestText(path: string): Promise<string> {
  const { size } = await Deno.stat(path);
  if (size > MAX_BYTES) throw new Error(`is larger than ${MAX_BYTES} bytes`);
  return await Deno.readTextFile(path);
}
