/** Turning a program's output bytes into bounded lines, tails and log files. */

/** Receives one line without its line end; `truncated` says that its rest was longer than allowed and is gone. */
export type LineHandler = (line: string, truncated: boolean) => void;

/** Cuts a byte stream into lines of at most `maxBytes`; what is longer is cut off. Invalid UTF-8 becomes U+FFFD. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  readonly #pending: Uint8Array;
  readonly #handle: LineHandler;
  #length = 0;
  #truncated = false;
  #afterReturn = false;

  constructor(maxBytes: number, handle: LineHandler) {
    this.#pending = new Uint8Array(maxBytes);
    this.#handle = handle;
  }

  /** Takes the next bytes. LF, CR LF and a lone CR (progress bars) end a line. */
  push(bytes: Uint8Array): void {
    let start = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte !== 10 && byte !== 13) continue;
      const secondHalfOfCrLf = byte === 10 && this.#afterReturn && i === start;
      if (!secondHalfOfCrLf) {
        this.#take(bytes.subarray(start, i));
        this.#emit();
      }
      this.#afterReturn = byte === 13;
      start = i + 1;
    }
    if (start < bytes.length) {
      this.#take(bytes.subarray(start));
      this.#afterReturn = false;
    }
  }

  /** Hands over what stands after the last line end. */
  end(): void {
    if (this.#length > 0 || this.#truncated) this.#emit();
  }

  #take(bytes: Uint8Array): void {
    const room = this.#pending.length - this.#length;
    if (bytes.length > room) this.#truncated = true;
    const kept = bytes.subarray(0, room);
    this.#pending.set(kept, this.#length);
    this.#length += kept.length;
  }

  #emit(): void {
    const line = this.#decoder.decode(this.#pending.subarray(0, this.#length));
    const truncated = this.#truncated;
    this.#length = 0;
    this.#truncated = false;
    this.#handle(line, truncated);
  }
}

/** The last `maxLines` lines, each cut to 2,000 characters. */
export class Tail {
  readonly #lines: string[] = [];
  constructor(readonly maxLines: number) {}

  add(line: string): void {
    this.#lines.push(line.length > 2_000 ? line.slice(0, 2_000) + "…" : line);
    if (this.#lines.length > this.maxLines) this.#lines.shift();
  }

  lines(): string[] {
    return [...this.#lines];
  }
}

/** A log file that takes at most `maxBytes` and then one line saying that more was dropped. */
export class BoundedLog {
  readonly #file: Deno.FsFile;
  readonly #maxBytes: number;
  #written = 0;
  #full = false;
  #turn: Promise<void> = Promise.resolve();
  /** Why writing stopped early, e.g. a full disk. */
  failure?: string;

  /** Takes over an open file and closes it in the end. */
  constructor(file: Deno.FsFile, maxBytes: number) {
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  /** Starts the file anew, readable by its owner only. */
  static async open(path: string, maxBytes: number): Promise<BoundedLog> {
    return new BoundedLog(
      await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 }),
      maxBytes,
    );
  }

  /** Appends; never throws, so that a full disk cannot block the program: see {@link failure}. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#turn = this.#turn.then(() => this.#append(bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    this.#file.close();
  }

  async #append(bytes: Uint8Array): Promise<void> {
    if (this.#full || this.failure !== undefined) return;
    const kept = bytes.subarray(0, this.#maxBytes - this.#written);
    try {
      await this.#writeAll(kept);
      this.#written += kept.length;
      if (kept.length === bytes.length) return;
      this.#full = true;
      await this.#writeAll(new TextEncoder().encode(`\n[truncated after ${this.#maxBytes} bytes]\n`));
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) done += await this.#file.write(bytes.subarray(done));
  }
}
