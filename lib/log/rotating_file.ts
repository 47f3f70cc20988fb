/** The log as files that this process rotates itself: bounded in size, age and number. */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { closedName, CURRENT_NAME, isClosedName, isFull, type RotationPolicy, surplus } from "./rotation.ts";

/** What the file is made of. */
export interface RotatingFileOptions {
  /** The folder of the log files, made (0700) with the first line. */
  readonly folder: string;
  /** Asked before every line, so it may change. */
  readonly policy: () => RotationPolicy;
  readonly clock?: Clock;
  /** Told once when lines cannot be written, and once when they can again. */
  readonly onTrouble: (message: string) => void;
}

interface OpenFile {
  readonly fd: number;
  readonly inode: number;
  readonly begunAt: number;
  bytes: number;
}

/** Longer lines are left out, and that is said in their place. */
const MAX_LINE_BYTES = 2 ** 20;
/** How often it is looked whether somebody has moved or removed the file. */
const LOOK_EVERY_MS = 5_000;

/**
 * Appends whole lines, synchronously, so that the last one before a crash is there. Opens nothing before the first
 * line. One process at a time: the daemon writes only while it holds its home folder.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  readonly #clock: Clock;
  #file: OpenFile | undefined;
  #lookedAt = 0;
  #lost = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Log files are read by programs. */
  isTerminal(): boolean {
    return false;
  }

  /** Appends a line, its line feed included. Never throws: a full disk must not end the work. */
  write(line: string): void {
    try {
      const bytes = this.#bytesOf(line);
      if (this.#lost > 0) {
        this.#append(this.#bytesOf(this.#ownLine(`${this.#lost} log lines before this one were lost`)));
      }
      this.#append(bytes);
      if (this.#lost > 0) this.#options.onTrouble(`the log is written again; ${this.#lost} lines were lost`);
      this.#lost = 0;
    } catch (error) {
      this.close();
      if (this.#lost++ > 0) return;
      this.#options.onTrouble(
        `Cannot write the log in ${this.#options.folder}: ${
          (error as Error).message
        }; its lines are lost until that is put right (check the disk's free space and the folder's owner)`,
      );
    }
  }

  /** Ends the file; a later line opens it again. */
  close(): void {
    const fd = this.#file?.fd;
    this.#file = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  /** Hands what was written over to the disk, for the moment before the end. */
  sync(): void {
    if (this.#file) fsyncSync(this.#file.fd);
  }

  #bytesOf(line: string): Uint8Array {
    const bytes = new TextEncoder().encode(line);
    if (bytes.length <= MAX_LINE_BYTES) return bytes;
    return new TextEncoder().encode(this.#ownLine(`a log line of ${bytes.length} bytes was left out`));
  }

  #append(bytes: Uint8Array): void {
    const now = this.#clock.now();
    const policy = this.#options.policy();
    this.#noticeRemoval();
    let file = this.#file ??= this.#open();
    if (isFull(file, bytes.length, now, policy)) {
      this.#rotate(now, policy);
      file = this.#file ??= this.#open();
    }
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(writeSync(file.fd, rest));
    file.bytes += bytes.length;
  }

  #open(): OpenFile {
    mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 });
    const fd = openSync(this.#path(CURRENT_NAME), "a", 0o600);
    const { size, ino, birthtimeMs, mtimeMs } = fstatSync(fd);
    this.#lookedAt = this.#clock.monotonic();
    // Some file systems do not tell when a file was made.
    const begunAt = size === 0 ? this.#clock.now() : birthtimeMs || mtimeMs;
    return { fd, inode: ino, begunAt, bytes: size };
  }

  #rotate(now: number, policy: RotationPolicy): void {
    this.close();
    const { folder } = this.#options;
    const taken = new Set(readdirSync(folder));
    let nth = 0;
    while (taken.has(closedName(now, nth))) nth++;
    renameSync(this.#path(CURRENT_NAME), this.#path(closedName(now, nth)));
    const closed = readdirSync(folder).filter(isClosedName).map((name) => {
      const { size, mtimeMs } = statSync(this.#path(name));
      return { name, bytes: size, lastWriteAt: mtimeMs };
    });
    for (const name of surplus(closed, policy, now)) rmSync(this.#path(name), { force: true });
  }

  /** Somebody may have moved or removed the file; what is written to it then would be seen by nobody. */
  #noticeRemoval(): void {
    if (!this.#file || this.#clock.monotonic() - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = this.#clock.monotonic();
    const there = statSync(this.#path(CURRENT_NAME), { throwIfNoEntry: false });
    if (there?.ino !== this.#file.inode) this.close();
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }

  #ownLine(message: string): string {
    const time = new Date(this.#clock.now()).toISOString();
    return JSON.stringify({ time, level: "warning", category: "actp.log.file", message }) + "\n";
  }
}
