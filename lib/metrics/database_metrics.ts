/** How long the database takes, function by function. */
import { DatabaseError } from "../database/database.ts";
import type { CallObserver } from "../database/observed.ts";
import type { Instruments } from "./instruments.ts";
import { labelBound } from "./label_bound.ts";

/** More than there are functions; whoever holds the token can ask the embedded database for any name. */
const MAX_FUNCTIONS = 300;
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 15];

/** Makes them. */
export function databaseMetrics({ counter, histogram }: Instruments): CallObserver {
  const seconds = histogram("actp_database_call_seconds", "How long calls of the database took.", SECONDS, [
    "function",
  ]);
  const errors = counter("actp_database_errors_total", "Calls that failed: out of reach, or refused.", [
    "function",
    "kind",
  ]);
  const bound = labelBound(MAX_FUNCTIONS);
  return ({ fn, ms, error }) => {
    const name = bound(fn);
    seconds.observe({ function: name }, ms / 1000);
    if (!error) return;
    const refused = error instanceof DatabaseError && !error.transient;
    errors.inc({ function: name, kind: refused ? "refused" : "unreachable" });
  };
}
