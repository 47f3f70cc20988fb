/** The control API over a real socket, with tokens and an audit log, on a database that only notes what reaches it. */
import { join } from "node:path";
import { type AccessFile, openAccessFile } from "../control/access/access_file.ts";
import type { Scope } from "../control/access/scopes.ts";
import { controlApp, type ControlOptions } from "../control/server.ts";
import { randomSecret } from "../control/token.ts";
import { DatabaseError } from "../database/database.ts";
import type { WorkerStatus } from "../status.ts";
import { type FakeClock, fakeClock } from "./fake_clock.ts";
import { tempDir } from "./temp.ts";

/** What a test asks with and looks at. */
export interface ControlBench extends AsyncDisposable {
  readonly app: ReturnType<typeof controlApp>;
  readonly access: AccessFile;
  readonly clock: FakeClock;
  /** The token file's. */
  readonly homeToken: string;
  readonly port: number;
  /** The functions that were called in the database, which all fail as in an outage. */
  readonly reached: readonly string[];
  /** A token of this scope. */
  token(scope: Scope): string;
  /** Over the socket. */
  fetch(path: string, init?: RequestInit & { headers?: Record<string, string> }): Promise<Response>;
}

/** Starts it on a free port; `more`: what it is made of besides; `remotePort`: of a listener for other machines. */
export async function controlBench(
  more: Partial<ControlOptions> = {},
  remotePort?: () => number | undefined,
): Promise<ControlBench> {
  await using cleanup = new AsyncDisposableStack();
  const dir = cleanup.use(await tempDir());
  const clock = fakeClock();
  const access = openAccessFile(join(dir.path, "access.sqlite"), clock);
  cleanup.defer(() => access.close());
  const reached: string[] = [];
  const homeToken = randomSecret();
  let port = 0;
  const app = controlApp(
    {
      token: homeToken,
      clock,
      access,
      embedded: true,
      worker: { status: () => Promise.resolve({ status: "online" } as WorkerStatus), wake: () => {} },
      database: {
        description: "notes",
        call(fn) {
          reached.push(fn);
          return Promise.reject(new DatabaseError("noted", { transient: true }));
        },
        close: () => Promise.resolve(),
      },
      ...more,
    },
    () => port,
    undefined,
    remotePort,
  );
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: () => {} },
    (request) => app.fetch(request, { transport: "loopback" }),
  );
  port = server.addr.port;
  cleanup.defer(async () => {
    stop.abort();
    await server.finished;
  });
  const owned = cleanup.move();
  return {
    app,
    access,
    clock,
    homeToken,
    port,
    reached,
    token: (scope) => access.tokens.create({ name: crypto.randomUUID(), scope }).secret,
    fetch: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
