/** Whether a worker grows. Pure. */
import type { LoadCount } from "./load.ts";
import type { Signs } from "./signs.ts";
import { growsBeyond, type Trend, trend } from "./trend.ts";

/** What may not be passed. */
export interface Limits {
  /** At the beginning, not looked at, in ms. */
  readonly warmUpMs: number;
  /** In MB an hour, for resident memory and for the heap. */
  readonly growth: number;
  /** Tasks that may be left undone. */
  readonly backlog: number;
}

/** What was found: lines for people, and what is wrong. */
export interface Verdict {
  readonly lines: readonly string[];
  readonly problems: readonly string[];
}

/** Connections to the database come and go; so do programs of tasks. */
const MORE_FILES = 8;
const MORE_CHILDREN = 3;

/** Judges what was seen after the warm-up. @throws Error where that is too little */
export function judge(signs: readonly Signs[], count: LoadCount, limits: Limits): Verdict {
  const warm = signs.filter(({ at }) => at >= limits.warmUpMs);
  const minutes = ((warm.at(-1)?.at ?? 0) - (warm[0]?.at ?? 0)) / 60_000;
  const trends = { resident: trendOf(warm, "rss"), heap: trendOf(warm, "heap") };
  const later = warm.slice(Math.floor(warm.length / 2));
  const last = signs.at(-1)!;
  const more = `grows by more than ${limits.growth} MB an hour`;
  const backlog = count.enqueued - last.settled;
  return {
    lines: [
      `after the first ${limits.warmUpMs / 60_000} min, over ${minutes.toFixed(1)} min: resident ${
        show(trends.resident)
      }, heap ${show(trends.heap)} (flat: no more than ${limits.growth} MB an hour, to two standard errors)`,
      `over the last half of that: resident ${show(trendOf(later, "rss"))}, heap ${
        show(trendOf(later, "heap"))
      }`,
      `medians of the first and last fifth: ${
        (["rss", "heap", "files", "children"] as const).map((of) => {
          const [before, after] = ends(warm, of);
          return `${NAMES[of]} ${before.toFixed(1)} → ${after.toFixed(1)}`;
        }).join(", ")
      }`,
      `${last.settled} outcomes of ${count.enqueued} tasks enqueued here and those of ${last.fired} routine runs; ` +
      `${count.requests} requests, ${count.streams} event streams, ${last.restarts} agent restarts, ` +
      `${last.cpuSeconds.toFixed(0)} s of processor`,
    ],
    problems: [
      ...grows(warm, "rss", limits.growth) ? [`resident memory ${more}`] : [],
      ...grows(warm, "heap", limits.growth) ? [`heap memory ${more}`] : [],
      ...grown(warm, "files", MORE_FILES),
      ...grown(warm, "children", MORE_CHILDREN),
      ...count.failures > 0 ? [`${count.failures} rounds of requests broke off; see above`] : [],
      ...backlog > limits.backlog ? [`${backlog} tasks are not done: it does not keep up`] : [],
    ],
  };
}

const NAMES = { rss: "MB resident", heap: "MB heap", files: "open files", children: "children" };

/**
 * Both the line through all samples and the medians of the ends must say so: a dip after a collection of garbage tilts the
 * line, and a leak moves the medians as well.
 */
function grows(signs: readonly Signs[], of: "rss" | "heap", limit: number): boolean {
  const [before, after] = ends(signs, of);
  const hours = (signs.at(-1)!.at - signs[0]!.at) / 3_600_000;
  // The middles of the first and the last fifth are four fifths of the time apart.
  return growsBeyond(trendOf(signs, of), limit) && after - before > limit * hours * 4 / 5;
}

function trendOf(signs: readonly Signs[], of: "rss" | "heap"): Trend {
  return trend(signs.map((sign) => ({ at: sign.at, value: sign[of] })));
}

function show({ perHour, error }: Trend): string {
  return `${perHour.toFixed(1)} ± ${error.toFixed(1)} MB an hour`;
}

function ends(signs: readonly Signs[], of: keyof typeof NAMES): [number, number] {
  const fifth = Math.ceil(signs.length / 5);
  return [median(signs.slice(0, fifth), of), median(signs.slice(-fifth), of)];
}

function median(signs: readonly Signs[], of: keyof typeof NAMES): number {
  const values = signs.map((sign) => sign[of] ?? 0).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? 0;
}

function grown(signs: readonly Signs[], of: "files" | "children", more: number): string[] {
  const [before, after] = ends(signs, of);
  return after > before + more ? [`${NAMES[of]} grow: ${before} at first, ${after} at the end`] : [];
}
