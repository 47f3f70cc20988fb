/** A real PostgREST behind a small gateway, as Supabase runs it: what the Supabase driver is held against. */
import { createHmac } from "node:crypto";
import postgres from "postgres";
import { findProgram } from "./requirements.ts";
import { type Fault, startGateway } from "./supabase_gateway.ts";
import { onFreePort, startServerProcess } from "./server_process.ts";
import { tempDir } from "./temp.ts";

/** A Supabase project's REST side; disposal stops it. */
export interface Postgrest extends AsyncDisposable {
  /** Of the gateway: use it as SUPABASE_URL. */
  readonly url: string;
  /** Acts as the role service_role: use it as SUPABASE_SECRET_KEY. */
  readonly secretKey: string;
  /** Acts as the role anon: what any browser may do. */
  readonly publishableKey: string;
  /** Makes PostgREST see the functions as they are now; returns when it does. */
  reloadSchema(): Promise<void>;
  /** Breaks the gateway in one way, until told otherwise (undefined). */
  setFault(fault: Fault | undefined): Promise<void>;
}

/**
 * Serves the database's functions in `schema`, after {@link createSupabaseRoles}. Rows beyond 1,000 are cut and
 * statements end after 8 s, as at Supabase.
 * @throws Error with the server's log when it does not start.
 */
export async function startPostgrest(databaseUrl: string, schema = "public"): Promise<Postgrest> {
  const program = await findProgram("postgrest");
  if (!program) throw new Error('postgrest: not found; let the test say needs("postgrest")');
  await createSupabaseRoles(databaseUrl);
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await tempDir()).path;
  const login = new URL(databaseUrl);
  login.username = "authenticator";
  const jwtSecret = crypto.randomUUID();
  const start = async (port: number) => {
    const target = `http://127.0.0.1:${port}`;
    const process = await startServerProcess({
      program,
      args: [],
      env: {
        PGRST_DB_URI: login.href,
        PGRST_DB_SCHEMAS: schema,
        PGRST_DB_ANON_ROLE: "anon",
        PGRST_DB_MAX_ROWS: "1000",
        PGRST_JWT_SECRET: jwtSecret,
        PGRST_SERVER_HOST: "127.0.0.1",
        PGRST_SERVER_PORT: `${port}`,
      },
      folder,
      isReady: () => isReady(target),
    });
    return { process, target };
  };
  const { process, target } = await onFreePort(start);
  cleanup.defer(() => process.stop("SIGTERM"));

  const secretKey = `sb_secret_${crypto.randomUUID()}`;
  const publishableKey = `sb_publishable_${crypto.randomUUID()}`;
  const gateway = cleanup.use(startGateway({
    target,
    tokens: new Map([
      [secretKey, signToken("service_role", jwtSecret)],
      [publishableKey, signToken("anon", jwtSecret)],
    ]),
  }));
  const owned = cleanup.move();
  return {
    url: gateway.url,
    secretKey,
    publishableKey,
    reloadSchema: () => reloadSchema(databaseUrl, schema, target),
    setFault: gateway.setFault,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Creates the roles that Supabase has (they belong to the whole server, so other databases share them) and the
 * privileges it gives them on what is created in `public` later. Idempotent; run it before migrations.
 */
export async function createSupabaseRoles(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(ROLES);
  } finally {
    await sql.end();
  }
}

// Each block tolerates that another database's test creates the same role at the same moment.
const ROLES = [
  "create role anon nologin noinherit",
  "create role authenticated nologin noinherit",
  "create role service_role nologin noinherit bypassrls",
  `create role authenticator login noinherit;
   alter role authenticator set statement_timeout = '8s';
   grant anon, authenticated, service_role to authenticator`,
].map((body) => `do $$ begin ${body}; exception when duplicate_object or unique_violation then null; end $$;`)
  .join("\n") + `
  grant usage on schema public to anon, authenticated, service_role;
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;`;

/** A JWT for the role, without an end, since tests move clocks. */
function signToken(role: string, secret: string): string {
  const encode = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ role })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** PostgREST answers 503 until it knows the schema. */
async function isReady(target: string): Promise<boolean> {
  try {
    const response = await fetch(target, { method: "HEAD" });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** A function made for the purpose becomes visible no sooner than everything made before it. */
async function reloadSchema(databaseUrl: string, schema: string, target: string): Promise<void> {
  const marker = `reload_marker_${crypto.randomUUID().replaceAll("-", "")}`;
  const sql = postgres(databaseUrl, { max: 1 });
  try {
    await sql`create function ${sql(schema)}.${sql(marker)}() returns int language sql as 'select 1'`;
    const deadline = performance.now() + 10_000;
    for (let tries = 0;; tries++) {
      // Said again now and then: a notice sent while PostgREST reconnects is lost.
      if (tries % 25 === 0) await sql`notify pgrst, 'reload schema'`;
      const response = await fetch(`${target}/rpc/${marker}`, { method: "POST" });
      await response.body?.cancel();
      // Not found means unknown still; any other answer, be it a refusal, that it is known.
      if (response.status < 500 && response.status !== 404) break;
      if (performance.now() > deadline) {
        throw new Error(`postgrest did not reload its schema in 10 s: HTTP ${response.status}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    await sql`drop function if exists ${sql(schema)}.${sql(marker)}()`.finally(() => sql.end());
  }
}
