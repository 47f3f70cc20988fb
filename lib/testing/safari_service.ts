/**
 * A local Safari command service that posts nothing: it speaks the true protocol over a real socket, checks what it
 * is sent, and misbehaves on demand.
 */
import assert from "node:assert/strict";

/** What one command becomes, poll by poll; the last state stays. */
export interface CommandState {
  readonly status: string;
  readonly result?: unknown;
  readonly error?: string;
}

/** How the service behaves. */
export interface SafariServiceOptions {
  /** What the polls of each command find, in order. */
  readonly states?: readonly CommandState[];
  /** Answers instead of the service; undefined lets it go on. `drop` closes the connection without an answer. */
  readonly instead?: (request: Request, count: number) => Response | "drop" | undefined;
}

/** A running service. */
export interface SafariService extends AsyncDisposable {
  readonly url: string;
  /** The bodies of accepted commands. */
  readonly commands: Record<string, unknown>[];
  /** Method and path of every request. */
  readonly requests: string[];
}

/** Starts one on a free port. */
export function safariService({ states = [], instead }: SafariServiceOptions = {}): SafariService {
  const commands: Record<string, unknown>[] = [];
  const requests: string[] = [];
  const polls = new Map<string, number>();
  const handle = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    requests.push(`${request.method} ${pathname}`);
    const other = instead?.(request, requests.length);
    if (other === "drop") throw new Error("dropped");
    if (other) return other;
    if (pathname === "/health") return Response.json({ status: "ok" });
    if (request.method === "POST" && pathname === "/v1/commands") {
      assert.equal(request.headers.get("content-type"), "application/json");
      const body = await request.json();
      if (typeof body.type !== "string") {
        return Response.json({ error: 'Missing "type" field' }, { status: 400 });
      }
      commands.push(body);
      const id = `command-${commands.length}`;
      polls.set(id, 0);
      return Response.json({ command_id: id, status: "QUEUED" }, { status: 202 });
    }
    const id = /^\/v1\/commands\/([^/]+)$/.exec(pathname)?.[1] ?? "";
    const seen = polls.get(id);
    if (request.method !== "GET" || seen === undefined) {
      return Response.json({ error: "Command not found" }, { status: 404 });
    }
    polls.set(id, seen + 1);
    return Response.json({ id, ...states[Math.min(seen, states.length - 1)] });
  };
  // An error in the handler makes Deno answer 500; a dropped answer needs the stream to break off.
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
    onError: () =>
      new Response(new ReadableStream({ start: (stream) => stream.error(new Error("dropped")) })),
  }, handle);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    commands,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
