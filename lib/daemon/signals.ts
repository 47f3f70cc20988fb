/** What the daemon does on signals: the first asks it to drain, the second to hurry, the third ends it. */

const STOP_SIGNALS: readonly Deno.Signal[] = ["SIGTERM", "SIGINT"];

/** Calls `onStop` with 1, 2, 3 … for each TERM or INT; the answer takes the listeners off again. */
export function onStopSignals(onStop: (count: number, signal: Deno.Signal) => void): () => void {
  let count = 0;
  const listeners = STOP_SIGNALS.map((signal) => {
    const listener = () => onStop(++count, signal);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}
