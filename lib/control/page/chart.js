// Charts of the last hour or day: drawn as SVG, with every figure in a table for whoever prefers that.
import { h } from "./dom.js";
import { clockTime, count, millis, roundUp } from "./format.js";
import { segments } from "./parts.js";
import { changed } from "./store.js";

const WIDTH = 600;
const HEIGHT = 150;
const tabled = new Set();
const cursors = new Map();

/**
 * A chart in a card. `series`: [{name, of(bucket), tone, kind: "bar" | "line"}]; bars stand on each other. `say`
 * writes a value.
 */
export function chart({ id, heading, buckets, bucketSeconds, series, say }) {
  const asTable = tabled.has(id);
  const toggle = segments(
    `${heading} as`,
    [["chart", "Chart"], ["table", "Table"]],
    asTable ? "table" : "chart",
    (way) => {
      if (way === "table") tabled.add(id);
      else tabled.delete(id);
      changed();
    },
  );
  return h(
    "section",
    { class: "card chart", key: id, "aria-labelledby": `${id}-title` },
    h(
      "div",
      { class: "card-head" },
      h("h2", { id: `${id}-title` }, heading),
      h("div", { class: "card-more" }, toggle),
    ),
    asTable
      ? figures(heading, buckets, series, say)
      : drawing({ id, heading, buckets, bucketSeconds, series, say }),
  );
}

function figures(heading, buckets, series, say) {
  const told = buckets.filter((bucket) => series.some(({ of }) => of(bucket))).toReversed();
  if (told.length === 0) return h("p", { class: "empty" }, "Nothing was settled in this time.");
  return h(
    "div",
    { class: "figures", key: "table", role: "region", tabindex: 0, "aria-label": `${heading}: all figures` },
    h(
      "table",
      null,
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", { scope: "col" }, "From"),
          series.map(({ name }) => h("th", { scope: "col", class: "number" }, name)),
        ),
      ),
      h(
        "tbody",
        null,
        told.map((bucket) =>
          h(
            "tr",
            { key: bucket.at },
            h("th", { scope: "row" }, clockTime(bucket.at)),
            series.map(({ of }) => h("td", { class: "number" }, say(of(bucket)))),
          )
        ),
      ),
    ),
  );
}

function drawing({ id, heading, buckets, bucketSeconds, series, say }) {
  const bars = series.filter(({ kind }) => kind === "bar");
  const lines = series.filter(({ kind }) => kind === "line");
  const sum = (bucket) => bars.reduce((all, { of }) => all + (of(bucket) ?? 0), 0);
  const top = roundUp(
    Math.max(0, ...buckets.map(sum), ...buckets.flatMap((bucket) => lines.map(({ of }) => of(bucket) ?? 0))),
  );
  const step = WIDTH / Math.max(1, buckets.length);
  const y = (value) => HEIGHT - value / top * HEIGHT;
  const at = cursors.get(id);
  const marked = at === undefined ? undefined : buckets[at];
  if (!buckets.some((bucket) => series.some(({ of }) => of(bucket)))) {
    return h("p", { class: "plot nothing", key: "nothing" }, "Nothing was settled in this time.");
  }
  return h(
    "div",
    { key: "drawing" },
    h(
      "div",
      { class: "legend" },
      series.map(({ name, tone, of }) =>
        h(
          "span",
          { key: name, "data-tone": tone },
          h("i", null),
          name,
          marked && h("b", null, say(of(marked))),
        )
      ),
      h("span", { class: "legend-time" }, marked ? clockTime(marked.at) : ""),
    ),
    h(
      "div",
      { class: "plot" },
      h(
        "div",
        { class: "axis", "aria-hidden": "true" },
        [top, top / 2, 0].map((value) => h("span", null, say(value))),
      ),
      h(
        "svg",
        {
          viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `${heading}. ${summary(buckets, series, say)} The table has every figure.`,
          onpointermove: (event) => point(id, event, buckets.length),
          onpointerleave: () => cursors.delete(id) && changed(),
        },
        [0, HEIGHT / 2, HEIGHT].map((height) =>
          h("line", { class: "grid", x1: 0, x2: WIDTH, y1: height, y2: height })
        ),
        marked && h("rect", { class: "cursor", x: at * step, y: 0, width: step, height: HEIGHT }),
        buckets.map((bucket, index) => stack(bucket, bars, index * step, step, y)),
        lines.map(({ of, tone, name }) =>
          h("path", { key: name, class: "line", "data-tone": tone, d: pathOf(buckets, of, step, y) })
        ),
      ),
      h("span", { "aria-hidden": "true" }),
      h(
        "div",
        { class: "axis times", "aria-hidden": "true" },
        timesOf(buckets, bucketSeconds).map((text) => h("span", null, text)),
      ),
    ),
  );
}

function point(id, event, buckets) {
  const box = event.currentTarget.getBoundingClientRect();
  const index = Math.floor((event.clientX - box.left) / box.width * buckets);
  if (index < 0 || index >= buckets || cursors.get(id) === index) return;
  cursors.set(id, index);
  changed();
}

function stack(bucket, bars, x, step, y) {
  let below = 0;
  return bars.map(({ of, tone }) => {
    const value = of(bucket) ?? 0;
    if (value === 0) return undefined;
    const top = y(below + value);
    const height = y(below) - top;
    below += value;
    return h("rect", {
      class: "bar",
      "data-tone": tone,
      x: x + step * 0.15,
      width: step * 0.7,
      y: top,
      height: Math.max(1, height),
    });
  });
}

/** A line through the buckets that have a value; a single one becomes a short stroke, so that it is seen. */
function pathOf(buckets, of, step, y) {
  const parts = [];
  buckets.forEach((bucket, index) => {
    const value = of(bucket);
    if (value === null || value === undefined) return;
    const before = index > 0 && (of(buckets[index - 1]) ?? null) !== null;
    const after = (of(buckets[index + 1] ?? {}) ?? null) !== null;
    const height = y(value).toFixed(1);
    const middle = (index + 0.5) * step;
    if (before || after) parts.push(`${before ? "L" : "M"}${middle.toFixed(1)} ${height}`);
    else parts.push(`M${(index * step).toFixed(1)} ${height}H${((index + 1) * step).toFixed(1)}`);
  });
  return parts.join("");
}

function timesOf(buckets, bucketSeconds) {
  if (buckets.length === 0) return [];
  const first = Date.parse(buckets[0].at);
  const span = buckets.length * bucketSeconds * 1000;
  return [0, 1, 2, 3].map((part) => clockTime(new Date(first + span * part / 4).toISOString())).concat("now");
}

function summary(buckets, series, say) {
  return series.map(({ name, of, kind }) => {
    const values = buckets.map(of).filter((value) => value !== null && value !== undefined);
    if (kind === "line") {
      return values.length === 0 ? `${name}: none.` : `${name}: at most ${say(Math.max(...values))}.`;
    }
    return `${name}: ${count(values.reduce((all, value) => all + value, 0))} in all.`;
  }).join(" ");
}

/** The two charts of the overview. */
export function taskCharts({ buckets, bucket_seconds: bucketSeconds }) {
  const common = { buckets, bucketSeconds };
  return [
    chart({
      ...common,
      id: "throughput",
      heading: "Tasks settled",
      say: count,
      series: [
        { name: "Succeeded", kind: "bar", tone: "good", of: (bucket) => bucket.succeeded },
        { name: "Failed", kind: "bar", tone: "bad", of: (bucket) => sumOf(bucket.failed, bucket.timed_out) },
        { name: "Cancelled", kind: "bar", tone: "quiet", of: (bucket) => bucket.cancelled },
      ],
    }),
    chart({
      ...common,
      id: "latency",
      heading: "How long they take",
      say: millis,
      series: [
        { name: "Run, median", kind: "line", tone: "accent", of: (bucket) => bucket.run_ms_p50 },
        { name: "Run, 95 %", kind: "line", tone: "violet", of: (bucket) => bucket.run_ms_p95 },
        { name: "Wait, 95 %", kind: "line", tone: "warn", of: (bucket) => bucket.wait_ms_p95 },
      ],
    }),
  ];
}

function sumOf(...values) {
  return values.reduce((all, value) => all + (value ?? 0), 0);
}
