/** Ends a transfer in which nothing moves any more: a connection can die without either side being told. */

/** Watches one transfer. Stop it in every case. */
export interface IdleLimit {
  /** Aborts when nothing has moved for too long; the reason is an Error that says so. */
  readonly signal: AbortSignal;
  /** Something has moved; cheap. */
  alive(): void;
  stop(): void;
}

/** Starts watching. @param ms how long nothing may move */
export function idleLimit(ms: number): IdleLimit {
  const limit = new AbortController();
  let moved = performance.now();
  const look = () => {
    const left = moved + ms - performance.now();
    if (left > 0) timer = setTimeout(look, left);
    else limit.abort(new Error(`nothing moved for ${ms / 1_000} s`));
  };
  let timer = setTimeout(look, ms);
  return {
    signal: limit.signal,
    alive: () => void (moved = performance.now()),
    stop: () => clearTimeout(timer),
  };
}
