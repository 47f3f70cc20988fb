/** For workers in tests whose executors do nothing outward. */
import type { Clock } from "../clock.ts";
import type { GateOptions } from "../outward/acts.ts";

/** Asking it is a failure of the test. */
export function noGate(clock: Clock): GateOptions {
  return {
    database: {
      description: "none",
      call: (fn) => Promise.reject(new Error(`nobody should call ${fn}`)),
      close: () => Promise.resolve(),
    },
    clock,
    workerId: "w",
    trusted: [],
    expiresMs: 1000,
  };
}
