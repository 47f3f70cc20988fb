/** Storing a large file in pieces, going on where the last attempt broke off, be it in another process. */
import { explainRefusal } from "./fault.ts";
import type { StoreJob } from "./job.ts";
import { persevere } from "./persevere.ts";
import { attemptTusUpload } from "./tus_client.ts";
import type { UploadUrls } from "./upload_urls.ts";

const ENDPOINT = "/upload/resumable";
/** The one size that Storage takes: https://supabase.com/docs/guides/storage/uploads/resumable-uploads */
export const PIECE_BYTES = 6 * 1024 * 1024;
/** What a server says of an upload that it does not know (any more). */
const GONE = [404, 410];
/** How often uploads may be lost by the server before we give up. */
const MAX_RESTARTS = 2;

/**
 * Sends what the server does not have yet. The upload stays in `urls`, for the caller to forget when all is well.
 * @throws StorageFault; the signal's reason when aborted
 */
export async function uploadInPieces(job: StoreJob, urls: UploadUrls): Promise<void> {
  const { server, object, source, signal, clock } = job;
  const identity = { server: server.url, ...object, sha256: source.sha256 };
  let url = await urls.find(identity);
  let confirmed = 0;
  let restarts = 0;

  const attempt = async (): Promise<void> => {
    using file = await source.open();
    const end = await attemptTusUpload({
      server,
      endpoint: ENDPOINT,
      url,
      file,
      bytes: source.bytes,
      pieceBytes: PIECE_BYTES,
      metadata: {
        bucketName: object.bucket,
        objectName: object.path,
        contentType: object.contentType,
        cacheControl: String(object.cacheSeconds),
        metadata: JSON.stringify({ sha256: source.sha256 }),
      },
      headers: { "x-upsert": "true" },
      signal,
      onCreated(created) {
        url = created;
        urls.remember(identity, created);
      },
      onProgress: (bytes) => job.onProgress?.(bytes, source.bytes),
      onConfirmed: (bytes) => void (confirmed = bytes),
    });
    if (end.kind === "complete") return;
    const isLost = end.method !== "POST" && GONE.includes(end.answer.status);
    if (!isLost || restarts === MAX_RESTARTS) throw explainRefusal(end.answer, object, clock.now());
    restarts++;
    await urls.forget(identity);
    url = undefined;
    return await attempt();
  };
  await persevere(attempt, { clock, signal, progress: () => confirmed });
}
