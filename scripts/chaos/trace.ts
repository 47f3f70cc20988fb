/** What workers do, told outside the database: one line an event, on disk before the work goes on. */

/** One event of one attempt. `worker` ran it under `token`; `nonce` is this execution's alone. */
export interface TraceLine {
  readonly event: "start" | "done" | "failed" | "stopped";
  /** Ms since the epoch by the worker's clock, which may have been set. */
  readonly at: number;
  readonly task: string;
  readonly attempt: number;
  readonly token: string;
  readonly worker: string;
  readonly nonce: string;
}

/** An open trace; several may append to one file. */
export interface Trace extends Disposable {
  /** Resolves when the line is on disk. */
  append(line: TraceLine): Promise<void>;
}

/** Opens a trace for appending, and makes it if it is not there. */
export async function openTrace(path: string): Promise<Trace> {
  const file = await Deno.open(path, { append: true, create: true });
  return {
    async append(line) {
      const bytes = new TextEncoder().encode(JSON.stringify(line) + "\n");
      // One write, so that a killed worker leaves a whole line or none.
      if (await file.write(bytes) !== bytes.length) throw new Error(`Cannot write ${path}: the disk is full`);
      await file.syncData();
    },
    [Symbol.dispose]: () => file.close(),
  };
}

/** The lines of a trace's text. @throws Error naming a line that is damaged */
export function parseTrace(text: string): TraceLine[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    try {
      return JSON.parse(line) as TraceLine;
    } catch (cause) {
      throw new Error(`a line of the trace is damaged: ${line.slice(0, 200)}`, { cause });
    }
  });
}
