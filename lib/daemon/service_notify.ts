/**
 * What the daemon tells systemd about itself (sd_notify(3)): a datagram of `NAME=value` lines to the socket that
 * $NOTIFY_SOCKET names. Needs Deno's unstable `net` feature, which has datagrams of local sockets.
 */
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { logger } from "../log.ts";

/** What systemd is told. Nothing is sent, and nothing fails, where no service manager asked for it. */
export interface ServiceNotify extends AsyncDisposable {
  /** How often systemd wants a sign of life at the least, in ms; undefined where it does not. */
  readonly watchdogMs: number | undefined;
  ready(status: string): Promise<void>;
  reloading(): Promise<void>;
  stopping(status: string): Promise<void>;
  /** One line that `systemctl status` shows. */
  status(text: string): Promise<void>;
  /** Asks for so much more time to start or to stop, from now on. */
  extend(ms: number): Promise<void>;
  /** The sign of life. */
  alive(): Promise<void>;
}

/** The fields of one message. */
export type NotifyFields = Readonly<Record<string, string | number>>;

/** What is taken from the environment, and from the machine; given by tests. */
export interface NotifyOptions {
  /** NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; this process's own unless told. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const VARIABLES = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const;

/**
 * Opens the way to systemd and takes its variables out of the environment, so that no program that the daemon
 * starts can speak in its name.
 */
export async function openServiceNotify(options: NotifyOptions = {}): Promise<ServiceNotify> {
  const { env = Object.fromEntries(VARIABLES.map((name) => [name, Deno.env.get(name)])) } = options;
  for (const name of options.env ? [] : VARIABLES) Deno.env.delete(name);
  const log = logger("daemon", "systemd");
  let complained = false;
  const complain = (what: string) => {
    if (!complained) log.warn(`Cannot tell systemd how the worker fares: ${what}`);
    complained = true;
  };
  const socket = env.NOTIFY_SOCKET ? await openSocket(complain) : undefined;
  const to = { transport: "unixpacket", path: socketPath(env.NOTIFY_SOCKET ?? "") } as const;
  const send = async (fields: NotifyFields) => {
    if (!socket) return;
    try {
      await socket.send(new TextEncoder().encode(notifyMessage(fields)), to);
    } catch (error) {
      complain((error as Error).message);
    }
  };
  return {
    watchdogMs: watchdogMs(env, Deno.pid),
    ready: (status) => send({ READY: 1, STATUS: status }),
    reloading: async () => send({ RELOADING: 1, MONOTONIC_USEC: await monotonicUsec() }),
    stopping: (status) => send({ STOPPING: 1, STATUS: status }),
    status: (text) => send({ STATUS: text }),
    extend: (ms) => send({ EXTEND_TIMEOUT_USEC: ms * 1000 }),
    alive: () => send({ WATCHDOG: 1 }),
    [Symbol.asyncDispose]() {
      socket?.close();
      return Promise.resolve();
    },
  };
}

const EXTEND_EVERY_MS = 20_000;

/** Waits for what may take longer than systemd's limits for starting and stopping, and asks it for the time. */
export async function extendedWhile<T>(
  notify: Pick<ServiceNotify, "extend">,
  work: Promise<T>,
  clock: Clock,
): Promise<T> {
  const over = new AbortController();
  const asking = (async () => {
    while (!over.signal.aborted) {
      await clock.sleep(EXTEND_EVERY_MS, over.signal);
      if (!over.signal.aborted) await notify.extend(3 * EXTEND_EVERY_MS);
    }
  })();
  try {
    return await work;
  } finally {
    over.abort();
    await asking;
  }
}

/** The lines of a message; a value stays on its line. */
export function notifyMessage(fields: NotifyFields): string {
  return Object.entries(fields).map(([name, value]) => `${name}=${oneLine(String(value))}`).join("\n");
}

/** A line break in a value would end it, and could forge another. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- these are the characters that must not get through
  return text.replace(/[\x00-\x1f]+/g, " ");
}

/** The address as the system takes it: systemd writes the NUL of an abstract one as `@`. */
export function socketPath(address: string): string {
  return address.replace(/^@/, "\0");
}

/** The watchdog's time in ms, where it is meant for this process (WATCHDOG_PID may name another). */
export function watchdogMs(
  { WATCHDOG_USEC: usec, WATCHDOG_PID: forPid }: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  if (!usec || !/^\d{1,15}$/.test(usec) || Number(usec) === 0) return undefined;
  return forPid && forPid !== String(pid) ? undefined : Number(usec) / 1000;
}

/** A datagram socket has an address of its own, though nobody ever writes to it: it is unlinked at once. */
async function openSocket(complain: (what: string) => void): Promise<Deno.DatagramConn | undefined> {
  if (typeof Deno.listenDatagram !== "function") {
    complain("this program was built without Deno's unstable net feature; build it with --unstable-net");
    return undefined;
  }
  const folder = await Deno.makeTempDir({ prefix: "actp-notify-" });
  try {
    return Deno.listenDatagram({ transport: "unixpacket", path: join(folder, "s") });
  } catch (error) {
    complain((error as Error).message);
    return undefined;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * The machine's uptime in microseconds. /proc/uptime counts hundredths of a second, cut off, of a clock that goes on
 * in suspend; systemd refuses only times before its request (sd_notify(3)), so one hundredth is added.
 */
async function monotonicUsec(): Promise<number> {
  const { stdout } = await new Deno.Command("cat", { args: ["/proc/uptime"], stdin: "null" }).output();
  return Math.ceil((Number.parseFloat(new TextDecoder().decode(stdout)) + 0.01) * 1e6);
}
