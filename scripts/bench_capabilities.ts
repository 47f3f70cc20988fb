/**
 * What idle minutes of capability checks cost: `deno run -A scripts/bench_capabilities.ts [MINUTES]`, 10 unless told.
 * Checks all executors as the configuration of the environment has them, once to begin with (which asks programs for
 * their versions) and then once for each minute, without waiting in between. Ends with 1 where that takes a second of
 * processor time or more, programs that were started included. Linux only.
 */
import { allExecutors } from "../executors/index.ts";
import { BUILT_IN_TYPES } from "../executors/types.ts";
import { processTerminal, table } from "../lib/cli/terminal.ts";
import { systemClock } from "../lib/clock.ts";
import { loadConfig } from "../lib/config.ts";
import { Capabilities } from "../lib/queue/capabilities.ts";
import type { Executor } from "../lib/task/task.ts";
import { processorMs } from "./bench/procfs.ts";

const MAX_MS = 1000;

/** An executor whose checks are timed. */
function timed(executor: Executor, times: number[]): Executor {
  return {
    ...executor,
    async check() {
      const started = performance.now();
      try {
        return await executor.check();
      } finally {
        times.push(performance.now() - started);
      }
    },
  };
}

async function main(minutes: number): Promise<boolean> {
  const terminal = processTerminal();
  const { config } = await loadConfig({
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    reservedTypes: BUILT_IN_TYPES,
  });
  const { executors } = await allExecutors(config);
  const timings = executors.map((executor) => ({ executor, times: [] as number[] }));
  const capabilities = new Capabilities(
    timings.map(({ executor, times }) => timed(executor, times)),
    systemClock,
  );
  await capabilities.detect();
  const before = await processorMs(Deno.pid);
  for (let minute = 0; minute < minutes; minute++) await capabilities.detect();
  const after = await processorMs(Deno.pid);
  if (before === undefined || after === undefined) {
    throw new Error("there is no /proc to read processor time from");
  }

  const available = new Set(capabilities.types());
  const rows = timings.map(({ executor, times: [first = 0, ...later] }) => [
    executor.type,
    available.has(executor.type) ? "yes" : "no",
    first.toFixed(1),
    (later.reduce((sum, time) => sum + time, 0) / later.length).toFixed(2),
  ]);
  for (const line of table(["TYPE", "AVAILABLE", "FIRST CHECK, MS", "LATER CHECKS, MS"], rows)) {
    terminal.out(line);
  }
  const spent = after - before;
  terminal.out(`${minutes} minutes of checks took ${spent} ms of processor time (limit ${MAX_MS})`);
  return spent < MAX_MS;
}

if (import.meta.main && !await main(Number(Deno.args[0] ?? 10))) Deno.exitCode = 1;
