/** Where results are kept for others to fetch: the words that executors and the storage client share. */

/** A file to be stored. */
export interface Upload {
  /** An existing regular file. */
  readonly file: string;
  readonly bucket: string;
  /** The object's name in the bucket, with `/` between folders. Storing it again replaces it. */
  readonly path: string;
  /** A media type, e.g. `video/mp4`. */
  readonly contentType: string;
  readonly signal: AbortSignal;
  /** Called as pieces arrive; in bytes. */
  readonly onProgress?: (sentBytes: number, totalBytes: number) => void;
}

/** A stored file. */
export interface StoredFile {
  /** Where others fetch it: public or signed, as configured. */
  readonly url: string;
  readonly bucket: string;
  readonly path: string;
  readonly bytes: number;
  /** Of the whole file, lower-case hex. */
  readonly sha256: string;
}

/** A store of files. */
export interface Storage {
  /**
   * Stores a file; large ones in pieces, which go on after a broken connection and after a restart of the worker.
   * @throws TaskError, without retry for what will not change (no such bucket, refused type, too large)
   */
  upload(upload: Upload): Promise<StoredFile>;
}
