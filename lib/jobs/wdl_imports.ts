/** The local files that a WDL file imports, for sending them along: the worker that runs it may be another machine. */
import { dirname, join, normalize, posix } from "node:path";

const MAX_FILES = 200;
const MAX_BYTES = 16 * 1024 ** 2;

/** A WDL file with what it imports, by names relative to its own folder. */
export interface WdlSource {
  readonly wdl: string;
  readonly imports: Readonly<Record<string, string>>;
}

/** The names in the import statements of a WDL source, as written. */
export function importNames(wdl: string): string[] {
  return [...wdl.matchAll(/^[ \t]*import[ \t]+(["'])([^"'\n]+)\1/gm)].map(([, , name]) => name!);
}

/**
 * Reads a WDL file and, file by file, what it imports; addresses (`https://…`) are left to the worker.
 * @throws Error naming the file that is missing, too much, or outside the folder of the first
 */
export async function readWdl(path: string): Promise<WdlSource> {
  const folder = dirname(path);
  const wdl = await readText(path);
  const imports: Record<string, string> = {};
  let bytes = wdl.length;
  const visit = async (source: string, from: string): Promise<void> => {
    for (const written of importNames(source)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(written)) continue;
      const name = normalize(posix.join(posix.dirname(from), written));
      if (posix.isAbsolute(written) || name === ".." || name.startsWith("../")) {
        throw new Error(
          `${from} imports ${written}, which is outside the folder of ${path}: move it inside, or give its https:// address`,
        );
      }
      if (Object.hasOwn(imports, name)) continue;
      const text = await readText(join(folder, name));
      bytes += text.length;
      imports[name] = text;
      if (Object.keys(imports).length > MAX_FILES || bytes > MAX_BYTES) {
        throw new Error(`${path} imports more than ${MAX_FILES} files or ${MAX_BYTES} bytes`);
      }
      await visit(text, name);
    }
  };
  await visit(wdl, posix.basename(path));
  return { wdl, imports };
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(`Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
