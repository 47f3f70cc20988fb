/**
 * The file in the home folder that holds the tokens' digests and the audit log. A file and not the database, because who
 * may speak to the worker, and who did, must be known while the database is away, and is this machine's own affair.
 */
import { DatabaseSync } from "node:sqlite";
import { type Clock, systemClock } from "../../clock.ts";
import { logger } from "../../log.ts";
import { AuditLog } from "./audit.ts";
import { AccessTokens } from "./tokens.ts";

const SCHEMA = `
pragma busy_timeout = 2000;
pragma journal_mode = wal;
pragma synchronous = full;
create table if not exists tokens (
  id text primary key,
  name text not null unique,
  digest text not null unique,
  scope text not null check (scope in ('read', 'operate', 'admin')),
  created_at text not null,
  last_used_at text,
  expires_at text
) strict;
create table if not exists audit (
  id integer primary key autoincrement,
  at text not null,
  caller text not null,
  method text not null,
  path text not null,
  -- Null: it began, and the worker ended before it had an answer.
  status integer,
  summary text not null
) strict;
`;

/** The tokens and the audit log of a home folder. Commands and the daemon may have it open at once. */
export interface AccessFile {
  readonly tokens: AccessTokens;
  readonly audit: AuditLog;
  close(): void;
}

/**
 * Opens the file, or makes it (0600). A damaged one is set aside as `<path>.corrupt-<time>` and reported, and a new one
 * begun: its tokens are worth nothing any more, the home folder's own token is.
 * @throws Error where it cannot be opened for another reason
 */
export function openAccessFile(path: string, clock: Clock = systemClock): AccessFile {
  const database = open(path) ?? afresh(path, clock);
  return {
    tokens: new AccessTokens(database, clock),
    audit: new AuditLog(database, clock),
    close: () => database.close(),
  };
}

/** Undefined for a damaged file. */
function open(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    // Before SQLite makes it readable for others; the files beside it take over its mode.
    Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
    Deno.chmodSync(path, 0o600);
    database = new DatabaseSync(path);
    database.exec(SCHEMA);
    const [found] = Object.values(database.prepare("pragma quick_check(1)").get() ?? {});
    if (found === "ok") return database;
    database.close();
    return undefined;
  } catch (error) {
    database?.close();
    const { message } = error as Error;
    if (/not a database|malformed/.test(message)) return undefined;
    throw new Error(
      `Cannot open ${path}, which holds tokens and the audit log: ${message}. Check its owner and free space.`,
      { cause: error },
    );
  }
}

function afresh(path: string, clock: Clock): DatabaseSync {
  const aside = `${path}.corrupt-${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, "")}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    try {
      Deno.renameSync(path + suffix, aside + suffix);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  logger("control").error(
    `${path} is damaged and was set aside as ${aside}: make its tokens anew with \`actp-worker tokens create\``,
  );
  const database = open(path);
  if (!database) throw new Error(`Cannot make ${path}: what is written there cannot be read back.`);
  return database;
}
