/** The tokens of workers and submitters: made here, kept as hashes in the database. */
import { digest, randomSecret } from "../control/token.ts";
import type { Database } from "../database/database.ts";

/** What is known of a token; never the token itself. Times are ISO 8601. */
export interface TokenRow {
  readonly id: string;
  readonly role: "worker" | "submit";
  readonly worker_id: string | null;
  readonly name: string | null;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
}

/** For one worker, or for submitting. `name` is for people. */
export interface TokenWish {
  readonly workerId?: string;
  readonly name?: string;
}

/** Makes a token. `secret` is told once, here. @throws DatabaseError */
export async function createToken(
  database: Database,
  { workerId, name }: TokenWish,
): Promise<TokenRow & { secret: string }> {
  const secret = randomSecret();
  const row = await database.call<TokenRow>("actp_create_job_token", {
    p_digest: digest(secret),
    p_role: workerId === undefined ? "submit" : "worker",
    p_worker_id: workerId,
    p_name: name,
  });
  return { ...row, secret };
}

/** All tokens, also the revoked ones, oldest first. @throws DatabaseError */
export function listTokens(database: Database): Promise<TokenRow[]> {
  return database.call<TokenRow[]>("actp_list_job_tokens");
}

/** Ends a token at once. @throws DatabaseError PT404 for an unknown id */
export function revokeToken(database: Database, id: string): Promise<TokenRow> {
  return database.call<TokenRow>("actp_revoke_job_token", { p_id: id });
}
