/** The agent's end of what it and its supervisor say to each other: standard input and output. */
import { LineSplitter } from "../process/output.ts";
import {
  type AgentOrder,
  type AgentReportInput,
  formatReport,
  MAX_LINE_BYTES,
  parseOrder,
} from "./protocol.ts";

/** The way to the supervisor. */
export interface SupervisorLink {
  report(report: AgentReportInput): void;
  /** Calls `handle` with each order; resolves when the supervisor is gone. */
  listen(handle: (order: AgentOrder) => void): Promise<void>;
}

/** Over the process's own streams. Each report is written whole and at once. */
export function processLink(): SupervisorLink {
  const encoder = new TextEncoder();
  return {
    report(report) {
      let bytes: Uint8Array = encoder.encode(formatReport(report));
      try {
        while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
      } catch (error) {
        // The supervisor is gone: the end of standard input says so as well.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
    async listen(handle) {
      const lines = new LineSplitter(MAX_LINE_BYTES, (line, truncated) => {
        const order = truncated ? undefined : parseOrder(line);
        if (order) handle(order);
      });
      for await (const bytes of Deno.stdin.readable) lines.push(bytes);
    },
  };
}
