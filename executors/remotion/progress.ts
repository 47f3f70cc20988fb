/** Reads the progress that `remotion render` prints where it has no terminal. Pure. */
import { stripVTControlCharacters } from "node:util";
import type { Progress } from "../../lib/task/task.ts";

/** Percent of the task when all frames are rendered, when all are encoded; the rest is for storing the result. */
const RENDERED_PERCENT = 85;
export const ENCODED_PERCENT = 95;

/**
 * Makes a reader for one run: give it every line of stdout, it answers with the progress that the line tells.
 * `Bundling 43%`, then `Rendered 14/150, time remaining: 1m 5s`, then `Encoded 24/150`. Percent never goes back.
 */
export function renderProgressReader(): (line: string) => Progress | undefined {
  let percent = 0;
  const reach = (value: number) => percent = Math.max(percent, Math.round(value * 10) / 10);
  return (raw) => {
    const line = stripVTControlCharacters(raw).trim();
    const bundling = /^Bundling (\d{1,3})%$/.exec(line);
    if (bundling) return { percent, message: `bundling: ${bundling[1]} %` };
    if (line === "Getting composition") return { percent, message: "looking for the composition" };
    const step = /^(Rendered|Encoded|Muxed) (\d{1,9})\/(\d{1,9})(?:, time remaining: (.+))?$/.exec(line);
    if (!step) return undefined;
    const [, what, done, all, left] = step;
    const share = Number(all) > 0 ? Math.min(1, Number(done) / Number(all)) : 0;
    const rendering = what === "Rendered";
    const from = rendering ? 0 : RENDERED_PERCENT;
    const to = rendering ? RENDERED_PERCENT : ENCODED_PERCENT;
    const remainingSeconds = rendering ? parseDuration(left) : undefined;
    return {
      percent: reach(from + share * (to - from)),
      message: `${what.toLowerCase()} ${done} of ${all} frames`,
      ...remainingSeconds === undefined ? {} : { remainingSeconds },
    };
  };
}

/** `1h 2m 3s`, any part of which may be missing, in seconds. */
function parseDuration(text: string | undefined): number | undefined {
  const match = /^(?:(\d+)h ?)?(?:(\d+)m ?)?(?:(\d+)s)?$/.exec(text?.trim() ?? "");
  if (!match?.[0]) return undefined;
  const [hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return hours * 3_600 + minutes * 60 + seconds;
}
