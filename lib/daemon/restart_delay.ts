/** When a daemon that has ended starts again. Pure; times in ms. */
import { backoffDelay } from "../backoff.ts";

/** How one run of the daemon ended. */
export interface RunEnd {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** It had come up: its servers listened. */
  readonly cameUp: boolean;
  readonly ranMs: number;
}

/** What is done then: start again after `delayMs`, or end as well, and why. */
export type Verdict =
  | { readonly kind: "restart"; readonly delayMs: number; readonly failures: number }
  | { readonly kind: "end"; readonly why: string };

/** A run that lasted so long was no failure to start: the back-off begins anew. */
const STEADY_MS = 600_000;
const BACKOFF = { firstMs: 1000, maxMs: 300_000, jitter: 0 };
/** Exit codes that say: starting again cannot help. */
const FINAL: Readonly<Record<number, string>> = {
  0: "it was stopped",
  2: "its command line is wrong",
  75: "another worker runs in this home folder",
  78: "its configuration is wrong",
};

/** `failures`: how many runs before this one failed in a row; `first`: nobody has seen the daemon come up yet. */
export function afterRun(end: RunEnd, failures: number, first: boolean): Verdict {
  const final = end.code === null ? undefined : FINAL[end.code];
  if (final) return { kind: "end", why: final };
  if (first && !end.cameUp) return { kind: "end", why: "it did not come up" };
  const inARow = end.ranMs >= STEADY_MS ? 1 : failures + 1;
  return { kind: "restart", delayMs: backoffDelay(inARow, BACKOFF), failures: inARow };
}

/** How a run ended, for people: `exit code 1`, `SIGKILL`. */
export function endText({ code, signal }: Pick<RunEnd, "code" | "signal">): string {
  return signal ?? `exit code ${code}`;
}
