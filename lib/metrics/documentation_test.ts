import assert from "node:assert/strict";
import { createInstruments } from "./instruments.ts";
import { createMetrics } from "./metrics.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { readPrometheusText } from "../testing/prometheus_text.ts";

const PAGE = await Deno.readTextFile(new URL("../../docs/monitoring.md", import.meta.url));

Deno.test("the page on monitoring lists every metric, and no other", async () => {
  const metrics = await createMetrics(fakeClock());
  const text = await metrics.text({
    figures: () => ({ running: 0, slots: 0, journal: 0, ready: true, draining: false, outages: [] }),
    agents: () => [],
    scheduler: () => undefined,
  });
  const listed = [...PAGE.matchAll(/^\| `((?:actp|process)_[a-z_]+)`/gm)].map(([, name]) => name);
  assert.deepEqual(listed.toSorted(), [...readPrometheusText(text).keys()].toSorted());
});

Deno.test("each worker counts for itself", async () => {
  const [one, other] = [await createInstruments(), await createInstruments()];
  one.counter("actp_a_total", "A.").inc();
  assert.equal(await other.registry.metrics(), "\n");
});
