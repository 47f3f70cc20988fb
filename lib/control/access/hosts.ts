/** By which names and ways the control API may be called. Pure. */

/** How a request came: over loopback, from elsewhere by TLS, or through the socket in the file system. */
export type Transport = "loopback" | "tls" | "unix";

/** Which names are the worker's own. */
export interface HostRules {
  /** Of the listener on loopback. */
  readonly port: () => number;
  /** Of the listener for other machines, where there is one. */
  readonly remotePort?: () => number | undefined;
  /** The names that the owner has allowed: `name`, or `name:port`. */
  readonly names?: readonly string[];
}

/** What the listeners tell of each request. */
export interface ListenerEnv {
  readonly transport?: Transport;
}

const OWN_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** Whether a Host header names this machine and this port; any other name may be DNS rebinding. */
export function isOwnHost(host: string | undefined, port: number): boolean {
  const name = host?.toLowerCase();
  return OWN_NAMES.some((own) => name === `${own}:${port}` || (port === 80 && name === own));
}

/** Whether the owner has allowed this Host: with the port of one of the listeners, or none, as behind a proxy. */
export function isNamedHost(host: string | undefined, { names = [], port, remotePort }: HostRules): boolean {
  const given = host?.toLowerCase();
  if (given === undefined) return false;
  const ports = [port(), remotePort?.()].filter((one) => one !== undefined);
  return names.some((listed) => {
    const name = listed.toLowerCase();
    return given === name || (!hasPort(name) && ports.some((one) => given === `${name}:${one}`));
  });
}

/** Whether a request may name the server so, on this way. */
export function isAllowedHost(host: string | undefined, transport: Transport, rules: HostRules): boolean {
  if (transport === "tls") return isNamedHost(host, rules);
  if (isOwnHost(host, rules.port()) || isNamedHost(host, rules)) return true;
  // Who reaches the socket is on this machine and no browser.
  return transport === "unix" && host?.toLowerCase() === "localhost";
}

/** The scheme under which a browser knows the server: a name that the owner allowed is reached by TLS alone. */
export function schemeOf(host: string | undefined, transport: Transport, rules: HostRules): "http" | "https" {
  return transport === "tls" || isNamedHost(host, rules) ? "https" : "http";
}

/** A name of the list as it may be written: `worker.example.com`, `10.0.0.5`, `[fd00::5]`, each perhaps with a port. */
export const HOST_NAME =
  /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)(:\d{1,5})?$/i;

function hasPort(name: string): boolean {
  return /:\d+$/.test(name) && !/^\[[^\]]*$/.test(name);
}
