/** Stands for an OpenTelemetry collector: takes OTLP over HTTP as JSON, and keeps the spans. It refuses what is no OTLP. */
import { z } from "zod";

/** A span as it was sent; times in ms since the epoch. */
export interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly error: string | undefined;
  /** The messages of exceptions that were recorded. */
  readonly exceptions: readonly unknown[];
}

/** A running collector. */
export interface OtlpCollector extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  readonly spans: readonly SentSpan[];
  /** The resource that the spans are of. */
  readonly resource: Readonly<Record<string, unknown>>;
  /** Paths that something was sent to. */
  readonly paths: ReadonlySet<string>;
  /** What was refused, and why. */
  readonly refused: readonly string[];
}

const value = z.object({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
  doubleValue: z.number().optional(),
  arrayValue: z.unknown().optional(),
});
const attributes = z.array(z.object({ key: z.string().min(1), value })).default([]);
const nanos = z.string().regex(/^\d{19}$/);

// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
const traces = z.object({
  resourceSpans: z.array(z.object({
    resource: z.object({ attributes }),
    scopeSpans: z.array(z.object({
      scope: z.object({ name: z.string() }),
      spans: z.array(z.object({
        traceId: z.string().regex(/^(?!0{32})[0-9a-f]{32}$/),
        spanId: z.string().regex(/^(?!0{16})[0-9a-f]{16}$/),
        parentSpanId: z.string().regex(/^([0-9a-f]{16})?$/).optional(),
        name: z.string().min(1),
        kind: z.int().min(1).max(5),
        startTimeUnixNano: nanos,
        endTimeUnixNano: nanos,
        attributes,
        events: z.array(z.object({ name: z.string(), attributes })).default([]),
        status: z.object({ code: z.int().optional(), message: z.string().optional() }).optional(),
      })),
    })),
  })),
});

/** Starts one on a free port. */
export function startOtlpCollector(): OtlpCollector {
  const spans: SentSpan[] = [];
  const refused: string[] = [];
  const paths = new Set<string>();
  let resource: Record<string, unknown> = {};
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    paths.add(pathname);
    const body = await request.text();
    if (pathname !== "/v1/traces") return Response.json({});
    const type = request.headers.get("content-type");
    if (request.method !== "POST" || type !== "application/json") {
      refused.push(`${request.method} ${type}`);
      return new Response(null, { status: 415 });
    }
    const read = traces.safeParse(JSON.parse(body));
    if (!read.success) {
      refused.push(z.prettifyError(read.error));
      return new Response(null, { status: 400 });
    }
    for (const of of read.data.resourceSpans) {
      resource = plain(of.resource.attributes);
      for (const scope of of.scopeSpans) spans.push(...scope.spans.map(sentSpan));
    }
    return Response.json({});
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    spans,
    refused,
    paths,
    get resource() {
      return resource;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

type Given = z.output<typeof traces>["resourceSpans"][number]["scopeSpans"][number]["spans"][number];

function sentSpan(span: Given): SentSpan {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    kind: span.kind,
    startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
    endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
    attributes: plain(span.attributes),
    error: span.status?.code === 2 ? span.status.message : undefined,
    exceptions: span.events.filter(({ name }) => name === "exception")
      .map(({ attributes }) => plain(attributes)["exception.message"]),
  };
}

function plain(given: z.output<typeof attributes>): Record<string, unknown> {
  return Object.fromEntries(given.map(({ key, value }) => {
    const { intValue } = value;
    return [
      key,
      intValue === undefined ? Object.values(value).find((v) => v !== undefined) : Number(intValue),
    ];
  }));
}
