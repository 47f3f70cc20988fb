import assert from "node:assert/strict";
import { fakeClock } from "../../lib/testing/fake_clock.ts";
import { until } from "../../lib/testing/until.ts";
import { watchMemory } from "./memory_watch.ts";

Deno.test("a watch sees the machine's memory and how much a program holds", async () => {
  const clock = fakeClock();
  const program = new Deno.Command("sleep", { args: ["60"], stdin: "null" }).spawn();
  try {
    const watch = await watchMemory(clock);
    watch.follow(program.pid);
    await until("the first look is over", () => clock.pending() === 1);
    await clock.advance(250);
    await until("the second look is over", () => clock.pending() === 1);
    const seen = await watch.stop();
    assert.ok(
      seen.totalBytes! > 0 && seen.lowestAvailableBytes! > 0 &&
        seen.lowestAvailableBytes! <= seen.totalBytes!,
    );
    assert.ok(seen.peakBytes! > 100_000 && seen.peakBytes! < 100_000_000, `${seen.peakBytes}`);
    assert.equal(clock.pending(), 0);
  } finally {
    program.kill("SIGKILL");
    await program.status;
  }
});
