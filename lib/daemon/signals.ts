/** What the daemon does on signals: the first asks it to drain, the second to hurry, the third ends it; HUP reloads. */

/** Where a terminal is left, HUP says that it is gone; elsewhere it asks for a reload (daemon(7)). */
const STOP_SIGNALS: readonly Deno.Signal[] = ["SIGTERM", "SIGINT"];
const TERMINAL_SIGNALS: readonly Deno.Signal[] = [...STOP_SIGNALS, "SIGHUP"];

/** Calls `onStop` with 1, 2, 3 … for each TERM or INT (in a terminal also HUP); the answer takes the listeners off. */
export function onStopSignals(onStop: (count: number, signal: Deno.Signal) => void): () => void {
  let count = 0;
  const signals = Deno.stdin.isTerminal() ? TERMINAL_SIGNALS : STOP_SIGNALS;
  const removers = signals.map((signal) => onSignal(signal, () => onStop(++count, signal)));
  return () => removers.forEach((remove) => remove());
}

/** Calls `reload` for each HUP, one after the other, except in a terminal; the answer takes the listener off again. */
export function onReloadSignal(reload: () => Promise<void>): () => void {
  if (Deno.stdin.isTerminal()) return () => {};
  let last = Promise.resolve();
  return onSignal("SIGHUP", () => void (last = last.then(reload)));
}

/** Calls `handle` for each such signal; the answer takes the listener off again. */
export function onSignal(signal: Deno.Signal, handle: () => void): () => void {
  Deno.addSignalListener(signal, handle);
  return () => Deno.removeSignalListener(signal, handle);
}
