/** An HTTP server on loopback that answers as a test says, and remembers what it was asked. */

/** One request as it came. */
export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Headers;
  /** As JSON where it is, else the text. */
  readonly body: unknown;
}

/** `await using server = scriptedServer(…)` */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** Answers each request by `answer`, which may count on the requests before. */
export function scriptedServer(
  answer: (asked: Asked, nth: number, signal: AbortSignal) => Response | Promise<Response>,
): ScriptedServer {
  const asked: Asked[] = [];
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen() {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const one = {
        method: request.method,
        path: pathname + search,
        headers: request.headers,
        body: parse(await request.text()),
      };
      asked.push(one);
      return await answer(one, asked.length, stop.signal);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    asked,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
