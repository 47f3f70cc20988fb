/** A stand-in for Storage, a client of it and a folder for files, for tests of uploads. */
import { join } from "node:path";
import { openStorage, type StorageSettings } from "../storage/supabase.ts";
import type { StoredFile, Upload } from "../storage/storage.ts";
import type { Bucket } from "./storage_objects.ts";
import { type InstantClock, instantClock } from "./instant_clock.ts";
import { writeRandomFile } from "./random_file.ts";
import { startStorageServer, type StorageServerStandIn } from "./storage_server.ts";
import { tempDir } from "./temp.ts";

export const MIB = 1024 * 1024;

/** `await using bench = await storageBench();` */
export interface StorageBench extends AsyncDisposable {
  readonly server: StorageServerStandIn;
  readonly clock: InstantClock;
  readonly folder: string;
  readonly home: string;
  readonly settings: StorageSettings;
  /** Makes a file of so many bytes; the same seed gives the same content. Returns its path. */
  file(bytes: number, seed?: number): Promise<string>;
  /** Uploads with a client of its own, as a worker does that has just been started. */
  upload(
    upload: Partial<Upload> & Pick<Upload, "file">,
    settings?: Partial<StorageSettings>,
  ): Promise<StoredFile>;
}

/** Buckets: `videos` is public and takes videos of up to 100 MiB, `private` takes anything. */
const BUCKETS: Readonly<Record<string, Bucket>> = {
  videos: { public: true, types: ["video/*"], maxBytes: 100 * MIB },
  private: {},
};

/** Everything from 1 MiB on is sent in pieces. */
export async function storageBench(buckets = BUCKETS): Promise<StorageBench> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await tempDir()).path;
  const server = cleanup.use(await startStorageServer(buckets));
  const clock = instantClock();
  const home = join(folder, "home");
  const settings: StorageSettings = {
    supabaseUrl: server.url,
    supabaseKey: server.key,
    storageUrls: "public",
    storageSignedSeconds: 600,
    storageResumableBytes: MIB,
    home,
  };
  const owned = cleanup.move();
  return {
    server,
    clock,
    folder,
    home,
    settings,
    async file(bytes, seed = 1) {
      const path = join(folder, `${bytes}-${seed}`);
      await writeRandomFile(path, bytes, seed);
      return path;
    },
    upload: (upload, more) =>
      openStorage({ ...settings, ...more }, clock)!.upload({
        bucket: "videos",
        path: "film.mp4",
        contentType: "video/mp4",
        signal: new AbortController().signal,
        ...upload,
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
