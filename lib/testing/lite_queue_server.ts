/**
 * The two plain HTTP queues (MPLite's publishing queue, GenLite's render queue) over a real socket: records every
 * request, checks its key, keeps the items' states, and misbehaves on demand.
 */

/** A request as it arrived. */
export interface LiteRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** What goes wrong with requests whose path matches, until it is taken away. */
export interface LiteFault {
  readonly path: RegExp;
  /** Answers with this status and body. */
  readonly status?: number;
  readonly body?: string;
  /** Does what was asked, but cuts the connection instead of answering. */
  readonly loseAnswer?: boolean;
  /** Never answers. */
  readonly hang?: boolean;
}

/** An item or job, as the service stores it. */
export interface LiteItem extends Record<string, unknown> {
  readonly id: string;
  status: string;
}

/** A running server. */
export interface LiteQueueServer extends AsyncDisposable {
  readonly url: string;
  readonly items: Map<string, LiteItem>;
  readonly requests: LiteRequest[];
  fault: LiteFault | undefined;
  add(item: Record<string, unknown>): string;
  /** The requests, as `METHOD path`. */
  paths(): string[];
}

interface Dialect {
  /** `queue` or `jobs`. */
  readonly root: string;
  readonly wrap: (item: LiteItem | undefined) => unknown;
  readonly waiting: string;
  readonly working: string;
  readonly done: string;
  readonly filter: (item: LiteItem, query: URLSearchParams) => boolean;
}

const MPLITE: Dialect = {
  root: "queue",
  wrap: (item) => ({ data: { item: item ?? null } }),
  waiting: "queued",
  working: "publishing",
  done: "published",
  filter: (item, query) => item.platform === query.get("platform"),
};
const GENLITE: Dialect = {
  root: "jobs",
  wrap: (item) => ({ data: item ?? null }),
  waiting: "pending",
  working: "generating",
  done: "completed",
  filter: () => true,
};

/** `headers`: what every request must carry. */
export function startMplite(headers: Record<string, string>): LiteQueueServer {
  return start(MPLITE, headers);
}

/** `headers`: what every request must carry. */
export function startGenlite(headers: Record<string, string>): LiteQueueServer {
  return start(GENLITE, headers);
}

function start(dialect: Dialect, expected: Record<string, string>): LiteQueueServer {
  const items = new Map<string, LiteItem>();
  const requests: LiteRequest[] = [];
  const stop = new AbortController();
  let count = 0;

  function act(method: string, path: string, query: URLSearchParams, body: Record<string, unknown>) {
    const [root, id, verb] = path.split("/").slice(2).map(decodeURIComponent);
    if (root !== dialect.root) return { status: 404, body: { error: "no_route" } };
    if (method === "GET" && id === "next") {
      const next = [...items.values()].find((item) =>
        item.status === dialect.waiting && dialect.filter(item, query)
      );
      return next ? { status: 200, body: dialect.wrap(next) } : { status: 404, body: { error: "empty" } };
    }
    const item = items.get(id ?? "");
    if (!item) return { status: 404, body: { error: "not_found", message: `no ${id}` } };
    if (method === "GET") return { status: 200, body: dialect.wrap(item) };
    const from = verb === "claim" ? dialect.waiting : dialect.working;
    const to = {
      claim: dialect.working,
      complete: dialect.done,
      fail: "failed",
      cancel: "cancelled",
      reschedule: dialect.waiting,
      retry: dialect.waiting,
    }[verb ?? ""];
    if (!to) return { status: 404, body: { error: "no_route" } };
    if (item.status !== from) return { status: 409, body: { error: "conflict", message: item.status } };
    Object.assign(item, body, { status: to });
    return { status: 200, body: dialect.wrap(item) };
  }

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
    signal: stop.signal,
  }, async (request) => {
    const { pathname, search, searchParams } = new URL(request.url);
    const text = await request.text();
    const body = text ? JSON.parse(text) : {};
    requests.push({ method: request.method, path: pathname + search, body });
    for (const [name, value] of Object.entries(expected)) {
      if (request.headers.get(name) !== value) {
        return Response.json({ error: "unauthorized" }, { status: 401 });
      }
    }
    const fault = api.fault?.path.test(pathname) ? api.fault : undefined;
    if (fault?.hang) return await new Promise<Response>(() => {});
    if (fault?.status) return new Response(fault.body ?? "{}", { status: fault.status });
    if (fault?.body !== undefined) return new Response(fault.body);
    const answer = act(request.method, pathname, searchParams, body);
    if (fault?.loseAnswer) {
      return new Response(new ReadableStream({ start: (controller) => controller.error(new Error("cut")) }));
    }
    return Response.json(answer.body, { status: answer.status });
  });

  const api: LiteQueueServer = {
    url: `http://127.0.0.1:${server.addr.port}`,
    items,
    requests,
    fault: undefined,
    add(item) {
      const id = String(item.id ?? `item-${++count}`);
      items.set(id, { status: dialect.waiting, ...item, id });
      return id;
    },
    paths: () => requests.map(({ method, path }) => `${method} ${path}`),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
  return api;
}
