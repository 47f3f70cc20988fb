/**
 * The statement that the direct drivers send for a call. It has PostgREST's own shape (arguments as one JSON text,
 * typed by `json_to_record`, passed by name; the result as JSON text), so that all three drivers hand out the same
 * values: native drivers disagree on bigint, timestamps and jsonb.
 */
import { DatabaseError } from "./database.ts";

/** Of each function, the SQL type of each argument and whether it may be left out. */
export type Signatures = ReadonlyMap<string, ReadonlyMap<string, { type: string; optional: boolean }>>;

/** Lists the worker's functions: rows of `{name, arg, type, optional}`, arg null where a function takes none. */
export const SIGNATURES_QUERY = `
select p.proname as name, a.arg, format_type(p.proargtypes[a.position - 1], null) as type,
  a.position > p.pronargs - p.pronargdefaults as optional
from pg_catalog.pg_proc p
left join lateral unnest(p.proargnames) with ordinality as a(arg, position) on a.position <= p.pronargs
where p.pronamespace = 'public'::regnamespace and p.proname like 'actp\\_%'`;

/** Turns the rows of {@link SIGNATURES_QUERY} into signatures. */
export function readSignatures(rows: readonly Record<string, unknown>[]): Signatures {
  const signatures = new Map<string, Map<string, { type: string; optional: boolean }>>();
  for (const { name, arg, type, optional } of rows) {
    const args = signatures.get(String(name)) ?? new Map();
    if (arg !== null) args.set(String(arg), { type: String(type), optional: optional === true });
    signatures.set(String(name), args);
  }
  return signatures;
}

/**
 * The statement text for a call; `$1` is the JSON text of the arguments.
 * @throws {@link DatabaseError} with PostgREST's code PGRST202 for an unknown function or argument, or a missing one
 */
export function callStatement(signatures: Signatures, fn: string, argNames: readonly string[]): string {
  const signature = signatures.get(fn);
  if (!signature) throw unknownFunction(fn);
  const missing = [...signature].some(([name, { optional }]) => !optional && !argNames.includes(name));
  const typed = argNames.map((name) => {
    const arg = signature.get(name);
    if (!arg) throw unknownFunction(`${fn}(${argNames.join(", ")})`);
    return { name: `"${name}"`, type: arg.type };
  });
  if (missing) throw unknownFunction(`${fn}(${argNames.join(", ")})`);
  if (typed.length === 0) return `select public."${fn}"()::text as result where $1::text is not null`;
  const columns = typed.map(({ name, type }) => `${name} ${type}`).join(", ");
  const passed = typed.map(({ name }) => `${name} := a.${name}`).join(", ");
  return `select public."${fn}"(${passed})::text as result from json_to_record($1::text::json) as a(${columns})`;
}

function unknownFunction(what: string): DatabaseError {
  const answer = `the database has no function ${what}`;
  return new DatabaseError(
    `${answer} (its schema is missing or older than this program: run \`actp-worker db migrate\`)`,
    { code: "PGRST202", transient: false, answer },
  );
}
