/** What both ways of storing a file are given. */
import type { Clock } from "../clock.ts";
import type { StorageServer } from "./server.ts";
import type { SourceFile } from "./source_file.ts";

/** The place a file is stored at. */
export interface StoredObject {
  readonly bucket: string;
  /** The object's name, with `/` between folders. */
  readonly path: string;
  /** `bucket/path` as it stands in URLs. */
  readonly encoded: string;
  readonly contentType: string;
  /** How long others may keep a copy. */
  readonly cacheSeconds: number;
}

/** One file on its way. */
export interface StoreJob {
  readonly server: StorageServer;
  readonly object: StoredObject;
  readonly source: SourceFile;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** In bytes. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}
