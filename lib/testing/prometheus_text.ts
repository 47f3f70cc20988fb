/**
 * Reads the text that Prometheus scrapes, strictly, and without knowing how it was written: format 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/, and what promtool asks of names.
 */

/** One metric with its series. */
export interface ReadMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: ReadSample[];
}

/** One line. `name` has the ending of a histogram's part. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const VALUE = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|\+Inf|-Inf|NaN)$/i;

/** @throws Error naming the line that is wrong */
export function readPrometheusText(text: string): Map<string, ReadMetric> {
  if (!text.endsWith("\n")) throw new Error("the last line must end with a line feed");
  const metrics = new Map<string, ReadMetric>();
  const seen = new Set<string>();
  let help: RegExpExecArray | null = null;
  let current: ReadMetric | undefined;
  for (const line of text.split("\n").slice(0, -1)) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line === "") continue;
    if (line.startsWith("# HELP ")) {
      help = HELP.exec(line) ?? fail("no HELP line");
    } else if (line.startsWith("#")) {
      const [, name, type] = TYPE.exec(line) ?? fail("no TYPE line");
      if (help?.[1] !== name) fail("TYPE without its HELP");
      if (metrics.has(name!)) fail("the metric is there twice");
      current = { name: name!, help: help![2]!, type: type as ReadMetric["type"], samples: [] };
      metrics.set(name!, current);
    } else {
      const [, name, labels, value] = SAMPLE.exec(line) ?? fail("no sample");
      if (!current || !belongs(name!, current)) return fail("a sample outside its metric");
      if (!VALUE.test(value!)) fail("no number");
      const sample = { name: name!, labels: readLabels(labels ?? "", fail), value: toNumber(value!) };
      const key = `${name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(key)) fail("the series is there twice");
      seen.add(key);
      current.samples.push(sample);
    }
  }
  for (const metric of metrics.values()) check(metric);
  return metrics;
}

/** The value of the one series with these labels; undefined where there is none. */
export function valueOf(
  metrics: ReadonlyMap<string, ReadMetric>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const metric = metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ""));
  const found =
    metric?.samples.filter((sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
    ) ?? [];
  if (found.length > 1) throw new Error(`${found.length} series of ${name} have those labels`);
  return found[0]?.value;
}

function belongs(name: string, { name: of, type }: ReadMetric): boolean {
  return type === "histogram" ? [`${of}_bucket`, `${of}_sum`, `${of}_count`].includes(name) : name === of;
}

function readLabels(text: string, fail: (why: string) => never): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== "";) {
    const [all, name, value] = LABEL.exec(rest) ?? fail("no label");
    if (Object.hasOwn(labels, name!)) fail("the label is there twice");
    labels[name!] = value!.replaceAll(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped);
    rest = rest.slice(all!.length);
  }
  return labels;
}

function toNumber(value: string): number {
  return value.endsWith("Inf") ? (value.startsWith("-") ? -Infinity : Infinity) : Number(value);
}

/** What the words promise. */
function check({ name, type, samples }: ReadMetric): void {
  const wrong = (why: string): never => {
    throw new Error(`${name}: ${why}`);
  };
  if ((type === "counter") !== name.endsWith("_total")) wrong("counters, and only they, end with _total");
  if (/_(ms|milliseconds|minutes|mb|kb)(_|$)/.test(name)) wrong("times are in seconds, sizes in bytes");
  if (type !== "gauge" && samples.some(({ value }) => !(value >= 0))) wrong("counts are never negative");
  if (type === "histogram") checkHistogram(samples, wrong);
}

function checkHistogram(samples: readonly ReadSample[], wrong: (why: string) => never): void {
  const series = Map.groupBy(samples, ({ labels: { le: _, ...others } }) => JSON.stringify(others));
  for (const parts of series.values()) {
    const buckets = parts.filter(({ name }) => name.endsWith("_bucket"));
    const bounds = buckets.map(({ labels }) => toNumber(labels.le ?? ""));
    if (bounds.some((bound, i) => i > 0 && !(bound > bounds[i - 1]!))) wrong("buckets are out of order");
    if (buckets.some(({ value }, i) => i > 0 && value < buckets[i - 1]!.value)) wrong("buckets add up");
    if (bounds.at(-1) !== Infinity) wrong("the last bucket is +Inf");
    const count = parts.find(({ name }) => name.endsWith("_count"))?.value;
    if (count === undefined || count !== buckets.at(-1)!.value) wrong("+Inf holds all");
    if (!parts.some(({ name }) => name.endsWith("_sum"))) wrong("there is a sum");
  }
}
