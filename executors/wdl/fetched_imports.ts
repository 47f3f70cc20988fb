/** Documents that are imported by address: fetched, and imported by name from then on. */
import { posix } from "node:path";
import { TaskError } from "../../lib/task/task.ts";
import { MAIN, readOne } from "./bundle.ts";

/** A document and its imports by name. */
export interface Sources {
  readonly wdl: string;
  readonly imports: Readonly<Record<string, string>>;
}

const MAX_FETCHED = 200;

/**
 * Fetches what is imported by address, and what that imports in turn, as `fetched/<number>/<its name>`; the importing
 * documents then name those files. Imports by name are left alone.
 * @throws TaskError without retry for too many; whatever `fetchText` throws
 */
export async function fetchImports(
  { wdl, imports }: Sources,
  fetchText: (url: string) => Promise<string>,
): Promise<Sources> {
  const done: Record<string, string> = {};
  const names = new Map<string, string>();
  const waiting: { name: string; text: string; url?: string }[] = [
    { name: MAIN, text: wdl },
    ...Object.entries(imports).map(([name, text]) => ({ name, text })),
  ];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { name, text, url } = next;
    let rewritten = text;
    // From the last to the first, so that places stay right.
    for (const { uri, start, end } of readOne(name, text).imports.toReversed()) {
      const address = addressOf(uri, url);
      if (address === undefined) continue;
      let staged = names.get(address);
      if (staged === undefined) {
        if (names.size === MAX_FETCHED) {
          throw new TaskError(`more than ${MAX_FETCHED} imports by address`, { retry: false });
        }
        staged = `fetched/${names.size + 1}/${fileName(address)}`;
        names.set(address, staged);
        waiting.push({ name: staged, text: await fetchText(address), url: address });
      }
      const relative = posix.relative(posix.dirname(name), staged);
      rewritten = `${rewritten.slice(0, start)}"${relative}"${rewritten.slice(end)}`;
    }
    done[name] = rewritten;
  }
  const { [MAIN]: main, ...others } = done;
  return { wdl: main, imports: others };
}

/** Undefined for an import by name. What a fetched document imports by name lies beside it. */
function addressOf(uri: string, importer: string | undefined): string | undefined {
  if (/^https?:\/\//i.test(uri)) return URL.parse(uri)?.href;
  if (importer === undefined || /^[a-z][a-z0-9+.-]*:/i.test(uri)) return undefined;
  return URL.parse(uri, importer)?.href;
}

/** Keeps the last part, since an import without `as` is known by it. */
function fileName(address: string): string {
  const last = new URL(address).pathname.split("/").at(-1)!.replaceAll(/[^\w.-]/g, "_").slice(-100);
  return /^\.*$/.test(last) ? "import.wdl" : last;
}
