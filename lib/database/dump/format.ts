/**
 * The format of a dump: gzipped lines of JSON, so that `zcat` and `jq` read it and every later PostgreSQL can load it.
 * The first line is the header; then, table by table, `{"table": name}` and its rows, each an array of its columns in
 * PostgreSQL's own text form (null for NULL); then `{"sequences": […]}`; the last line is `{"rows", "sha256"}` of all
 * that stands above it. A file without that last line was cut short.
 */
import { z } from "zod";

/** Of the format, not of the program; a reader refuses what is newer than it knows. */
export const DUMP_VERSION = 1;
const FORMAT = "actp-worker database dump";

const tableSchema = z.object({
  name: z.string(),
  columns: z.array(z.string()).min(1),
  rows: z.number().int().nonnegative(),
});
const headerSchema = z.object({
  format: z.literal(FORMAT),
  version: z.number().int(),
  /** Of the program that wrote it. */
  program: z.string(),
  /** ISO 8601; the moment that the dump shows. */
  at: z.string(),
  /** Of the server, e.g. `18.6`. */
  postgres: z.string(),
  /** The versions of the migrations that had made the schema. */
  migrations: z.array(z.string().regex(/^\d{14}$/)).min(1),
  /** In the order of their rows: what others refer to comes first. */
  tables: z.array(tableSchema),
});
const sequencesSchema = z.object({
  sequences: z.array(z.object({ table: z.string(), column: z.string(), value: z.string().regex(/^-?\d+$/) })),
});
const trailerSchema = z.object({ rows: z.number().int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/** One table of a dump; generated columns are not in it. */
export type DumpTable = z.output<typeof tableSchema>;
/** The first line. */
export type DumpHeader = z.output<typeof headerSchema>;
/** How far an identity column had counted. */
export type DumpSequence = z.output<typeof sequencesSchema>["sequences"][number];
/** The last line. */
export type DumpTrailer = z.output<typeof trailerSchema>;

/** Something is wrong with a dump; nothing of it was taken over. */
export class DumpError extends Error {
  override readonly name = "DumpError";
}

/** The first line's text. */
export function headerLine(header: Omit<DumpHeader, "format" | "version">): string {
  return JSON.stringify({ format: FORMAT, version: DUMP_VERSION, ...header });
}

/** Reads the first line. @throws DumpError where it is none, or of a later format */
export function parseHeader(line: string): DumpHeader {
  const value = parseJson(line);
  const version = (value as { format?: unknown; version?: unknown })?.version;
  if ((value as { format?: unknown })?.format !== FORMAT) {
    throw new DumpError("it is no dump of actp-worker; give a file that `actp-worker db dump` wrote");
  }
  if (typeof version === "number" && version > DUMP_VERSION) {
    throw new DumpError(
      `its format ${version} is newer than this program's ${DUMP_VERSION}; upgrade actp-worker`,
    );
  }
  return checked(headerSchema, value, "header");
}

/** Reads the line of sequences. @throws DumpError */
export function parseSequences(line: string): readonly DumpSequence[] {
  return checked(sequencesSchema, parseJson(line), "line of sequences").sequences;
}

/** Reads the last line. @throws DumpError where the file ends without it */
export function parseTrailer(line: string | undefined): DumpTrailer {
  if (line === undefined) throw new DumpError("it ends before its end: it was cut short; take another dump");
  return checked(trailerSchema, parseJson(line), "last line");
}

/**
 * Refuses a schema that this program does not know, and tells which of its migrations had made the dump's.
 * @throws DumpError
 */
export function refuseUnknownMigrations(
  { migrations, program }: DumpHeader,
  known: ReadonlySet<string>,
): void {
  const unknown = migrations.filter((version) => !known.has(version));
  if (unknown.length === 0) return;
  throw new DumpError(
    `its schema is newer than this program (migration ${
      unknown.join(", ")
    }): upgrade actp-worker to ${program} or later`,
  );
}

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new DumpError(
    `its ${what} is damaged (${path.join(".") || "all of it"}: ${message}); take another dump`,
  );
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the check of its shape refuses it
  }
}
