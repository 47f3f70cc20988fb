/** A file that is being fetched: what has come so far, and whether it may stay. */
import { createHash, type Hash } from "node:crypto";
import type { TaskError } from "../task/task.ts";
import { isUnspecific, matchesMediaType, SNIFF_BYTES, sniffMediaType } from "./media_type.ts";
import { downloadFailure } from "./open_url.ts";
import { type AnswerHead, type Received, totalOf, validatorOf } from "./range.ts";

/** What the file must be. */
export interface Bounds {
  /** For messages. */
  readonly url: string;
  /** A path where nothing is yet. */
  readonly file: string;
  readonly maxBytes: number;
  /** Media types that will do; all of them unless told. */
  readonly expectedTypes?: readonly string[];
  /** Of the whole file, hex. */
  readonly sha256?: string;
}

/** `await using part = new PartialFile(bounds)`: on disposal the file is removed unless it was finished. */
export class PartialFile implements AsyncDisposable {
  readonly #bounds: Bounds;
  #file?: Deno.FsFile;
  #finished = false;
  #bytes = 0;
  #starts = 0;
  #total?: number;
  #validator?: string;
  #hash?: Hash;
  #contentType = "";
  /** The first bytes, while the type has to be judged by them. */
  #head?: Uint8Array;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The whole file's size, if the server told it. */
  get total(): number | undefined {
    return this.#total;
  }

  /** How often it was begun; 0 while no body has come. */
  get starts(): number {
    return this.#starts;
  }

  /** What can be gone on with; undefined when it must be begun (again). */
  get received(): Received | undefined {
    if (this.#validator === undefined || this.#bytes === 0) return undefined;
    return { bytes: this.#bytes, total: this.#total, validator: this.#validator };
  }

  /** What came so far cannot be gone on with: the file has changed. */
  abandon(): void {
    this.#validator = undefined;
  }

  /**
   * Begins with an empty file.
   * @throws TaskError when the answer's head shows that the file is none that will do, or when it cannot be made
   */
  async begin(head: AnswerHead): Promise<void> {
    const { url, maxBytes, expectedTypes, sha256 } = this.#bounds;
    if (!["identity", ""].includes(head.headers.get("content-encoding")?.toLowerCase() ?? "")) {
      throw downloadFailure(url, "the server sent it compressed though that was not asked for", false);
    }
    const type = (head.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
    const judge = expectedTypes !== undefined && isUnspecific(type);
    if (!judge) this.#checkType(type, type);
    const total = totalOf(head);
    if (total !== undefined && total > maxBytes) throw this.#tooLarge();
    await this.#onDisk(() => this.#empty());
    this.#starts++;
    this.#bytes = 0;
    this.#total = total;
    this.#validator = validatorOf(head.headers);
    this.#contentType = type;
    this.#head = judge ? new Uint8Array() : undefined;
    this.#hash = sha256 === undefined ? undefined : createHash("sha256");
  }

  /** @throws TaskError when it is too large, of another type, or cannot be written */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#bytes + chunk.length > this.#bounds.maxBytes) throw this.#tooLarge();
    const file = this.#file!;
    await this.#onDisk(async () => {
      for (let done = 0; done < chunk.length;) done += await file.write(chunk.subarray(done));
    });
    this.#bytes += chunk.length;
    this.#hash?.update(chunk);
    if (!this.#head) return;
    this.#head = concat(this.#head, chunk.subarray(0, SNIFF_BYTES - this.#head.length));
    if (this.#head.length === SNIFF_BYTES) this.#judge(this.#head);
  }

  /** Closes it, to stay. @throws TaskError when it is of another type or has another checksum */
  finish(): { bytes: number; contentType: string } {
    if (this.#head) this.#judge(this.#head);
    const { url, sha256 } = this.#bounds;
    const found = this.#hash?.digest("hex");
    if (found !== sha256?.toLowerCase()) {
      throw downloadFailure(url, `its SHA-256 is ${found} in place of ${sha256}`, true);
    }
    this.#close();
    this.#finished = true;
    return { bytes: this.#bytes, contentType: this.#contentType };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#starts === 0 || this.#finished) return;
    this.#close();
    await Deno.remove(this.#bounds.file);
  }

  async #empty(): Promise<void> {
    if (this.#file) {
      await this.#file.truncate(0);
      await this.#file.seek(0, Deno.SeekMode.Start);
    } else {
      this.#file = await Deno.open(this.#bounds.file, { write: true, createNew: true, mode: 0o600 });
    }
  }

  /** A full disk is no broken connection: it is not tried again here. */
  async #onDisk(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw downloadFailure(
        this.#bounds.url,
        `it cannot be written: ${(error as Error).message}`,
        true,
        error,
      );
    }
  }

  #judge(head: Uint8Array): void {
    this.#head = undefined;
    const type = sniffMediaType(head);
    this.#checkType(type ?? "", type ?? "of a type that neither the server nor its first bytes tell");
    this.#contentType = type!;
  }

  #checkType(type: string, said: string): void {
    const { url, expectedTypes } = this.#bounds;
    if (expectedTypes === undefined || matchesMediaType(type, expectedTypes)) return;
    throw downloadFailure(url, `it is ${said}, not ${expectedTypes.join(" or ")}`, false);
  }

  #tooLarge(): TaskError {
    return downloadFailure(this.#bounds.url, `it is larger than ${this.#bounds.maxBytes} bytes`, false);
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
