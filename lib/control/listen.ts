/** One loopback HTTP server, from listening to gone. */
import { type Clock, systemClock } from "../clock.ts";
import { logger } from "../log.ts";

/** How long requests in progress may take to be answered once the server is asked to stop, in ms. */
const STOP_MS = 900;
/** Deno calls an answer completed shortly before its last bytes are sent; they get this long, in ms. */
const FLUSH_MS = 50;

/** What to serve and where. */
export interface ListenOptions {
  /** For the log. */
  readonly name: string;
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** How a person changes the port, for the error. */
  readonly setting: string;
  readonly answer: (request: Request) => Response | Promise<Response>;
  /** Told the real port once it listens. */
  readonly onListen?: (port: number) => void;
  readonly clock?: Clock;
}

/**
 * Serves until the signal aborts, and is gone within a second after.
 * @throws Error naming the port and its setting when it cannot be had
 */
export async function serveUntil(signal: AbortSignal, options: ListenOptions): Promise<void> {
  if (signal.aborted) return;
  const { clock = systemClock } = options;
  const close = new AbortController();
  const inProgress = new Set<Promise<void>>();
  const server = start(options, close.signal, inProgress);
  // Not `server.shutdown()`: a client that reads slowly keeps it waiting, and after it nothing can close the rest.
  const stop = async () => {
    const answered = new AbortController();
    const all = Promise.all(inProgress).then(() => answered.abort());
    await Promise.race([all, clock.sleep(STOP_MS, answered.signal)]);
    await clock.sleep(FLUSH_MS);
    close.abort();
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { port } = server.addr;
    logger("control").info(`${options.name} listens on http://${urlHost(options.hostname)}:${port}`);
    options.onListen?.(port);
    await server.finished;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function start(options: ListenOptions, signal: AbortSignal, inProgress: Set<Promise<void>>) {
  const { hostname, port, answer } = options;
  try {
    return Deno.serve({ hostname, port, signal, onListen: () => {} }, (request, { completed }) => {
      // A client that goes away before its answer is its own affair.
      const sent: Promise<void> = completed.catch(() => {}).finally(() => inProgress.delete(sent));
      inProgress.add(sent);
      return answer(request);
    });
  } catch (cause) {
    throw explain(cause, options);
  }
}

function explain(cause: unknown, { hostname, port, setting }: ListenOptions): Error {
  const inUse = cause instanceof Deno.errors.AddrInUse;
  const why = inUse ? "another program uses the port" : (cause as Error).message;
  const verb = inUse ? "Stop that program or choose" : "Choose";
  const fix = `${verb} another port with ${setting} (0 takes a free one).`;
  return new Error(`Cannot listen on ${urlHost(hostname)}:${port}: ${why}. ${fix}`, { cause });
}

function urlHost(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
