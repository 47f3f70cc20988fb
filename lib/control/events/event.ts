/** What happens, as `/events` tells it, and its form on the wire: server-sent events. Pure. */
import type { AgentRunEvent } from "../../agent/run_events.ts";
import type { AgentStatus } from "../../supervisor/agent_status.ts";

/** Something that needs a person. `at`: ISO 8601. */
export interface Alert {
  readonly id: string;
  readonly at: string;
  readonly severity: string;
  readonly kind: string;
  readonly message: string;
  readonly details?: unknown;
}

/** A task as in `GET /tasks`: without its input and output. */
export type TaskView = Readonly<Record<string, unknown>> & { readonly id: string };

/** An outward act as in `GET /approvals`. */
export type ActView = Readonly<Record<string, unknown>> & { readonly id: string };

/** A limit or a pause as in `GET /queues`. */
export type LimitView = Readonly<Record<string, unknown>> & { readonly pattern: string };

/** A routine as in `GET /scheduler/jobs`. */
export type RoutineState = Readonly<Record<string, unknown>> & { readonly id: string };

/** What happens in a run while it goes on. */
export type AgentRunView = AgentRunEvent & {
  readonly agent_id: string;
  readonly run_id: string;
  /** ISO 8601. */
  readonly at: string;
};

/** One event. */
export type ControlEvent =
  | { readonly type: "status"; readonly data: unknown }
  | { readonly type: "task"; readonly data: TaskView }
  | { readonly type: "agent"; readonly data: AgentStatus }
  | { readonly type: "agent_run"; readonly data: AgentRunView }
  | { readonly type: "approval"; readonly data: ActView }
  | { readonly type: "routine"; readonly data: RoutineState }
  | { readonly type: "queue"; readonly data: LimitView }
  | { readonly type: "alert"; readonly data: Alert };

const encoder = new TextEncoder();

/** An event in the form of `text/event-stream`. JSON holds no line end, so one line of data is enough. */
export function eventFrame(id: string, type: string, data: unknown): Uint8Array {
  return encoder.encode(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data) ?? "null"}\n\n`);
}

/** Keeps the connection alive, and proxies from closing it. */
export const KEEP_ALIVE: Uint8Array = encoder.encode(": keep-alive\n\n");

/** How soon a browser connects again, in ms. */
export const OPENING: Uint8Array = encoder.encode("retry: 2000\n\n");

/** The parts of an event's id; undefined for what is none. */
export function parseEventId(id: string | undefined): { epoch: string; n: number } | undefined {
  const match = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id ?? "");
  return match ? { epoch: match[1]!, n: Number(match[2]) } : undefined;
}

/** Several pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
