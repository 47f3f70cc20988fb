/** Lines that are written to a program one after the other, for as long as it runs. */

/** One program's standard input. */
export interface Speech {
  /** For `runProgram`. */
  readonly stdin: ReadableStream<Uint8Array>;
  /** Resolves when the line has been handed to the system, or never where the program does not read. */
  say(line: string): Promise<void>;
  /** Nothing more will be said; may be called again. */
  close(): void;
}

/** Begins with a line that is said before all others. */
export function speech(firstLine: string): Speech {
  const encoder = new TextEncoder();
  let open = true;
  let written = () => {};
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stdin = new ReadableStream<Uint8Array>({
    start(its) {
      controller = its;
      its.enqueue(encoder.encode(firstLine));
    },
    // Without a buffer of its own the stream is asked for more only when what came before has been written.
    pull: () => written(),
    cancel: () => void (open = false),
  }, { highWaterMark: 0 });
  return {
    stdin,
    say(line) {
      if (!open) return Promise.resolve();
      controller.enqueue(encoder.encode(line));
      return new Promise((resolve) => written = resolve);
    },
    close() {
      if (open) controller.close();
      open = false;
    },
  };
}
