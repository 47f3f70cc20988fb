import assert from "node:assert/strict";
import { readPrometheusText, valueOf } from "./prometheus_text.ts";

const COUNTER = "# HELP a_total Things.\n# TYPE a_total counter\n";

Deno.test("metrics are read with labels, escapes and values", () => {
  const read = readPrometheusText(`${COUNTER}a_total{x="1",y="a\\"b\\\\c\\nd"} 1e3\na_total{x="2"} +Inf\n`);
  assert.equal(valueOf(read, "a_total", { x: "1" }), 1000);
  assert.deepEqual(read.get("a_total")?.samples[0]?.labels, { x: "1", y: 'a"b\\c\nd' });
  assert.equal(valueOf(read, "a_total", { x: "2" }), Infinity);
  assert.equal(valueOf(read, "a_total", { x: "3" }), undefined);
});

Deno.test("what breaks the format is refused", () => {
  const histogram = "# HELP h x\n# TYPE h histogram\n";
  const wrong: Record<string, string> = {
    [`${COUNTER}a_total 1`]: "line feed",
    "a_total 1\n": "outside its metric",
    "# TYPE a_total counter\n": "without its HELP",
    [COUNTER + COUNTER]: "twice",
    [`${COUNTER}a_total{x="1"} 1\na_total{x="1"} 2\n`]: "twice",
    [`${COUNTER}a_total{x="1} 1\n`]: "no label",
    [`${COUNTER}a_total{x="a\\q"} 1\n`]: "no label",
    [`${COUNTER}a_total Nan1\n`]: "no number",
    [`${COUNTER}a_total -1\n`]: "never negative",
    "# HELP a Things.\n# TYPE a counter\n": "_total",
    "# HELP a_ms x\n# TYPE a_ms gauge\n": "seconds",
    [`${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`]: "Inf",
    [`${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`]: "add up",
    [`${histogram}h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\n`]: "order",
    [`${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`]: "holds all",
  };
  for (const [text, why] of Object.entries(wrong)) {
    assert.throws(() => readPrometheusText(text), new RegExp(why.replace("+", "\\+")), text);
  }
});
