/**
 * Which files may become part of the worker: only those that nobody but their owner (or root) could have written, as
 * sshd demands of its keys. What is run as code here acts with all of the worker's rights.
 */
import { dirname } from "node:path";

/** Write permission of the group and of everybody else. */
const WRITABLE_BY_OTHERS = 0o022;
/** In such a folder everybody may make files, but nobody can replace another's. */
const STICKY = 0o1000;

/** What a file's owner and mode say against it; undefined for nothing. `folderAbove`: it only leads there. */
export function doubt(
  { uid, mode }: Pick<Deno.FileInfo, "uid" | "mode">,
  me: number | null,
  folderAbove: boolean,
): string | undefined {
  if (uid === null || mode === null || me === null) return undefined; // a system without owners
  if (uid !== me && uid !== 0) return `belongs to another user (uid ${uid}); chown it to yourself`;
  const open = (mode & WRITABLE_BY_OTHERS) !== 0;
  if (!open || (folderAbove && (mode & STICKY) !== 0)) return undefined;
  return `can be written by others (mode ${(mode & 0o7777).toString(8)}); run chmod go-w on it`;
}

/** Why a file or folder must not be used, if so: it, what it links to, and every folder above are looked at. */
export async function reasonToRefuse(
  path: string,
  me: number | null = Deno.uid(),
): Promise<string | undefined> {
  let real: string;
  try {
    real = await Deno.realPath(path);
    for (let at = real;; at = dirname(at)) {
      const against = doubt(await Deno.stat(at), me, at !== real);
      if (against) return at === path ? against : `${at} ${against}`;
      if (at === dirname(at)) return undefined;
    }
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`;
  }
}

/** The same for everything that lies in a folder, not further down. */
export async function reasonToRefuseFolder(folder: string): Promise<string | undefined> {
  const against = await reasonToRefuse(folder);
  if (against) return against;
  for await (const { name } of Deno.readDir(folder)) {
    const about = await reasonToRefuse(`${folder}/${name}`);
    if (about) return about.startsWith("/") ? about : `${folder}/${name} ${about}`;
  }
  return undefined;
}
