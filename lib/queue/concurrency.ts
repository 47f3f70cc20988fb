/** How many tasks of a type one worker runs at once. Pure. */

/** How many at once, by task type or by pattern, its beginning followed by `*`: `{"remotion_render": 1, "safari_*": 1}`. */
export type ConcurrencyLimits = Readonly<Record<string, number>>;

/** What may be claimed now. */
export interface TypeRooms {
  /** The types of which at least one more fits; none: nothing should be claimed. */
  readonly types: string[];
  /**
   * How many more fit, for each limit that one of the types falls under; their types share the number. Undefined where
   * no limit applies. Goes into the claim as it is.
   */
  readonly rooms?: Readonly<Record<string, number>>;
}

/** Whether the type falls under the limit of that name. */
export function matchesPattern(pattern: string, type: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/**
 * What may be claimed of `types` while tasks of the types `running` (one entry each) are in progress. A type under
 * several limits has to fit all of them.
 */
export function typeRooms(
  types: readonly string[],
  running: readonly string[],
  limits: ConcurrencyLimits = {},
): TypeRooms {
  const rooms = Object.entries(limits)
    .filter(([pattern]) => types.some((type) => matchesPattern(pattern, type)))
    .map(([pattern, limit]) =>
      [pattern, Math.max(0, limit - running.filter((type) => matchesPattern(pattern, type)).length)] as const
    );
  if (rooms.length === 0) return { types: [...types] };
  const full = rooms.filter(([, room]) => room === 0);
  return {
    types: types.filter((type) => !full.some(([pattern]) => matchesPattern(pattern, type))),
    rooms: Object.fromEntries(rooms),
  };
}
