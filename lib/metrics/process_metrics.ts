/** The worker's own process, by the names that Prometheus' client libraries share, and what it is built from. */
import process from "node:process";
import type { Clock } from "../clock.ts";
import type { Service } from "../service.ts";
import { VERSION } from "../version.ts";
import type { Instruments } from "./instruments.ts";

/** The process's part of the metrics. */
export interface ProcessMetrics {
  /** Watches how late timers fire: how long the process was busy with other things, or held. */
  readonly lag: Service;
  /** Takes what is true now. */
  show(): void;
}

/** Often enough to notice, rare enough to cost nothing. */
const LOOK_MS = 2000;
const LAG_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** Makes them. */
export function processMetrics(
  { counter, gauge, histogram }: Instruments,
  clock: Clock,
): ProcessMetrics {
  const cpu = counter("process_cpu_seconds_total", "Processor time of the worker's own process, in seconds.");
  const resident = gauge("process_resident_memory_bytes", "Resident memory of the worker's own process.");
  const started = gauge("process_start_time_seconds", "When the process began, in seconds since the epoch.");
  const heap = gauge("actp_heap_used_bytes", "JavaScript heap in use.");
  const lag = histogram(
    "actp_event_loop_lag_seconds",
    `How late a timer fired, looked at every ${LOOK_MS / 1000} s.`,
    LAG_SECONDS,
  );
  gauge("actp_build_info", "1, with what runs.", ["version", "deno", "os", "arch"]).set({
    version: VERSION,
    deno: Deno.version.deno,
    os: Deno.build.os,
    arch: Deno.build.arch,
  }, 1);
  started.set((Date.now() - performance.now()) / 1000);
  let told = 0;
  return {
    lag: {
      name: "event loop lag",
      async run(signal) {
        while (!signal.aborted) {
          const due = clock.monotonic() + LOOK_MS;
          await clock.sleep(LOOK_MS, signal);
          if (!signal.aborted) lag.observe(Math.max(0, clock.monotonic() - due) / 1000);
        }
      },
    },
    show() {
      const { user, system } = process.cpuUsage();
      const seconds = (user + system) / 1e6;
      cpu.inc(Math.max(0, seconds - told));
      told = Math.max(told, seconds);
      const { rss, heapUsed } = Deno.memoryUsage();
      resident.set(rss);
      heap.set(heapUsed);
    },
  };
}
