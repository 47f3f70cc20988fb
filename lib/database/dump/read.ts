/** Reads a dump from its file: streamed, and checked to its last line. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import {
  DumpError,
  type DumpHeader,
  type DumpSequence,
  parseHeader,
  parseSequences,
  parseTrailer,
} from "./format.ts";

/** What comes out of a dump, in its order. Nothing is proven before `end` has come. */
export type DumpPart =
  | { readonly kind: "header"; readonly header: DumpHeader }
  /** Rows of one table, each the text of a JSON array. */
  | { readonly kind: "rows"; readonly table: string; readonly rows: readonly string[] }
  | { readonly kind: "sequences"; readonly sequences: readonly DumpSequence[] }
  | { readonly kind: "end"; readonly rows: number; readonly sha256: string };

/** Rows that are handed out together, in characters; one row more at the most. */
const BATCH_LENGTH = 2 ** 20;
/** PostgreSQL itself has no longer values. */
const MAX_LINE_LENGTH = 2 ** 29;

/** Reads the first line alone. @throws DumpError */
export async function readDumpHeader(file: string): Promise<DumpHeader> {
  for await (const part of readDump(file)) {
    if (part.kind === "header") return part.header;
  }
  throw new DumpError("it is empty");
}

/**
 * Reads a dump, and throws before its end where anything about it is not as its header and its last line say.
 * @throws DumpError saying what is wrong; the disk's errors
 */
export async function* readDump(file: string): AsyncGenerator<DumpPart> {
  const hash = createHash("sha256");
  let header: DumpHeader | undefined;
  let table: { name: string; expected: number; seen: number } | undefined;
  let left: DumpHeader["tables"] = [];
  let sequences = false;
  let rows: string[] = [];
  let length = 0;
  let total = 0;
  let held: string | undefined; // the last line is not part of what it sums up
  const hashed = () => {
    if (held !== undefined) hash.update(`${held}\n`);
  };
  for await (const line of lines(file)) {
    hashed();
    held = line;
    if (!header) {
      yield { kind: "header", header: header = parseHeader(line) };
      left = header.tables;
      continue;
    }
    if (line.startsWith("[")) {
      if (!table) throw new DumpError("it has rows outside of a table");
      rows.push(line);
      total++;
      table.seen++;
      length += line.length;
      if (length < BATCH_LENGTH) continue;
    }
    if (rows.length > 0) yield { kind: "rows", table: table!.name, rows };
    rows = [];
    length = 0;
    if (line.startsWith("[")) continue;
    if (table && table.seen !== table.expected) {
      throw new DumpError(
        `it has ${table.seen} rows of ${table.name} where its header says ${table.expected}`,
      );
    }
    if (left.length > 0) {
      const [next, ...rest] = left;
      if (line !== JSON.stringify({ table: next!.name })) {
        throw new DumpError(`the table ${next!.name} is missing in it`);
      }
      table = { name: next!.name, expected: next!.rows, seen: 0 };
      left = rest;
    } else if (!sequences) {
      sequences = true;
      table = undefined;
      yield { kind: "sequences", sequences: parseSequences(line) };
    } else {
      const { sha256, rows } = parseTrailer(line);
      held = undefined;
      if (hash.digest("hex") !== sha256 || rows !== total) {
        throw new DumpError("its content is not what its checksum says: it was damaged; take another dump");
      }
      yield { kind: "end", rows, sha256 };
      return;
    }
  }
  parseTrailer(undefined);
}

/** The file's lines. A file that was cut short ends with the lines that are whole. */
async function* lines(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file);
  const text = createGunzip();
  bytes.on("error", (error) => text.destroy(error));
  bytes.pipe(text);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let open: string[] = [];
  let length = 0;
  try {
    for await (const chunk of text) {
      const parts = decoder.decode(chunk, { stream: true }).split("\n");
      for (const part of parts.slice(0, -1)) {
        yield open.length > 0 ? open.join("") + part : part;
        open = [];
        length = 0;
      }
      open.push(parts.at(-1)!);
      length += parts.at(-1)!.length;
      if (length > MAX_LINE_LENGTH) throw new DumpError("it has a line without an end");
    }
  } catch (error) {
    throw explain(error);
  } finally {
    bytes.destroy();
    text.destroy();
  }
}

function explain(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code === "Z_BUF_ERROR") {
    return new DumpError("it ends before its end: it was cut short; take another dump", { cause: error });
  }
  if (code?.startsWith("Z_")) return new DumpError(`it cannot be unpacked (${message})`, { cause: error });
  if (error instanceof TypeError) return new DumpError("it is not text: it was damaged", { cause: error });
  return error;
}
