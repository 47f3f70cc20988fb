/**
 * Traces by OpenTelemetry, through Deno's own support: Deno sends the spans, this makes them. Off unless OTEL_DENO asks
 * for it; then nothing is loaded. https://docs.deno.com/runtime/fundamentals/open_telemetry/
 */
import type { Attributes, Context, Span, SpanOptions, Tracer } from "@opentelemetry/api";
import { logger } from "../log.ts";
import type { TraceContext } from "../task/trace_context.ts";
import { VERSION } from "../version.ts";

/** What makes spans. */
export interface Tracing {
  /** A span below `parent`, or one that begins a trace; ends when {@link Span.end} is called. */
  start(name: string, options?: SpanOptions & { readonly parent?: Span | TraceContext }): Span;
  /** Does the work with the span as the current one: requests that it makes are told below it. */
  within<T>(span: Span, work: () => T): T;
  /** Marks the span as failed. The error is made free of secrets. */
  fail(span: Span, error: string): void;
}

/** Of a kind of span: https://opentelemetry.io/docs/specs/otel/trace/api/#spankind */
export const SPAN_KIND = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const;
/** https://opentelemetry.io/docs/specs/otel/trace/api/#set-status */
const STATUS_ERROR = 2;

/** Whether the environment asks for traces, as Deno reads it. Pure. */
export function asksForTraces(env: Readonly<Record<string, string>>): boolean {
  return isTrue(env.OTEL_DENO) && !isTrue(env.OTEL_SDK_DISABLED) && env.OTEL_DENO_TRACING !== "false";
}

/**
 * Begins to make spans, if the environment asks for it and this program can.
 * @param clean takes secrets out of a text
 */
export async function openTracing(
  env: Readonly<Record<string, string>>,
  clean: (text: string) => string,
): Promise<Tracing | undefined> {
  if (!asksForTraces(env)) return undefined;
  const { context, ROOT_CONTEXT, trace } = await import("@opentelemetry/api");
  const tracer: Tracer = trace.getTracer("actp-worker", VERSION);
  const probe = tracer.startSpan("probe");
  // Deno gives a tracer only where it was told at its start, or, for a compiled program, when that was built.
  if (!probe.isRecording()) {
    logger("telemetry").warn(
      "OTEL_DENO is set, but this program was built without OpenTelemetry: no traces are sent. " +
        "Build it with `deno task compile --otel`, or run it from source.",
    );
    return undefined;
  }
  const contextOf = (parent: Span | TraceContext): Context =>
    "spanContext" in parent ? trace.setSpan(ROOT_CONTEXT, parent) : trace.setSpanContext(ROOT_CONTEXT, {
      traceId: parent.traceId,
      spanId: parent.spanId,
      traceFlags: parent.flags,
      isRemote: true,
    });
  return {
    start: (name, { parent, ...options } = {}) =>
      parent
        ? tracer.startSpan(name, options, contextOf(parent))
        : tracer.startSpan(name, { ...options, root: true }),
    within: (span, work) => context.with(trace.setSpan(context.active(), span), work),
    fail(span, error) {
      const message = clean(error).slice(0, MAX_ERROR);
      span.recordException({ name: "Error", message });
      span.setStatus({ code: STATUS_ERROR, message });
    },
  };
}

const MAX_ERROR = 4000;

function isTrue(value: string | undefined): boolean {
  return value === "true" || value === "1";
}

/** Attributes of a span, without those that are not known. */
export function known(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
