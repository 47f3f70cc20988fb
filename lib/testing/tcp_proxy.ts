/** A bad network in a box: a TCP proxy on loopback that delays, stalls, cuts and refuses on demand. */
import { systemClock } from "../clock.ts";

/** `await using proxy = startTcpProxy(port)`; disposal cuts everything. */
export interface TcpProxy extends AsyncDisposable {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  /** Closes every connection, on both sides; new ones are taken. */
  cut(): void;
  /** Connections stay open, and new ones open, but no byte passes: neither side notices anything. */
  freeze(): void;
  /** Passes on what was held back, and all that follows. */
  thaw(): void;
  /** Holds each chunk back for `ms` from now on. */
  delay(ms: number): void;
  /** `false` makes new connections be refused; those that are open stay. */
  accept(on: boolean): Promise<void>;
}

/** Starts a proxy to 127.0.0.1:`targetPort`. */
export function startTcpProxy(targetPort: number): TcpProxy {
  const closed = new AbortController();
  const connections = new Set<Deno.Conn>();
  const running = new Set<Promise<void>>();
  let delayMs = 0;
  let frozen: PromiseWithResolvers<void> | undefined;

  const track = (work: Promise<void>) => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  const forward = async (from: Deno.Conn, to: Deno.Conn): Promise<void> => {
    const buffer = new Uint8Array(64 * 1024);
    for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
      if (delayMs > 0) await systemClock.sleep(delayMs, closed.signal);
      await frozen?.promise;
      for (let sent = 0; sent < size;) sent += await to.write(buffer.subarray(sent, size));
    }
    await frozen?.promise;
    await (to as Deno.TcpConn).closeWrite();
  };

  const serve = async (client: Deno.Conn): Promise<void> => {
    connections.add(client);
    let target: Deno.Conn | undefined;
    try {
      target = await Deno.connect({ hostname: "127.0.0.1", port: targetPort });
      connections.add(target);
      // A connection that was cut while its target was being reached.
      if (!connections.has(client)) return;
      await Promise.all([forward(client, target), forward(target, client)]);
    } catch {
      // One side is gone: the other learns it by the close below.
    } finally {
      close(client);
      if (target) close(target);
    }
  };

  const close = (connection: Deno.Conn) => {
    if (connections.delete(connection)) connection.close();
  };

  const listen = (port: number) => {
    const socket = Deno.listen({ hostname: "127.0.0.1", port });
    const ended = (async () => {
      for await (const client of socket) track(serve(client));
    })();
    return { socket, ended };
  };

  let listener: ReturnType<typeof listen> | undefined = listen(0);
  const port = listener.socket.addr.port;
  const proxy: TcpProxy = {
    port,
    cut() {
      for (const connection of [...connections]) close(connection);
    },
    freeze() {
      frozen ??= Promise.withResolvers<void>();
    },
    thaw() {
      frozen?.resolve();
      frozen = undefined;
    },
    delay(ms) {
      delayMs = ms;
    },
    async accept(on) {
      if (on) {
        listener ??= listen(port);
        return;
      }
      const last = listener;
      listener = undefined;
      last?.socket.close();
      // The system refuses connections only once the pending accept has let go of the socket.
      await last?.ended;
    },
    async [Symbol.asyncDispose]() {
      await proxy.accept(false);
      closed.abort();
      while (running.size > 0) {
        proxy.cut();
        proxy.thaw();
        await Promise.all(running);
      }
    },
  };
  return proxy;
}
