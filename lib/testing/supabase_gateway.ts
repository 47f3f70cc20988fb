/** What stands before PostgREST at Supabase: takes API keys for role tokens, under /rest/v1. Breaks on demand. */

/**
 * How a gateway can break: the port is closed; an empty 404, which clients may read as success; a plain 500;
 * requests that are never answered.
 */
export type Fault = "refuse" | "empty404" | "500" | "hang";

/** A running gateway; disposal ends it and what it was answering. */
export interface Gateway extends AsyncDisposable {
  readonly url: string;
  setFault(fault: Fault | undefined): Promise<void>;
}

const PREFIX = "/rest/v1";

/** Starts a gateway to the PostgREST at `target`; `tokens` maps API keys to the JWTs that they stand for. */
export function startGateway(options: { target: string; tokens: ReadonlyMap<string, string> }): Gateway {
  let fault: Fault | undefined;
  let released = Promise.withResolvers<void>();

  const answer = async (request: Request): Promise<Response> => {
    if (fault === "hang") await released.promise;
    if (fault === "empty404") return new Response(null, { status: 404 });
    if (fault === "500") return new Response("Internal Server Error", { status: 500 });
    try {
      return await forward(request, options.target, options.tokens);
    } catch (error) {
      return new Response(`Bad Gateway: ${String(error)}`, { status: 502 });
    }
  };
  const listen = (port: number) => {
    const abort = new AbortController();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port, signal: abort.signal, onListen() {} },
      (request) => answer(request),
    );
    const close = async () => {
      released.resolve();
      abort.abort();
      await server.finished;
    };
    return { port: server.addr.port, close };
  };

  let server: ReturnType<typeof listen> | undefined = listen(0);
  const { port } = server;
  const close = async () => {
    const last = server;
    server = undefined;
    await last?.close();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    async setFault(next) {
      fault = next;
      released.resolve();
      released = Promise.withResolvers();
      if (fault === "refuse") await close();
      else server ??= listen(port);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Passes a request on with the key's token in place of the key, or refuses it in Supabase's words. */
async function forward(
  request: Request,
  target: string,
  tokens: ReadonlyMap<string, string>,
): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  if (!pathname.startsWith(`${PREFIX}/`)) {
    return Response.json({ message: "no Route matched with those values" }, { status: 404 });
  }
  const token = tokens.get(request.headers.get("apikey") ?? "");
  if (!token) {
    return Response.json({ message: "Invalid API key", hint: "Double check your Supabase API key." }, {
      status: 401,
    });
  }
  const headers = new Headers(request.headers);
  for (const name of ["apikey", "host", "connection", "content-length"]) headers.delete(name);
  headers.set("authorization", `Bearer ${token}`);
  const response = await fetch(target + pathname.slice(PREFIX.length) + search, {
    method: request.method,
    headers,
    body: request.body === null ? undefined : await request.arrayBuffer(),
    signal: request.signal,
  });
  const body = await response.arrayBuffer();
  return new Response(body.byteLength > 0 ? body : null, {
    status: response.status,
    headers: response.headers,
  });
}
