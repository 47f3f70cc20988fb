/** Requests made up from an OpenAPI document: some as it says, some as nobody should send them. */
import fc from "fast-check";

/** One operation of a document. */
export interface ApiOperation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly ApiParameter[];
  readonly body?: unknown;
}

/** One of its parameters. */
export interface ApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly schema: JsonSchema;
}

/** A request that can be told in one line. */
export interface MadeUpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

// deno-lint-ignore no-explicit-any
type JsonSchema = any;

/** What such documents are read as. */
export interface ApiDocument {
  // deno-lint-ignore no-explicit-any
  readonly paths: Readonly<Record<string, Readonly<Record<string, any>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** All operations of a document. */
export function operationsOf({ paths }: ApiDocument): ApiOperation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content["application/json"]?.schema,
    }))
  );
}

const HOSTILE = [
  "",
  " ",
  "null",
  "undefined",
  "0",
  "-1",
  "1e309",
  "NaN",
  "true",
  "../../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "%00",
  "\u0000",
  "\ud800",
  "\u202e\ufeff𝕏",
  "' or 1=1; drop table actp_workflow_tasks; --",
  "$(touch /tmp/x)",
  "<script>alert(1)</script>",
  "__proto__",
  "constructor",
  "\r\nSet-Cookie: a=b",
  "{{7*7}}",
  "*",
  "a*b",
  "%",
  "x".repeat(300),
  "x".repeat(5000),
  "00000000-0000-0000-0000-000000000000",
  "2026-13-45T99:99:99Z",
  "2026-11-20T18:00:00Z",
  "99999999999999999999",
];

const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string(), fc.string({ unit: "binary" }));
const anything = fc.oneof(
  hostile,
  fc.jsonValue(),
  fc.constantFrom(null, 0, -1, 1.5, 1e308, 2 ** 53, true, [], {}, [[]], { __proto__: null }),
);

/** Requests to one operation. `known` are values that exist, such as a task's id. */
export function requestsTo(
  operation: ApiOperation,
  document: ApiDocument,
  known: readonly string[],
): fc.Arbitrary<MadeUpRequest> {
  const { method, path, parameters } = operation;
  const likely = (schema: JsonSchema) =>
    fc.oneof(
      {
        arbitrary: valid(schema, document).map((value) =>
          typeof value === "string" ? value : JSON.stringify(value)
        ),
        weight: 3,
      },
      { arbitrary: fc.constantFrom(...known), weight: 3 },
      { arbitrary: hostile, weight: 2 },
    );
  const of = (place: string) => parameters.filter((parameter) => parameter.in === place);
  const record = (place: string) =>
    fc.record(Object.fromEntries(of(place).map(({ name, schema }) => [name, likely(schema)])), {
      requiredKeys: place === "path" ? undefined : [],
    });
  return fc.record({
    path: record("path"),
    query: record("query"),
    header: record("header"),
    odd: fc.option(fc.tuple(hostile, hostile), { freq: 8 }),
    body: operation.body === undefined ? fc.option(anything, { freq: 3 }) : bodies(operation.body, document),
    type: fc.constantFrom("application/json", "text/plain", "", "multipart/form-data; boundary=x"),
  }).map(({ path: inPath, query, header, odd, body, type }) => {
    const filled = path.replace(
      /\{(\w+)\}/g,
      (_, name) => encodeURIComponent(wellFormed(String(inPath[name] ?? ""))),
    );
    const search = new URLSearchParams(query as Record<string, string>);
    if (odd) search.append(...odd);
    const headers = Object.fromEntries(
      [...Object.entries(header), ["content-type", type]].map((
        [name, value],
      ) => [name, headerText(String(value))]),
    );
    return {
      method,
      url: search.size > 0 ? `${filled}?${search}` : filled,
      headers,
      ...(method !== "GET" && body !== null &&
        { body: typeof body === "string" ? body : JSON.stringify(body) }),
    };
  });
}

function wellFormed(text: string): string {
  return text.toWellFormed();
}

/** What a header may hold at all: everything else never leaves the client. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").trim();
}

/** Bodies as described, with one field spoilt, and others. */
function bodies(schema: JsonSchema, document: ApiDocument): fc.Arbitrary<unknown> {
  const good = valid(schema, document);
  const spoilt = fc.tuple(good, fc.nat(20), anything).map(([body, at, value]) => {
    if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
    const names = [...Object.keys(body), "odd"];
    return { ...body, [names[at % names.length]!]: value };
  });
  const raw = fc.constantFrom(
    "{",
    "[1,",
    '{"a":}',
    "\ufeff{}",
    "[".repeat(5000),
    '{"a":'.repeat(300),
    "\u0000",
  );
  return fc.oneof(
    { arbitrary: good, weight: 4 },
    { arbitrary: spoilt, weight: 4 },
    { arbitrary: anything, weight: 2 },
    { arbitrary: raw, weight: 1 },
  );
}

/** Values that a schema describes; its example among them. */
function valid(given: JsonSchema, document: ApiDocument, depth = 0): fc.Arbitrary<unknown> {
  const schema = given?.$ref ? document.components.schemas[given.$ref.split("/").at(-1)] : given;
  if (!schema || depth > 6) return fc.jsonValue({ maxDepth: 2 });
  const made = byType(schema, document, depth);
  return schema.example === undefined ? made : fc.oneof(fc.constant(schema.example), made);
}

function byType(schema: JsonSchema, document: ApiDocument, depth: number): fc.Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((choice: JsonSchema) => valid(choice, document, depth + 1)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  const types = [schema.type].flat();
  return fc.oneof(...types.map((type) => one(type, schema, document, depth)));
}

function one(type: string, schema: JsonSchema, document: ApiDocument, depth: number): fc.Arbitrary<unknown> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer({ min: schema.minimum ?? -1_000_000, max: schema.maximum ?? 1_000_000 });
    case "number":
      return fc.double({ noNaN: true });
    case "string":
      if (schema.format === "uuid") return fc.uuid();
      if (schema.format === "date-time") {
        return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) =>
          date.toISOString()
        );
      }
      return fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 30, 60) });
    case "array":
      return fc.array(valid(schema.items, document, depth + 1), { maxLength: 3 });
    case "object": {
      const fields = Object.entries<JsonSchema>(schema.properties ?? {});
      if (fields.length === 0) {
        return fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });
      }
      return fc.record(
        Object.fromEntries(fields.map(([name, field]) => [name, valid(field, document, depth + 1)])),
        { requiredKeys: schema.required ?? [] },
      );
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}
