/** Dumps as text, for tests that compare or damage them. */
import { gunzipSync, gzipSync } from "node:zlib";

/** The lines of a dump. */
export async function dumpLines(file: string): Promise<string[]> {
  return new TextDecoder().decode(gunzipSync(await Deno.readFile(file))).trimEnd().split("\n");
}

/** What two dumps of the same content have in common: all but the moment, the server and the sum over both. */
export async function dumpContent(file: string): Promise<string[]> {
  const lines = await dumpLines(file);
  const { at: _at, postgres: _postgres, ...header } = JSON.parse(lines[0]!);
  const { sha256: _sha256, ...trailer } = JSON.parse(lines.at(-1)!);
  return [JSON.stringify(header), ...lines.slice(1, -1), JSON.stringify(trailer)];
}

/** Writes lines as a dump, whatever they say. */
export async function writeLines(file: string, lines: readonly string[]): Promise<void> {
  await Deno.writeFile(file, gzipSync(lines.map((line) => `${line}\n`).join("")));
}
