/** The driver for Supabase (PostgREST rpc), and for another daemon's embedded database, which speaks the same. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { type Database, DatabaseError } from "./database.ts";

const DEFAULT_TIMEOUT_MS = 15_000;

/** Where to reach it. `realtime: false` for servers that have no Realtime service. */
export interface SupabaseOptions {
  readonly url: string;
  readonly key: string;
  /** What messages call the server; `Supabase at <host>` unless told. */
  readonly name?: string;
  /** What messages say to check when the key is refused; SUPABASE_SECRET_KEY unless told. */
  readonly keySetting?: string;
  readonly realtime?: boolean;
}

/** Opens a client; nothing is sent before the first call. */
export function openSupabase(options: SupabaseOptions): Database {
  const client = createClient(options.url, options.key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  const name = options.name ?? `Supabase at ${new URL(options.url).host}`;
  const keySetting = options.keySetting ?? "SUPABASE_SECRET_KEY";
  return {
    description: name,
    async call<T>(fn: string, args: Record<string, unknown> = {}, call = {} as { signal?: AbortSignal; timeoutMs?: number }) {
      const timeout = AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
      const { data, error, status } = await client.rpc(fn, args).abortSignal(signal);
      if (error) throw explainRestError({ name, keySetting }, status, error);
      // Every function returns JSON; a gateway's empty 404 would read as success with null.
      if (data === null || data === undefined) {
        throw new DatabaseError(`${name} answered ${status} without a result (is SUPABASE_URL right?)`, {
          transient: true,
        });
      }
      return data as T;
    },
    ...(options.realtime === false ? {} : { listen: (channel, notify) => listen(client, channel, notify) }),
    async close() {
      await client.realtime.disconnect();
    },
  };
}

async function listen(client: SupabaseClient, topic: string, notify: (payload: string) => void) {
  await client.realtime.setAuth();
  const channel = client.channel(topic, { config: { private: true } });
  channel.on("broadcast", { event: "wake" }, ({ payload }) => notify(String(payload?.payload ?? ""))).subscribe();
  return async () => {
    await channel.unsubscribe();
    client.realtime.disconnect();
  };
}

/** Tells an outage from a refusal, and what to check. PostgREST's codes: https://docs.postgrest.org/en/stable/references/errors.html */
export function explainRestError(
  { name, keySetting }: { name: string; keySetting: string },
  status: number,
  error: { code?: string; message: string; hint?: string | null },
): DatabaseError {
  const code = error.code || undefined;
  if (status === 0) {
    return new DatabaseError(`${name} cannot be reached: ${error.message}`, { transient: true });
  }
  if (status === 401 || status === 403) {
    return new DatabaseError(`${name} answered ${status}: ${error.message} (check ${keySetting})`, {
      code,
      transient: false,
      answer: error.message,
    });
  }
  if (code === "PGRST202") {
    return new DatabaseError(
      `${name} answered ${status}: ${error.message} (its schema is missing or older than this program: run \`actp-worker db migrate\`)`,
      { code, transient: false, answer: error.message },
    );
  }
  const transient = status >= 500 || status === 408 || status === 429;
  return new DatabaseError(`${name} answered ${status}: ${error.message}`, { code, transient, answer: error.message });
}
