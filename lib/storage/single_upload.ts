/** Storing a small file in one request, read from disk as it goes. */
import { explainRefusal } from "./fault.ts";
import { fileStream } from "./file_stream.ts";
import type { StoreJob } from "./job.ts";
import { ask, isSuccess } from "./server.ts";

/** The server may take its time for putting the file away once it has all of it. */
const IDLE_MS = 120_000;

/** One attempt; what was stored under the name before is replaced. @throws StorageFault */
export async function uploadAtOnce(job: StoreJob): Promise<void> {
  const { server, object, source, signal } = job;
  using file = await source.open();
  const answer = await ask(server, {
    method: "POST",
    path: `/object/${object.encoded}`,
    headers: {
      "content-type": object.contentType,
      "cache-control": `max-age=${object.cacheSeconds}`,
      "x-upsert": "true",
      "x-metadata": btoa(JSON.stringify({ sha256: source.sha256 })),
    },
    body: (moved) =>
      fileStream({ file, start: 0, end: source.bytes }, (sent) => {
        moved();
        job.onProgress?.(sent, source.bytes);
      }),
    signal,
    idleMs: IDLE_MS,
  });
  if (!isSuccess(answer)) throw explainRefusal(answer, object, job.clock.now());
}
