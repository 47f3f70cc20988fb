/** Remembers on disk where unfinished uploads live on the server, so that a restarted worker can go on with them. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ensurePrivateDir } from "../paths.ts";

/** What makes two uploads the same one. */
export interface UploadIdentity {
  readonly server: string;
  readonly bucket: string;
  readonly path: string;
  readonly contentType: string;
  /** Of the whole file. */
  readonly sha256: string;
}

/** The memory; each upload is a small file of its own (0600), so several workers may share the folder. */
export interface UploadUrls {
  /** The URL, unless it is older than the server keeps unfinished uploads. */
  find(upload: UploadIdentity): Promise<string | undefined>;
  /** Written before it returns, whole or not at all. */
  remember(upload: UploadIdentity, url: string): void;
  forget(upload: UploadIdentity): Promise<void>;
  /** Removes what is too old. */
  prune(): Promise<void>;
}

/** Supabase keeps unfinished uploads for a day: https://supabase.com/docs/guides/storage/uploads/resumable-uploads */
const LIFETIME_MS = 24 * 3_600_000;

/** Opens the memory in a private folder of its own, which is made if need be. @param now ms since the epoch */
export async function openUploadUrls(folder: string, now: () => number): Promise<UploadUrls> {
  await ensurePrivateDir(folder);
  const fileOf = (upload: UploadIdentity) => {
    const { server, bucket, path, contentType, sha256 } = upload;
    const identity = JSON.stringify([server, bucket, path, contentType, sha256]);
    return join(folder, `${createHash("sha256").update(identity).digest("hex")}.json`);
  };
  const isOld = (at: number) => Math.abs(now() - at) >= LIFETIME_MS;
  return {
    async find(upload) {
      const text = await Deno.readTextFile(fileOf(upload)).catch(ifMissing);
      const entry = text === undefined ? undefined : parseEntry(text);
      return entry && !isOld(entry.at) ? entry.url : undefined;
    },
    remember(upload, url) {
      const file = fileOf(upload);
      const part = `${file}.${crypto.randomUUID()}.part`;
      Deno.writeTextFileSync(part, JSON.stringify({ url, at: now() }), { createNew: true, mode: 0o600 });
      Deno.renameSync(part, file);
    },
    async forget(upload) {
      await Deno.remove(fileOf(upload)).catch(ifMissing);
    },
    async prune() {
      for await (const { name } of Deno.readDir(folder)) {
        const file = join(folder, name);
        const changed = (await Deno.stat(file).catch(ifMissing))?.mtime?.getTime();
        if (changed !== undefined && isOld(changed)) await Deno.remove(file).catch(ifMissing);
      }
    },
  };
}

/** Another worker may have removed it. */
function ifMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** A file that was damaged or edited is as good as none: the upload starts again. */
function parseEntry(text: string): { url: string; at: number } | undefined {
  try {
    const { url, at } = JSON.parse(text);
    return typeof url === "string" && typeof at === "number" ? { url, at } : undefined;
  } catch {
    return undefined;
  }
}
