/** Serves the control API to other machines: TLS, bounded connections, and the certificate read again when it changes. */
import type { Clock } from "../../clock.ts";
import { logger } from "../../log.ts";
import type { Service } from "../../service.ts";
import { isFault, type KeyPair, type KeyPairFiles, readKeyPair } from "./certificate.ts";
import { Gate, type GateBounds } from "./gate.ts";

/** What it is made of. */
export interface RemoteOptions {
  /** `0.0.0.0:8443`, `[::]:8443`; the port 0 takes a free one. */
  readonly address: string;
  readonly files: KeyPairFiles;
  readonly answer: (request: Request) => Response | Promise<Response>;
  readonly onListen?: (port: number) => void;
  readonly clock: Clock;
  readonly bounds?: GateBounds;
}

const SWEEP_MS = 5_000;
/** How often the certificate's files are looked at, in ms. */
const CERTIFICATE_MS = 60_000;

/** Runs until it is stopped. The server behind the gate listens on this machine only, at a port that nobody is told. */
export function remoteAccess(options: RemoteOptions): Service {
  const { address, files, answer, clock } = options;
  return {
    name: "remote access",
    async run(signal) {
      if (signal.aborted) return;
      const close = new AbortController();
      const ends: Promise<unknown>[] = [];
      let server: Deno.HttpServer<Deno.NetAddr>;
      const gate: Gate = new Gate({
        ...parseAddress(address),
        target: () => server.addr,
        clock,
        bounds: options.bounds,
      });
      const serve = (pair: KeyPair) => {
        server = Deno.serve(
          { hostname: "127.0.0.1", port: 0, signal: close.signal, onListen: () => {}, ...pair },
          (request, { remoteAddr, completed }) => {
            const ended = gate.began(remoteAddr.port);
            completed.then(ended, ended);
            return answer(request);
          },
        );
        ends.push(server.finished);
      };
      try {
        let pair = read(files);
        serve(pair);
        const port = listen(gate, address);
        logger("control").info(
          `The control API listens for other machines on ${address} (port ${port}, TLS)`,
        );
        options.onListen?.(port);
        let lookedAt = clock.monotonic();
        while (!signal.aborted) {
          await clock.sleep(SWEEP_MS, signal);
          gate.sweep();
          if (signal.aborted || clock.monotonic() - lookedAt < CERTIFICATE_MS) continue;
          lookedAt = clock.monotonic();
          const found = renewed(pair, files);
          if (!found) continue;
          // Who is connected goes on with the server of the old one, which stays: certificates do not change often.
          serve(found);
          pair = found;
        }
      } finally {
        await gate.close();
        close.abort();
        await Promise.all(ends);
      }
    },
  };
}

/** The new pair, where there is one and it is good. */
function renewed(pair: KeyPair, files: KeyPairFiles): KeyPair | undefined {
  const found = readKeyPair(files);
  const log = logger("control");
  if (isFault(found)) {
    log.error(
      `The changed certificate is not used: ${files[found.file]} ${found.message}. The old one goes on.`,
    );
    return undefined;
  }
  if (found.cert === pair.cert && found.key === pair.key) return undefined;
  log.info("other machines are served with the new certificate");
  return found;
}

function read(files: KeyPairFiles): KeyPair {
  const pair = readKeyPair(files);
  if (!isFault(pair)) return pair;
  throw new Error(
    `Cannot serve other machines: ${
      files[pair.file]
    } ${pair.message}. Check WORKER_TLS_CERT and WORKER_TLS_KEY.`,
  );
}

function listen(gate: Gate, address: string): number {
  try {
    return gate.listen();
  } catch (cause) {
    const inUse = cause instanceof Deno.errors.AddrInUse;
    const why = inUse ? "another program uses the port" : (cause as Error).message;
    throw new Error(`Cannot listen on ${address}: ${why}. Choose another with WORKER_REMOTE_ADDRESS.`, {
      cause,
    });
  }
}

function parseAddress(address: string): { hostname: string; port: number } {
  const colon = address.lastIndexOf(":");
  return {
    hostname: address.slice(0, colon).replace(/^\[|\]$/g, ""),
    port: Number(address.slice(colon + 1)),
  };
}
