/**
 * What is costly to make and the same for every test (an initialised database, say): made once in a checkout, and copied
 * from then on. It lies in the checkout's own ignored folder, named by what it was made from; older ones are removed.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../clock.ts";
import { digest } from "../control/token.ts";
import { type FolderLock, lockFolder } from "../process/folder_lock.ts";

const STORE = fileURLToPath(new URL("../../.test-data", import.meta.url));
/** Making takes seconds; on a machine with much else to do, far more. */
const MADE_WITHIN_MS = 120_000;

/**
 * Makes `target` a copy of a folder that `make` fills once for each `source`. The folder must not be in use afterwards.
 * @param name of the thing, a plain word
 * @param source all that decides what is made
 */
export async function copyMadeOnce(
  name: string,
  source: string,
  make: (folder: string) => Promise<void>,
  target: string,
): Promise<void> {
  const store = join(STORE, name);
  const made = join(store, digest(source).slice(0, 16));
  if (!await exists(made)) {
    await Deno.mkdir(store, { recursive: true, mode: 0o700 });
    const lock = await locked(store);
    try {
      if (!await exists(made)) await makeAnew(store, made, make);
    } finally {
      lock.release();
    }
  }
  await copyFolder(made, target);
}

/** Copies a folder with owners and modes, which PostgreSQL insists on. */
export async function copyFolder(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  if (!success) throw new Error(`Cannot copy ${from}: ${new TextDecoder().decode(stderr)}`);
}

async function locked(store: string): Promise<FolderLock> {
  for (const end = performance.now() + MADE_WITHIN_MS; performance.now() < end;) {
    const lock = lockFolder(store);
    if (lock) return lock;
    await systemClock.sleep(50);
  }
  throw new Error(`Another test did not finish making ${store} within ${MADE_WITHIN_MS} ms`);
}

async function makeAnew(store: string, made: string, make: (folder: string) => Promise<void>) {
  for await (const { name, isDirectory } of Deno.readDir(store)) {
    if (isDirectory) await Deno.remove(join(store, name), { recursive: true });
  }
  const draft = join(store, "draft");
  await make(draft);
  await Deno.rename(draft, made);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
