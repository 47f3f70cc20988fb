/** Does the database answer, is its schema this program's, and does its clock agree with ours? */
import type { Clock } from "../clock.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { MIGRATIONS } from "../database/migrations.ts";
import { type Check, type Finding, ok } from "./check.ts";

/** What `actp_database_status` tells that matters here. */
export interface DatabaseAnswer {
  readonly description: string;
  readonly serverVersion: string;
  /** Versions of the migrations that were applied. */
  readonly migrations: readonly string[];
  /** Its clock less ours, in ms, known to within `uncertaintyMs`. */
  readonly aheadMs: number;
  readonly uncertaintyMs: number;
}

const ASK_TIMEOUT_MS = 10_000;
/** Due times and leases are reckoned by the database's clock; people read ours. */
const WARN_MS = 2_000;
/** Signatures and certificates begin to be refused. */
const FAIL_MS = 60_000;

/** Both checks share one connection. `open` throws where the database cannot be reached. */
export function databaseChecks(open: () => Promise<Database>, clock: Clock): Check[] {
  let asked: Promise<DatabaseAnswer> | undefined;
  const ask = () => asked ??= askDatabase(open, clock);
  return [
    {
      name: "database",
      async run() {
        try {
          return judgeSchema(await ask());
        } catch (error) {
          return unreachable(error as Error);
        }
      },
    },
    {
      name: "clock",
      run: () =>
        ask().then(judgeClock, () => ({
          status: "warn" as const,
          detail: "the database's time is unknown, since it was not asked",
        })),
    },
  ];
}

async function askDatabase(open: () => Promise<Database>, clock: Clock): Promise<DatabaseAnswer> {
  const database = await open();
  try {
    await database.call("actp_database_status", {}, { timeoutMs: ASK_TIMEOUT_MS }); // connects
    const sent = { wall: clock.now(), monotonic: clock.monotonic() };
    const status = await database.call<{ server_version: string; migrations: string[]; now: string }>(
      "actp_database_status",
      {},
      { timeoutMs: ASK_TIMEOUT_MS },
    );
    const halfWay = (clock.monotonic() - sent.monotonic) / 2;
    return {
      description: database.description,
      serverVersion: status.server_version,
      migrations: status.migrations,
      aheadMs: Date.parse(status.now) - (sent.wall + halfWay),
      uncertaintyMs: halfWay,
    };
  } finally {
    await database.close();
  }
}

/** Whether the schema fits this program. Pure. */
export function judgeSchema({ description, serverVersion, migrations }: DatabaseAnswer): Finding {
  const missing = MIGRATIONS.filter(({ version }) => !migrations.includes(version)).length;
  const unknown = migrations.filter((version) =>
    !MIGRATIONS.some((migration) => migration.version === version)
  );
  const name = `${description}, PostgreSQL ${serverVersion}`;
  if (missing > 0) {
    const detail = `${name}: ${missing} of ${MIGRATIONS.length} migrations are missing`;
    return { status: "fail", detail, fix: "run actp-worker db migrate" };
  }
  if (unknown.length > 0) {
    const detail = `${name}: a newer actp-worker has changed its schema (${unknown.join(", ")})`;
    return { status: "warn", detail, fix: "update actp-worker on this machine" };
  }
  return ok(`${name}, schema ${migrations.at(-1)}`);
}

/** Whether the clocks agree. Pure. */
export function judgeClock(
  { aheadMs, uncertaintyMs }: Pick<DatabaseAnswer, "aheadMs" | "uncertaintyMs">,
): Finding {
  const sure = Math.max(0, Math.abs(aheadMs) - uncertaintyMs);
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  if (sure <= WARN_MS) return ok(`the database's time is ours, to ${seconds} s`);
  const detail = `this machine's clock is ${seconds} s ${aheadMs > 0 ? "behind" : "ahead of"} the database's`;
  const fix = Deno.build.os === "darwin"
    ? "turn on System Settings > General > Date & Time > Set time automatically"
    : "turn on time synchronisation (timedatectl set-ntp true)";
  return { status: sure > FAIL_MS ? "fail" : "warn", detail, fix };
}

function unreachable(error: Error): Finding {
  if (error instanceof DatabaseError && error.code === "PGRST202") {
    return {
      status: "fail",
      detail: "the database has no schema of actp-worker's",
      fix: "run actp-worker db migrate",
    };
  }
  const transient = error instanceof DatabaseError && error.transient;
  return {
    status: "fail",
    detail: error.message,
    fix: transient
      ? "check that it runs, and the network"
      : "check its address and key (actp-worker config show)",
  };
}
