/** Agents' processes that do what a test tells them, for tests whose time is fake. */
import type { AgentOrder, AgentReportInput } from "../agent/protocol.ts";
import { formatReport, parseReport } from "../agent/protocol.ts";
import type { Clock } from "../clock.ts";
import type { AgentProcess, ProcessEnding, ProcessSpec, StartProcess } from "../supervisor/agent_process.ts";

/** One process; its pid is its number, from 1 on. */
export interface ScriptedProcess {
  readonly spec: ProcessSpec;
  readonly pid: number;
  readonly orders: readonly AgentOrder[];
  /** Why it was killed; "" without a fault. */
  readonly killed: string | undefined;
  report(report: AgentReportInput): void;
  /** Ends by itself; status 1 unless told. */
  end(code?: number | null): Promise<void>;
}

/** What has been started, oldest first. A killed process ends at once, unless it is to resist. */
export interface ScriptedAgents {
  readonly startProcess: StartProcess;
  readonly processes: readonly ScriptedProcess[];
  readonly last: ScriptedProcess;
}

/** `await agents.last.end()` returns when whoever supervises it has heard of it. */
export function scriptedAgents(clock: Clock): ScriptedAgents {
  const processes: ScriptedProcess[] = [];
  const startProcess: StartProcess = (spec, options) => {
    const { promise, resolve } = Promise.withResolvers<ProcessEnding>();
    const pid = processes.length + 1;
    const startedAt = clock.monotonic();
    const orders: AgentOrder[] = [];
    let heardAt = startedAt;
    let killed: string | undefined;
    const ended = (code: number | null, reason: string, faulty: boolean) =>
      resolve({ code, reason, faulty, ranMs: clock.monotonic() - startedAt });
    processes.push({
      spec,
      pid,
      orders,
      get killed() {
        return killed;
      },
      report(report) {
        heardAt = clock.monotonic();
        options.onReport(parseReport(formatReport(report).trimEnd())!);
      },
      async end(code = 1) {
        ended(code, `exited with status ${code}`, false);
        await promise;
        await Promise.resolve();
        await Promise.resolve();
      },
    });
    options.onStart(pid);
    const process: AgentProcess = {
      pid,
      startedAt,
      get heardAt() {
        return heardAt;
      },
      send: (order) => orders.push(order) > 0,
      kill(fault) {
        if (killed !== undefined) return;
        killed = fault ?? "";
        ended(null, fault ?? "was stopped", fault !== undefined);
      },
      ended: promise,
    };
    return process;
  };
  return {
    startProcess,
    processes,
    get last() {
      return processes.at(-1)!;
    },
  };
}
