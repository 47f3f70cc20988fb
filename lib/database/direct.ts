/** What the two drivers that speak SQL share: signatures looked up once, statements cached, errors told apart. */
import { type CallOptions, DatabaseError } from "./database.ts";
import { callStatement, readSignatures, type Signatures, SIGNATURES_QUERY } from "./statement.ts";

/** Runs one statement and returns its rows. */
export type RunStatement = (
  text: string,
  values: string[],
  options: CallOptions,
) => Promise<Record<string, unknown>[]>;

/** Makes `Database.call` out of a way to run a statement. `explain` turns the driver's errors into DatabaseErrors. */
export function directCaller(run: RunStatement, explain: (error: unknown) => DatabaseError) {
  let signatures: Promise<Signatures> | undefined;
  const statements = new Map<string, string>();

  async function statementFor(fn: string, names: string[], options: CallOptions): Promise<string> {
    const key = `${fn} ${names.join(" ")}`;
    const cached = statements.get(key);
    if (cached) return cached;
    signatures ??= run(SIGNATURES_QUERY, [], options).then(readSignatures);
    try {
      const statement = callStatement(await signatures, fn, names);
      statements.set(key, statement);
      return statement;
    } catch (error) {
      signatures = undefined; // a failed look-up, or a schema that is being migrated: look again next time
      throw error;
    }
  }

  return async function call<T>(
    fn: string,
    args: Record<string, unknown> = {},
    options: CallOptions = {},
  ): Promise<T> {
    try {
      const given = Object.entries(args).filter(([, value]) => value !== undefined);
      const statement = await statementFor(fn, given.map(([name]) => name), options);
      const rows = await run(statement, [JSON.stringify(Object.fromEntries(given))], options);
      const result = rows[0]?.result;
      if (typeof result !== "string") {
        throw new DatabaseError(`${fn} returned nothing where JSON was expected`, { transient: false });
      }
      return JSON.parse(result) as T;
    } catch (error) {
      throw error instanceof DatabaseError ? error : explain(error);
    }
  };
}

const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * Waits for `start`, but rejects when the call's time is up or its caller gives up; `stop` then ends the work, as far
 * as the driver can.
 */
export function bounded<T>(
  call: CallOptions,
  start: () => Promise<T>,
  stop: (why: "late" | "aborted") => void = () => {},
): Promise<T> {
  const timeoutMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const abort = () => giveUp("aborted", "the call was given up");
    if (call.signal?.aborted) return reject(new DatabaseError("the call was given up", { transient: true }));
    const timer = setTimeout(
      () => giveUp("late", `the database did not answer within ${timeoutMs} ms`),
      timeoutMs,
    );
    const finish = () => {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", abort);
    };
    const giveUp = (why: "late" | "aborted", message: string) => {
      finish();
      reject(new DatabaseError(message, { transient: true }));
      stop(why);
    };
    call.signal?.addEventListener("abort", abort, { once: true });
    start().then((value) => (finish(), resolve(value)), (error) => (finish(), reject(error)));
  });
}

/**
 * SQLSTATEs after which the same call may work later: connection (08), resources (53), operator intervention (57),
 * transaction rollback such as deadlock (40), lock not available (55P03), a standby that is taking over (25006), and
 * PostgreSQL's own system errors (58).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isTransientState(code: string): boolean {
  return /^(08|40|53|57|58)/.test(code) || code === "55P03" || code === "25006";
}
