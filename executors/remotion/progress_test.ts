import assert from "node:assert/strict";
import { renderProgressReader } from "./progress.ts";

Deno.test("bundling, rendering and encoding become one percentage with a message", () => {
  const read = renderProgressReader();
  assert.deepEqual(read("Bundling 43%"), { percent: 0, message: "bundling: 43 %" });
  assert.deepEqual(read("Getting composition"), { percent: 0, message: "looking for the composition" });
  assert.deepEqual(read("Rendered 75/150, time remaining: 1m 5s"), {
    percent: 42.5,
    message: "rendered 75 of 150 frames",
    remainingSeconds: 65,
  });
  assert.deepEqual(read("Rendered 150/150"), { percent: 85, message: "rendered 150 of 150 frames" });
  assert.deepEqual(read("Encoded 75/150"), { percent: 90, message: "encoded 75 of 150 frames" });
  assert.deepEqual(read("Encoded 150/150"), { percent: 95, message: "encoded 150 of 150 frames" });
});

Deno.test("the remaining time is read in hours, minutes and seconds", () => {
  const remaining = (text: string) =>
    renderProgressReader()(`Rendered 1/9, time remaining: ${text}`)?.remainingSeconds;
  assert.deepEqual(["0s", "1h 2m 3s", "2h 0s", "soon"].map(remaining), [0, 3723, 7200, undefined]);
});

Deno.test("the percentage never goes back and never leaves its bounds", () => {
  const read = renderProgressReader();
  read("Rendered 100/150");
  assert.equal(read("Rendered 10/150")?.percent, 56.7);
  assert.equal(read("Rendered 999/150")?.percent, 85);
  assert.equal(read("Rendered 5/0")?.percent, 85);
});

Deno.test("other lines are no progress, and colours do not hide one", () => {
  const read = renderProgressReader();
  for (const line of ["Composition          Film", "+ out.mp4 13.6 kB", "I Rendered 1/2 today", ""]) {
    assert.equal(read(line), undefined);
  }
  assert.equal(read("\x1b[34mRendered 1/2\x1b[39m")?.percent, 42.5);
});
