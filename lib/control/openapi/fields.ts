/** The kinds of values that requests carry, each with the words that tell what is wrong with it. */
import { z } from "zod";

// Without flags, which OpenAPI does not have.
const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const EXAMPLE_ID = "0c5b5a3e-52a5-4f9c-9a54-b1f2b6c3a001";

/** An object with exactly these fields; `noun` is what a person calls them. A misspelt one is named. */
export function fields<Shape extends z.core.$ZodShape>(noun: "field" | "parameter", shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === "invalid_type") return "The body must be a JSON object";
      if (issue.code !== "unrecognized_keys") return undefined;
      const odd = quote(String(issue.keys[0]));
      const known = Object.keys(shape);
      return known.length === 0
        ? `${odd} is not a ${noun}; there is none`
        : `${odd} is not a ${noun}; there are ${known.join(", ")}`;
    },
  });
}

/** A value of a request as it may be told: short, in quotes. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

/** A thing's id. */
export function uuid(what = "id") {
  return z.string({ error: `is not ${what}` }).regex(UUID, {
    error: ({ input }) => `${quote(String(input))} is not ${what}`,
  }).meta({ format: "uuid", example: EXAMPLE_ID });
}

/** How many entries a list has at the most. */
export function limit(most = 500, usual = 50) {
  return z.string().regex(/^\d{1,4}$/, `must be 1 to ${most}`).transform(Number)
    .refine((n) => n >= 1 && n <= most, `must be 1 to ${most}`).default(usual)
    .meta({ type: "integer", minimum: 1, maximum: most, default: usual, example: 20 });
}

/** A text of so many characters. */
export function text(most: number, least = 1) {
  const rule = least > 0
    ? `must be a string of ${least} to ${most} characters`
    : `must be a string of at most ${most} characters`;
  return z.string({ error: rule })
    .refine(({ length }) => length >= least && length <= most, rule)
    // PostgreSQL cannot store it.
    .refine((value) => !value.includes("\u0000"), "must not contain a NUL character")
    .meta({ type: "string", minLength: least, maxLength: most });
}

/** Why somebody does something. */
export function reason() {
  return text(1000, 0).nullable().optional().meta({ example: "no longer needed" });
}

/** Parameters that may be repeated or hold several values with commas between. */
export function words(name: string, known?: readonly string[]) {
  const list = z.union([z.string(), z.array(z.string())]).transform((given, context) => {
    const values = [given].flat().flatMap((value) => value.split(",")).filter((value) => value !== "");
    const odd = known && values.find((value) => !known.includes(value));
    if (odd !== undefined) {
      context.addIssue({ code: "custom", message: `${name} ${quote(odd)} is none of ${known!.join(", ")}` });
    }
    if (values.length > 100) {
      context.addIssue({ code: "custom", message: `${name} takes at most 100 values` });
    }
    if (values.some((value) => value.length > 200 || value.includes("\u0000"))) {
      context.addIssue({ code: "custom", message: `${name} takes values of at most 200 characters` });
    }
    return values;
  });
  return list.optional().meta({
    type: "array",
    items: known ? { type: "string", enum: [...known] } : { type: "string", maxLength: 200 },
    description: "May be repeated, or hold several with commas between.",
  });
}

/** One of these words. */
export function word<const Words extends readonly [string, ...string[]]>(values: Words) {
  return z.enum(values, { error: `must be one of ${values.join(", ")}` });
}

/** A time with its zone. */
export function time() {
  return z.string({ error: "must be a string" }).refine(
    (value) =>
      /^\d{4}-\d\d-\d\dT[\d:.]{5,15}(Z|[+-]\d\d:\d\d)$/.test(value) && Number.isFinite(Date.parse(value)),
    "must be an ISO 8601 time, e.g. 2026-11-20T18:00:00Z",
  ).meta({ type: "string", format: "date-time", example: "2026-11-20T18:00:00Z" });
}

/** A parameter that is yes or no. */
export function flag() {
  return z.enum(["true", "false", "1", "0", ""], { error: "must be true or false" })
    .transform((value) => value === "true" || value === "1")
    .meta({ type: "boolean", example: true });
}

/** Whole seconds in a parameter. */
export function seconds(most: number) {
  return z.string().regex(/^\d{1,6}$/, `must be 0 to ${most} seconds`).transform(Number)
    .refine((n) => n <= most, `must be 0 to ${most} seconds`)
    .meta({ type: "integer", minimum: 0, maximum: most });
}

/** The two parameters that every list has. `before` is the older name of `cursor`. */
export function page() {
  return {
    limit: limit(),
    cursor: uuid("a cursor of an earlier page").optional().meta({
      description: "`next_cursor` of the page before.",
    }),
    before: uuid("the id of an entry").optional().meta({
      description: "As `cursor`: the id of the last entry seen.",
    }),
  };
}

/** The id where the next page begins, as the lists' functions take it. */
export function before(query: { readonly cursor?: string; readonly before?: string }): string | null {
  return query.cursor ?? query.before ?? null;
}

/** Where the next page begins: behind the last entry of a full one. */
export function nextCursor(entries: readonly { readonly id: string }[], most: number): string | null {
  return entries.length >= most ? entries.at(-1)!.id : null;
}
