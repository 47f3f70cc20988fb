/** Whether the daemon truly lives: not that its process exists, but that its parts get on. */
import type { Clock } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import type { ServiceNotify } from "./service_notify.ts";

/** One part that must get on. */
export interface Pulse {
  readonly name: string;
  /** Why it does not, in a few words; undefined while it does. Bounded in time by the caller. */
  stalled(signal: AbortSignal): Promise<string | undefined>;
}

/** Times in ms. */
export interface LivenessOptions {
  readonly notify: ServiceNotify;
  readonly pulses: readonly Pulse[];
  /** One line for `systemctl status`. */
  readonly describe?: () => Promise<string>;
  readonly clock: Clock;
}

/** A part that does not answer for so long stands still. */
const ANSWER_MS = 5_000;
/** Without a watchdog the parts are looked at all the same, for the log. */
const UNWATCHED_MS = 30_000;

/**
 * Feeds systemd's watchdog three times in its period, as long as every part gets on. That this runs at all shows
 * that the event loop turns.
 */
export function liveness({ notify, pulses, describe, clock }: LivenessOptions): Service {
  const log = logger("daemon", "liveness");
  return {
    name: "liveness",
    async run(signal) {
      let before = "";
      while (!signal.aborted) {
        const stalled = (await Promise.all(pulses.map((pulse) => look(pulse, clock, signal))))
          .filter((reason) => reason !== undefined);
        if (signal.aborted) return;
        if (stalled.length === 0) await notify.alive();
        const now = stalled.join("; ");
        if (now !== before) {
          if (now) log.error(`the worker stands still: ${now}`);
          else log.info("the worker gets on again");
          before = now;
        }
        if (describe) await notify.status(now ? `stands still: ${now}` : await describe());
        await clock.sleep(notify.watchdogMs === undefined ? UNWATCHED_MS : notify.watchdogMs / 3, signal);
      }
    },
  };
}

/** A part whose next turn is due at a known time, and is late by more than its patience. */
export function turnPulse(
  name: string,
  turnDueAt: () => number | undefined,
  patienceMs: number,
  clock: Clock,
): Pulse {
  return {
    name,
    stalled() {
      const late = clock.monotonic() - (turnDueAt() ?? Infinity);
      const reason = late > patienceMs ? `its turn has been due for ${Math.round(late / 1000)} s` : undefined;
      return Promise.resolve(reason);
    },
  };
}

/**
 * A server of the daemon's own that must answer `GET /health` with 200. Asked without fetch(), which refuses some
 * ports. `port` is undefined before it listens.
 */
export function answerPulse(name: string, hostname: string, port: () => number | undefined): Pulse {
  return {
    name,
    async stalled(signal) {
      const asked = port();
      if (asked === undefined) return undefined;
      const connection = await Deno.connect({ hostname, port: asked });
      const close = () => connection.close();
      signal.addEventListener("abort", close, { once: true });
      const host = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${asked}`;
      const request = `GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      await connection.write(new TextEncoder().encode(request));
      const answer = new Uint8Array(64);
      const length = await connection.read(answer) ?? 0;
      const status = new TextDecoder().decode(answer.subarray(0, length)).split("\r\n")[0]!;
      return / 200( |$)/.test(status) ? undefined : `it answered ${status || "nothing"}`;
    },
  };
}

async function look(pulse: Pulse, clock: Clock, signal: AbortSignal): Promise<string | undefined> {
  const over = new AbortController();
  const late = clock.sleep(ANSWER_MS, over.signal).then(() =>
    over.signal.aborted ? undefined : `no answer within ${ANSWER_MS / 1000} s`
  );
  try {
    const reason = await Promise.race([pulse.stalled(AbortSignal.any([signal, over.signal])), late]);
    return reason && `${pulse.name}: ${reason}`;
  } catch (error) {
    return `${pulse.name}: ${(error as Error).message}`;
  } finally {
    over.abort("over");
  }
}
