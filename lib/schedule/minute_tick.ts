/** Deno.cron as the minute tick, where the runtime has it (`"unstable": ["cron"]` in deno.json, baked into the program). */

/** Calls `tick` every full minute until the signal aborts. */
export type MinuteTick = (tick: () => void, signal: AbortSignal) => Promise<void>;

/** As documented at https://docs.deno.com/api/deno/~/Deno.cron */
type Cron = (
  name: string,
  schedule: string,
  options: { signal: AbortSignal; backoffSchedule: number[] },
  handler: () => void,
) => Promise<void>;

/** The tick; undefined where the runtime has none, and the scheduler's own timer, which never rests, does without. */
export function denoMinuteTick(): MinuteTick | undefined {
  const { cron } = Deno as unknown as { cron?: Cron };
  return cron &&
    ((tick, signal) => cron("actp-worker minute tick", "* * * * *", { signal, backoffSchedule: [] }, tick));
}
