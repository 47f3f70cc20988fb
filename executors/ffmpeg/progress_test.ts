import assert from "node:assert/strict";
import { estimate, ofPass, progressReader } from "./progress.ts";

const feed = (text: string) => {
  const read = progressReader();
  return text.split("\n").flatMap((line) => read(line) ?? []);
};

Deno.test("reports are read one by one, whatever else is printed", () => {
  const text = "frame=10\nout_time_us=1500000\nspeed= 3.0x\nprogress=continue\nnoise\n" +
    "out_time_us=N/A\nspeed=N/A\nprogress=continue\nout_time_us=-200\nspeed=1e+03x\nprogress=end\n";
  assert.deepEqual(feed(text), [
    { outSeconds: 1.5, speed: 3, ended: false },
    { outSeconds: undefined, speed: undefined, ended: false },
    { outSeconds: 0, speed: 1_000, ended: true },
  ]);
});

Deno.test("percent and remaining seconds follow from the expected length", () => {
  assert.deepEqual(estimate({ outSeconds: 5, speed: 2, ended: false }, 20), {
    percent: 25,
    remainingSeconds: 8,
  });
  assert.deepEqual(estimate({ outSeconds: 25, ended: false }, 20), { percent: 99.9 });
  assert.deepEqual(estimate({ ended: true }, 20), { percent: 100, remainingSeconds: 0 });
});

Deno.test("nothing is claimed that is not known", () => {
  assert.deepEqual(estimate({ outSeconds: 5, speed: 2, ended: false }, undefined), {});
  assert.deepEqual(estimate({ ended: false }, 20), {});
  assert.deepEqual(estimate({ outSeconds: 5, speed: 0, ended: false }, 20), { percent: 25 });
});

Deno.test("a pass takes its share of the whole", () => {
  assert.deepEqual(ofPass({ percent: 50, remainingSeconds: 4 }, 0, 2), { percent: 25 });
  assert.deepEqual(ofPass({ percent: 50, remainingSeconds: 4 }, 1, 2), { percent: 75, remainingSeconds: 4 });
});
