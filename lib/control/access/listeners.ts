/** All the ways to the control API: loopback always; a socket and other machines where the configuration says so. */
import { type Clock, systemClock } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { runServices, type Service } from "../../service.ts";
import { serveUntil } from "../listen.ts";
import type { Transport } from "./hosts.ts";
import { remoteAccess } from "./remote.ts";
import { socketAccess } from "./socket.ts";

/** Where to listen. */
export type ListenerConfig =
  & Pick<Config, "controlHost" | "controlPort">
  & Partial<Pick<Config, "controlSocket" | "remoteAddress" | "remoteHosts" | "tlsCert" | "tlsKey">>;

/** What it is told and tells. */
export interface ListenerOptions {
  readonly answer: (request: Request, transport: Transport) => Response | Promise<Response>;
  readonly onListen: (port: number) => void;
  readonly onRemote?: (port: number) => void;
  readonly onSocket?: (path: string) => void;
  readonly clock?: Clock;
}

/** Listens on all of them until the signal aborts. @throws what one of them could not get over */
export function listenEverywhere(
  config: ListenerConfig,
  { answer, onListen, onRemote, onSocket, clock = systemClock }: ListenerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { controlSocket, remoteAddress, tlsCert, tlsKey } = config;
  const loopback: Service = {
    name: "loopback",
    run: (signal) =>
      serveUntil(signal, {
        name: "The control API",
        hostname: config.controlHost,
        port: config.controlPort,
        setting: "WORKER_HEALTH_PORT or --control-port",
        answer: (request) => answer(request, "loopback"),
        onListen,
      }),
  };
  const more: Service[] = [];
  if (controlSocket !== undefined) {
    more.push(socketAccess({
      path: controlSocket,
      answer: (request) => answer(request, "unix"),
      onListen: onSocket,
    }));
  }
  if (remoteAddress !== undefined && tlsCert !== undefined && tlsKey !== undefined) {
    more.push(remoteAccess({
      address: remoteAddress,
      files: { cert: tlsCert, key: tlsKey },
      answer: (request) => answer(request, "tls"),
      onListen: onRemote,
      clock,
    }));
  }
  // Alone it tells its own errors, as it always has.
  return more.length === 0 ? loopback.run(signal) : runServices([loopback, ...more], signal);
}
