/**
 * The JSON Schema of an executor's input as something that checks input. zod reads JSON Schema, but passes over in
 * silence what it does not know; here a schema that it would not keep in full is refused.
 */
import { z } from "zod";

type Json = Readonly<Record<string, unknown>>;

/** Say something about a schema and forbid nothing. */
const NOTES = [
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
];
const COMBINING = ["anyOf", "oneOf", "allOf"];
const NUMBER = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  string: ["minLength", "maxLength", "pattern", "format"],
  number: NUMBER,
  integer: NUMBER,
  boolean: [],
  null: [],
  object: [
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
  ],
  array: [
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
  ],
};
const MAX_DEPTH = 30;

/**
 * Makes a checker of a JSON Schema (draft 2020-12). Its top must be an object, as the input of every task is.
 * @throws Error naming the place in the schema that cannot be kept
 */
export function inputSchema(schema: Json): z.ZodType {
  if (schema.type !== "object") throw new Error(`input must have "type": "object"`);
  const problem = problemIn(schema, "input", 0);
  if (problem) throw new Error(problem);
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
}

/** The first thing in a schema that would not be kept, with its place. */
function problemIn(schema: unknown, at: string, depth: number): string | undefined {
  if (typeof schema === "boolean") return undefined;
  if (!isObject(schema)) return `${at} is no schema`;
  if (depth > MAX_DEPTH) return `${at} is nested too deeply`;
  return keywordProblem(schema, at) ??
    first(subschemas(schema), ([name, sub]) => problemIn(sub, `${at}.${name}`, depth + 1));
}

function keywordProblem(schema: Json, at: string): string | undefined {
  const used = Object.keys(schema).filter((key) => !NOTES.includes(key) && !key.startsWith("x-"));
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const wrong = types.find((type) => typeof type !== "string" || !Object.hasOwn(BY_TYPE, type));
  if (wrong !== undefined) return `${at}.type ${JSON.stringify(wrong)} is unknown`;
  const allowed = "$ref" in schema
    ? ["$ref"]
    : "enum" in schema || "const" in schema
    ? ["type", "enum", "const"]
    : ["type", ...COMBINING, ...types.flatMap((type) => BY_TYPE[type as string])];
  const extra = used.find((key) => !allowed.includes(key));
  if (extra !== undefined) {
    const known = Object.values(BY_TYPE).flat().includes(extra);
    const why = known && types.length === 0 ? `needs "type" beside it` : "is not supported here";
    return `${at}.${extra} ${why}`;
  }
  const properties = isObject(schema.properties) ? Object.keys(schema.properties) : [];
  const loose = [schema.required ?? []].flat().find((name) => !properties.includes(String(name)));
  if (loose !== undefined) {
    return `${at}.required names ${JSON.stringify(loose)}, which is not among its properties`;
  }
  const counted = "minItems" in schema || "maxItems" in schema;
  if (counted && !("items" in schema || "prefixItems" in schema)) {
    return `${at} needs "items" beside minItems and maxItems`;
  }
  return undefined;
}

/** All schemas directly inside one, with their place. */
function subschemas(schema: Json): [string, unknown][] {
  const maps = ["properties", "patternProperties", "$defs", "definitions"];
  const lists = [...COMBINING, "prefixItems"];
  const single = ["items", "additionalProperties", "propertyNames", "contains"];
  const named = [...maps, ...lists].flatMap((key) =>
    Object.entries(schema[key] ?? {}).map(([name, sub]): [string, unknown] => [`${key}.${name}`, sub])
  );
  return [
    ...named,
    ...single.flatMap((key): [string, unknown][] => key in schema ? [[key, schema[key]]] : []),
  ];
}

function first<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
