/** The trace that a task belongs to, where its enqueuer gave one: https://www.w3.org/TR/trace-context/. Pure. */

/** A `traceparent`, taken apart. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** 1: the enqueuer has recorded its part. */
  readonly flags: number;
}

const PATTERN = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const KEYS = ["traceparent", "tracestate"];

/** Reads `traceparent` from a task's input, or from the `metadata` in it; undefined where there is none that is valid. */
export function traceContextOf(input: unknown): TraceContext | undefined {
  return parsed(field(input, "traceparent")) ?? parsed(field(field(input, "metadata"), "traceparent"));
}

/** The input without its trace: no executor need know of it. The same object where there is none. */
export function withoutTraceContext(input: unknown): unknown {
  if (typeof field(input, "traceparent") !== "string") return input;
  return Object.fromEntries(Object.entries(input as object).filter(([key]) => !KEYS.includes(key)));
}

function field(value: unknown, name: string): unknown {
  const has = typeof value === "object" && value !== null && Object.hasOwn(value, name);
  return has ? (value as Record<string, unknown>)[name] : undefined;
}

function parsed(traceparent: unknown): TraceContext | undefined {
  if (typeof traceparent !== "string" || traceparent.length > 200) return undefined;
  const [, traceId, spanId, flags] = PATTERN.exec(traceparent) ?? [];
  return traceId && spanId && flags ? { traceId, spanId, flags: parseInt(flags, 16) } : undefined;
}
