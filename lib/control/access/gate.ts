/**
 * Stands before a server that other machines reach, and passes on what they say, unread. It bounds how many there are and
 * how long one may be connected without a request in progress: half-sent requests and half-made TLS hold nothing for
 * long, which the runtime's own server does not see to.
 */
import type { Clock } from "../../clock.ts";
import { logger } from "../../log.ts";

/** Bounds; times in ms. */
export interface GateBounds {
  readonly connections: number;
  /** Of one address. */
  readonly perPeer: number;
  /** Without a request in progress; from the connection's beginning on. */
  readonly idleMs: number;
}

/** Room for a few dozen dashboards, and none for who only holds connections open. */
export const GATE_BOUNDS: GateBounds = { connections: 512, perPeer: 64, idleMs: 20_000 };

/** What the gate is made of. */
export interface GateOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the server behind it listens, on this machine. */
  readonly target: () => { readonly hostname: string; readonly port: number };
  readonly clock: Clock;
  readonly bounds?: GateBounds;
}

interface Passing {
  readonly peer: string;
  /** When it last had no request in progress, on the monotonic clock. */
  idleSince: number;
  requests: number;
  close(): void;
}

/** See above. */
export class Gate {
  readonly #options: GateOptions;
  readonly #bounds: GateBounds;
  readonly #open = new Set<Passing>();
  /** By the port from which the server behind the gate sees them. */
  readonly #byPort = new Map<number, Passing>();
  readonly #ends = new Set<Promise<void>>();
  #listener: Deno.TcpListener | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#bounds = options.bounds ?? GATE_BOUNDS;
  }

  /** Listens, and returns the port. @throws where the address cannot be had */
  listen(): number {
    const { hostname, port } = this.#options;
    const listener = this.#listener = Deno.listen({ hostname, port });
    void this.#accept(listener);
    return listener.addr.port;
  }

  /** The server behind the gate has begun to answer a request from this port; call the result when it has. */
  began(port: number): () => void {
    const passing = this.#byPort.get(port);
    if (!passing) return () => {};
    passing.requests++;
    return () => {
      passing.requests--;
      passing.idleSince = this.#options.clock.monotonic();
    };
  }

  /** Closes connections that have been idle for too long. */
  sweep(): void {
    const now = this.#options.clock.monotonic();
    for (const passing of this.#open) {
      if (passing.requests === 0 && now - passing.idleSince >= this.#bounds.idleMs) passing.close();
    }
  }

  /** Closes everything. */
  async close(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    for (const passing of this.#open) passing.close();
    await Promise.all(this.#ends);
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    while (this.#listener) {
      let connection: Deno.TcpConn;
      try {
        connection = await listener.accept();
      } catch (error) {
        if (!this.#listener) return;
        logger("control").debug`a connection from another machine failed: ${(error as Error).message}`;
        await this.#options.clock.sleep(100);
        continue;
      }
      const { hostname: peer } = connection.remoteAddr;
      const ofPeer = [...this.#open].filter((other) => other.peer === peer).length;
      if (this.#open.size >= this.#bounds.connections || ofPeer >= this.#bounds.perPeer) {
        connection.close();
        continue;
      }
      const end: Promise<void> = this.#pass(connection, peer).finally(() => this.#ends.delete(end));
      this.#ends.add(end);
    }
  }

  async #pass(outside: Deno.TcpConn, peer: string): Promise<void> {
    let inside: Deno.TcpConn | undefined;
    const passing: Passing = {
      peer,
      idleSince: this.#options.clock.monotonic(),
      requests: 0,
      close() {
        closeQuietly(outside);
        if (inside) closeQuietly(inside);
      },
    };
    this.#open.add(passing);
    try {
      inside = await Deno.connect(this.#options.target());
      this.#byPort.set(inside.localAddr.port, passing);
      await Promise.all([copy(outside, inside), copy(inside, outside)]);
    } catch {
      // Who breaks off is told nothing, and need not be told of.
    } finally {
      passing.close();
      this.#open.delete(passing);
      if (inside && this.#byPort.get(inside.localAddr.port) === passing) {
        this.#byPort.delete(inside.localAddr.port);
      }
    }
  }
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const read = await from.read(buffer);
    if (read === null) break;
    for (let at = 0; at < read;) at += await to.write(buffer.subarray(at, read));
  }
  await to.closeWrite();
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    return; // closed already
  }
}
