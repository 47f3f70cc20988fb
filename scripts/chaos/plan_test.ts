import assert from "node:assert/strict";
import { type ChaosOptions, type Fault, planChaos } from "./plan.ts";

const OPTIONS: ChaosOptions = { seed: 5, tasks: 500, workers: 4, kills: 40, clocks: [1, 3], leaseMs: 3000 };

const faults = (options = OPTIONS) => planChaos(options).map(({ fault }) => fault);
const workersOf = (fault: Fault) =>
  fault.kind === "kill" ? fault.workers : fault.kind === "database" ? [] : [fault.worker];

Deno.test("the same seed plans the same run, another seed another", () => {
  assert.deepEqual(planChaos(OPTIONS), planChaos(OPTIONS));
  assert.notDeepEqual(planChaos(OPTIONS), planChaos({ ...OPTIONS, seed: 6 }));
});

Deno.test("a plan has every task once, and as many kills as were asked for", () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    for (const [tasks, workers, kills] of [[500, 4, 40], [3, 1, 7], [1000, 2, 1]] as const) {
      const plan = planChaos({ ...OPTIONS, seed, tasks, workers, kills, clocks: [] });
      const keys = plan.flatMap((step) => step.tasks.map(({ key }) => key));
      assert.deepEqual(keys, Array.from({ length: tasks }, (_, i) => i));
      const killed = plan.flatMap(({ fault }) => fault.kind === "kill" ? fault.workers : []);
      assert.equal(killed.length, kills);
    }
  }
});

Deno.test("faults concern workers that there are, each of them once", () => {
  for (const fault of faults()) {
    const workers = workersOf(fault);
    assert.ok(workers.every((worker) => worker >= 0 && worker < 4), JSON.stringify(fault));
    assert.equal(new Set(workers).size, workers.length);
  }
});

Deno.test("every kind of fault occurs, clock jumps only where a clock can be set", () => {
  const kinds = new Set(faults().map(({ kind }) => kind));
  assert.deepEqual(
    [...kinds].sort(),
    ["clock", "cut", "database", "delay", "freeze", "kill", "refuse", "stop", "suspend"],
  );
  const clocks = faults().flatMap((fault) => fault.kind === "clock" ? [fault.worker] : []);
  assert.ok(clocks.every((worker) => OPTIONS.clocks.includes(worker)));
  assert.ok(!faults({ ...OPTIONS, clocks: [] }).some(({ kind }) => kind === "clock"));
});
