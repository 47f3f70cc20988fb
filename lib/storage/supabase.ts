/** Supabase Storage: where results are kept for others to fetch. */
import { join } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { TaskError } from "../task/task.ts";
import { explainRefusal, StorageFault } from "./fault.ts";
import type { StoredObject, StoreJob } from "./job.ts";
import { encodeObjectName } from "./object_name.ts";
import { persevere } from "./persevere.ts";
import { uploadInPieces } from "./resumable_upload.ts";
import { ask, isSuccess, type StorageRequest, storageServer } from "./server.ts";
import { uploadAtOnce } from "./single_upload.ts";
import { readSource } from "./source_file.ts";
import type { Storage, StoredFile, Upload } from "./storage.ts";
import { openUploadUrls } from "./upload_urls.ts";

/** What of the configuration it goes by. */
export interface StorageSettings {
  readonly supabaseUrl?: string;
  /** A secret key (`sb_secret_…` or service_role). */
  readonly supabaseKey?: string;
  /** Whether files are named by public or by signed addresses. */
  readonly storageUrls: "public" | "signed";
  /** How long a signed address works, in seconds. */
  readonly storageSignedSeconds: number;
  /** From this size on files are sent in resumable pieces, in bytes. */
  readonly storageResumableBytes: number;
  /** The worker's home folder; unfinished uploads are remembered in `uploads` below it. */
  readonly home: string;
}

const CACHE_SECONDS = 3_600;

/** The project's Storage; undefined where no Supabase is configured. Nothing is sent before the first upload. */
export function openStorage(settings: StorageSettings, clock: Clock = systemClock): Storage | undefined {
  const { supabaseUrl, supabaseKey } = settings;
  if (!supabaseUrl || !supabaseKey) return undefined;
  const server = storageServer(supabaseUrl, supabaseKey);
  return {
    async upload(upload) {
      try {
        return await store({ ...upload, server, settings, clock });
      } catch (error) {
        upload.signal.throwIfAborted();
        if (!(error instanceof StorageFault)) throw error;
        throw new TaskError(`Cannot store ${nameOf(upload)}: ${error.message}`, {
          retry: error.retry,
          cause: error,
        });
      }
    },
  };
}

type StoreOptions = Upload & Pick<StoreJob, "server" | "clock"> & { readonly settings: StorageSettings };

async function store(options: StoreOptions): Promise<StoredFile> {
  const { bucket, path, contentType, settings, signal, clock, server, onProgress } = options;
  const encoded = encodeObjectName(bucket, path);
  if (!/^[\w.+-]+\/[\w.+-]+$/.test(contentType)) {
    throw new StorageFault(`${JSON.stringify(contentType.slice(0, 100))} is no media type`, { retry: false });
  }
  const object: StoredObject = { bucket, path, encoded, contentType, cacheSeconds: CACHE_SECONDS };
  if (settings.storageUrls === "public") await checkIsPublic(options, object);
  const source = await readSource(options.file, signal);
  const job: StoreJob = { server, object, source, signal, clock, onProgress };
  if (source.bytes < settings.storageResumableBytes) {
    await persevere(() => uploadAtOnce(job), { clock, signal });
    await checkIsThere(options, job);
  } else {
    const urls = await openUploadUrls(join(settings.home, "uploads"), clock.now);
    await urls.prune();
    await uploadInPieces(job, urls);
    // Forgotten whatever the check says: an upload that did not become the right file must not be gone on with.
    await urls.forget({ server: server.url, ...object, sha256: source.sha256 });
    await checkIsThere(options, job);
  }
  const url = settings.storageUrls === "public"
    ? `${server.url}/object/public/${encoded}`
    : await sign(options, object);
  return { url, bucket, path, bytes: source.bytes, sha256: source.sha256 };
}

/** Before anything is sent: a file in a private bucket would be stored under an address that does not work. */
async function checkIsPublic(options: StoreOptions, object: StoredObject): Promise<void> {
  const bucket = await json(options, object, {
    method: "GET",
    path: `/bucket/${encodeURIComponent(object.bucket)}`,
  });
  if (bucket.public === true) return;
  throw new StorageFault(
    `its bucket ${
      JSON.stringify(object.bucket)
    } is not public (make it public in the Supabase dashboard, or set STORAGE_URLS=signed)`,
    { retry: false },
  );
}

/** What is there now must be what was sent. */
async function checkIsThere(options: StoreOptions, { object, source }: StoreJob): Promise<void> {
  const info = await json(options, object, { method: "GET", path: `/object/info/${object.encoded}` })
    .catch((error) => {
      const isMissing = error instanceof StorageFault && error.status === 404 &&
        /object not found/i.test(error.message);
      throw isMissing
        ? new StorageFault("Supabase Storage took it but does not have it", { retry: true, cause: error })
        : error;
    });
  const metadata = info.metadata as { sha256?: unknown } | null | undefined;
  // Older servers keep no metadata of ours.
  const otherContent = typeof metadata?.sha256 === "string" && metadata.sha256 !== source.sha256;
  if (info.size === source.bytes && !otherContent) return;
  const found = otherContent ? "another file" : `${info.size} bytes`;
  throw new StorageFault(`Supabase Storage has ${found} in place of its ${source.bytes} bytes`, {
    retry: true,
  });
}

async function sign(options: StoreOptions, object: StoredObject): Promise<string> {
  const answer = await json(options, object, {
    method: "POST",
    path: `/object/sign/${object.encoded}`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ expiresIn: options.settings.storageSignedSeconds }),
  });
  // Its path stands there decoded, so only the token is taken.
  const token = /[?&]token=([\w.-]+)/.exec(String(answer.signedURL))?.[1];
  if (!token) throw new StorageFault("Supabase Storage gave no signed address", { retry: true });
  return `${options.server.url}/object/sign/${object.encoded}?token=${token}`;
}

/** A small request whose answer is a JSON object. */
function json(
  { server, signal, clock }: StoreOptions,
  object: StoredObject,
  request: Omit<StorageRequest, "signal">,
): Promise<Record<string, unknown>> {
  return persevere(async () => {
    const answer = await ask(server, { ...request, signal });
    if (!isSuccess(answer)) throw explainRefusal(answer, object, clock.now());
    try {
      const value: unknown = JSON.parse(answer.text);
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch {
      // told below
    }
    throw new StorageFault("Supabase Storage gave an answer that is not its own (is SUPABASE_URL right?)", {
      retry: true,
    });
  }, { clock, signal });
}

function nameOf({ bucket, path }: Upload): string {
  const name = `${bucket}/${path}`.replace(/[\s\p{Cc}]+/gu, " ");
  return name.length > 200 ? `${name.slice(0, 200)}…` : name;
}
