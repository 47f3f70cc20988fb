/** Reading server-sent events in tests, as a browser would: with their ids, names and data. */
import type { Database } from "../database/database.ts";

/** One event. */
export interface ReadEvent {
  readonly id: string;
  readonly event: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** A stream that is being read. */
export interface EventStream {
  /** The next event; undefined when the stream has ended. Comments are counted and passed over. */
  next(): Promise<ReadEvent | undefined>;
  /** The next event with this name. */
  until(name: string): Promise<ReadEvent>;
  readonly comments: number;
  close(): Promise<void>;
}

/** Reads the body of an answer. */
export function readEvents(body: ReadableStream<Uint8Array>): EventStream {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let comments = 0;
  async function next(): Promise<ReadEvent | undefined> {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        if (block.startsWith(":")) comments++;
        const fields = Object.fromEntries(
          block.split("\n").map((
            line,
          ) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
        );
        if (fields.event === undefined) continue;
        return { id: fields.id!, event: fields.event, data: JSON.parse(fields.data!) };
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  }
  return {
    next,
    async until(name) {
      for (;;) {
        const event = await next();
        if (!event) throw new Error(`the stream ended without ${name}`);
        if (event.event === name) return event;
      }
    },
    get comments() {
      return comments;
    },
    close: () => reader.cancel(),
  };
}

/** A database that knows of nothing. */
export const nothingKnown: Database = {
  description: "knows of nothing",
  call: <T>() => Promise.resolve({ tasks: [], gone: [], acts: [], limits: [], routines: [] } as T),
  close: () => Promise.resolve(),
};
