/** The secret that opens the control API: a file only its owner can read. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { logger } from "../log.ts";

const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** 32 random bytes as base64url. */
export function randomSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** The SHA-256 of a secret, in hex. */
export function digest(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Compares without telling by the time it takes how much is alike, or how long the secret is. */
export function equalSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}

/**
 * Reads the token file, or makes it; a file that others may read is made private again.
 * @throws Error when it is a link, belongs to somebody else or holds no token
 */
export async function loadOrCreateToken(path: string): Promise<string> {
  return await readToken(path) ?? await createToken(path);
}

/**
 * Reads the token file; undefined when there is none, so the worker never ran here.
 * @throws Error as {@link loadOrCreateToken} does
 */
export async function readToken(path: string): Promise<string | undefined> {
  const info = await Deno.lstat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`Cannot read the token file ${path}: ${error.message}. Check the folder's owner.`, {
      cause: error,
    });
  });
  if (!info) return undefined;
  const refuse = (why: string) =>
    new Error(`The token file ${path} ${why}; remove it and start the worker again.`);
  if (!info.isFile) throw refuse("is not a plain file");
  if (info.uid !== null && info.uid !== Deno.uid()) throw refuse("belongs to somebody else");
  if (info.mode !== null && (info.mode & 0o077) !== 0) {
    await Deno.chmod(path, 0o600);
    logger("control").warning(
      `The token file ${path} could be read by others and is private again; remove it and restart for a new token.`,
    );
  }
  const token = (await Deno.readTextFile(path)).trim();
  if (!SECRET.test(token)) throw refuse("holds no token");
  return token;
}

/** A link appears with its content or not at all, so nobody reads half a token and two starts agree on one. */
async function createToken(path: string): Promise<string> {
  const draft = `${path}.${randomSecret()}`;
  const token = randomSecret();
  try {
    await Deno.writeTextFile(draft, `${token}\n`, { createNew: true, mode: 0o600 });
    await Deno.link(draft, path);
    return token;
  } catch (error) {
    const other = error instanceof Deno.errors.AlreadyExists ? await readToken(path) : undefined;
    if (other) return other;
    const reason = (error as Error).message;
    throw new Error(
      `Cannot make the token file ${path}: ${reason}. Check the folder's owner and free space.`,
      {
        cause: error,
      },
    );
  } finally {
    await Deno.remove(draft).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}
