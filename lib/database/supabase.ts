/** The driver for Supabase (PostgREST rpc), and for another daemon's embedded database, which speaks the same. */
import { createClient, type RealtimeChannel, type SupabaseClient } from "@supabase/supabase-js";
import { type CallOptions, type Database, DatabaseError } from "./database.ts";
import { isTransientState } from "./direct.ts";

const DEFAULT_TIMEOUT_MS = 15_000;
const SUBSCRIBE_WITHIN_MS = 10_000;

/** Where to reach it. `realtime: false` for servers that have no Realtime service. */
export interface SupabaseOptions {
  readonly url: string;
  readonly key: string;
  /** What messages call the server; `Supabase at <host>` unless told. */
  readonly name?: string;
  /** What messages say to check when the key is refused; SUPABASE_SECRET_KEY unless told. */
  readonly keySetting?: string;
  readonly realtime?: boolean;
  /** How it is reached; by the network unless told. */
  readonly fetch?: typeof fetch;
}

/** Opens a client; nothing is sent before the first call. */
export function openSupabase(options: SupabaseOptions): Database {
  const client = createClient(options.url, options.key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch: restFetch(options.fetch ?? fetch) },
  });
  const name = options.name ?? `Supabase at ${new URL(options.url).host}`;
  const keySetting = options.keySetting ?? "SUPABASE_SECRET_KEY";
  return {
    description: name,
    async call<T>(
      fn: string,
      args: Record<string, unknown> = {},
      call: CallOptions = {},
    ) {
      const timeout = AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
      const { data, error, status } = await client.rpc(fn, args).abortSignal(signal);
      if (error) throw explainRestError({ name, keySetting }, status, error);
      // Every function returns JSON.
      if (data === null || data === undefined) {
        throw new DatabaseError(`${name} answered ${status} without a result (is SUPABASE_URL right?)`, {
          transient: true,
        });
      }
      return data as T;
    },
    ...(options.realtime === false
      ? {}
      : { listen: (channel, notify) => subscribe(client, channel, notify) }),
    close: () => Promise.resolve(), // a listener has been taken off by whoever put it on
  };
}

/**
 * PostgREST explains its 404s. One without explanation comes from something before it, and the client would read it as
 * success with nothing or an empty list: it is made an error that may pass.
 */
function restFetch(reach: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await reach(input, init);
    if (response.status !== 404) return response;
    const body = await response.text();
    if (isExplained(body)) return new Response(body, response);
    return Response.json({ message: "Not Found, and not by PostgREST (is SUPABASE_URL right?)" }, {
      status: 502,
    });
  };
}

function isExplained(body: string): boolean {
  try {
    return typeof JSON.parse(body)?.code === "string";
  } catch {
    return false; // not JSON: not PostgREST
  }
}

/** Subscribes to broadcasts. Once joined, realtime-js joins again by itself after a lost connection. */
async function subscribe(client: SupabaseClient, topic: string, notify: (payload: string) => void) {
  await client.realtime.setAuth();
  const channel = client.channel(topic, { config: { private: true } });
  channel.on("broadcast", { event: "wake" }, ({ payload }) => notify(String(payload?.payload ?? "")));
  await new Promise<void>((resolve, reject) => {
    channel.subscribe((status, error) => {
      if (status === "SUBSCRIBED") resolve();
      else {reject(
          new DatabaseError(`Realtime does not take the subscription: ${error?.message ?? status}`, {
            transient: true,
          }),
        );}
    }, SUBSCRIBE_WITHIN_MS);
  }).catch(async (error) => {
    await leave(client, channel);
    throw error;
  });
  return () => leave(client, channel);
}

/**
 * `removeChannel` would leave a timer behind that keeps the process alive for 10 s. The connection is closed with the last
 * channel: others go on.
 */
async function leave(client: SupabaseClient, channel: RealtimeChannel): Promise<void> {
  await channel.unsubscribe();
  channel.teardown();
  if (!client.getChannels().some((other) => other !== channel)) await client.realtime.disconnect();
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
  // PostgREST's answer when its connection to the database broke under a call: 400, and nothing in any field.
  const broken = error.code === "" && !error.message;
  const transient = code && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith("PT")
    ? isTransientState(code)
    : broken || status >= 500 || status === 408 || status === 429;
  const said = broken ? "its connection to the database broke" : error.message;
  return new DatabaseError(`${name} answered ${status}: ${said}`, {
    code,
    transient,
    answer: error.message,
  });
}
