/** Where the worker keeps its files, and the check that keeps paths from tasks inside their folder. */
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** The files and folders of one home folder, as absolute paths. */
export interface HomePaths {
  readonly home: string;
  readonly config: string;
  readonly pid: string;
  readonly token: string;
  /** The other tokens' digests, and the audit log. */
  readonly access: string;
  readonly journal: string;
  /** Notifications that wait for the database. */
  readonly spool: string;
  readonly db: string;
  readonly backups: string;
  readonly logs: string;
  readonly tmp: string;
}

/** Names everything that lives in the home folder; creates nothing. */
export function homePaths(home: string): HomePaths {
  return {
    home,
    config: join(home, "config.json"),
    pid: join(home, "worker.pid"),
    token: join(home, "token"),
    access: join(home, "access.sqlite"),
    journal: join(home, "journal.sqlite"),
    spool: join(home, "notifications.sqlite"),
    db: join(home, "db"),
    backups: join(home, "backups"),
    logs: join(home, "logs"),
    tmp: join(home, "tmp"),
  };
}

/**
 * The home folder that the environment asks for: ACTP_HOME, else `~/.actp-worker`.
 * @throws Error when neither ACTP_HOME nor HOME is set
 */
export function defaultHome(env: Readonly<Record<string, string | undefined>>): string {
  if (env.ACTP_HOME?.trim()) return resolve(expandHome(env.ACTP_HOME.trim(), env.HOME));
  if (env.HOME) return join(env.HOME, ".actp-worker");
  throw new Error(
    "No home folder: neither ACTP_HOME nor HOME is set; set ACTP_HOME to a folder of your own.",
  );
}

/** Replaces a leading `~` by the person's home folder, since no shell does it in files. */
export function expandHome(path: string, userHome: string | undefined): string {
  return userHome && (path === "~" || path.startsWith("~/")) ? join(userHome, path.slice(1)) : path;
}

/**
 * Creates a folder (and its parents) that only its owner may enter, or repairs the mode of an existing one.
 * @throws Error when it is not a folder or belongs to somebody else
 */
export async function ensurePrivateDir(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const { mode } = await Deno.stat(path);
    if (mode !== null && (mode & 0o777) !== 0o700) await Deno.chmod(path, 0o700);
  } catch (cause) {
    throw new Error(
      `Cannot make ${path} a private folder: ${reason(cause)}. Check its owner or choose another folder.`,
      { cause },
    );
  }
}

/**
 * Resolves a relative path from a task inside `root` and returns the real path. The part that exists is followed
 * through its symlinks; the rest may be missing. The answer holds only as long as nobody else changes the folder.
 * @throws Error when the path is empty, absolute, contains a NUL byte or leaves `root`, and when `root` is missing
 */
export async function resolveInside(root: string, path: string): Promise<string> {
  const refuse = (why: string, cause?: unknown) =>
    new Error(`The path ${JSON.stringify(path)} ${why}; give a relative path inside its folder.`, { cause });
  if (path === "") throw refuse("is empty");
  if (path.includes("\0")) throw refuse("contains a NUL byte");
  if (isAbsolute(path)) throw refuse("is absolute");
  const realRoot = await Deno.realPath(root).catch((cause) => {
    throw new Error(`The folder ${root} cannot be opened: ${reason(cause)}; create it first.`, { cause });
  });
  const wanted = join(realRoot, path);
  if (!isInside(realRoot, wanted)) throw refuse("leaves its folder");
  const found = await realPathOfExistingPart(wanted).catch((cause) => {
    throw refuse(`cannot be followed (${reason(cause)})`, cause);
  });
  if (!isInside(realRoot, found)) throw refuse("leaves its folder through a symbolic link");
  return found;
}

/** Whether `path` is `root` or below it. Compares words only: give real, absolute paths. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** A link whose target is missing counts as existing: writing through it would create the target elsewhere. */
async function realPathOfExistingPart(path: string): Promise<string> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return join(await realPathOfExistingPart(dirname(path)), relative(dirname(path), path));
  }
  return await Deno.realPath(path);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
