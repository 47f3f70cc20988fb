/** JSON that PostgreSQL can keep: it takes no NUL characters, no halves of surrogate pairs, and no endless nesting. */
import { ApiError } from "../control/api_error.ts";

/** How deep lists and objects may lie in each other. */
export const MAX_DEPTH = 100;

/**
 * The value with what cannot be kept replaced by U+FFFD: for reports, which must not be lost over what a program printed.
 * @throws {@link ApiError} 400 where it is nested too deep
 */
export function storable<T>(value: T): T {
  return walk(value, "", 0, (text) => clean(text)) as T;
}

/** @throws {@link ApiError} 400 naming the field that cannot be kept: for what a person should put right */
export function refuseUnstorable(value: unknown): void {
  walk(value, "", 0, (text, field) => {
    if (clean(text) === text) return text;
    throw new ApiError(400, "bad_request", `${field} holds a NUL character or half a surrogate pair`, [
      { field, message: "holds a NUL character or half a surrogate pair" },
    ]);
  });
}

function walk(
  value: unknown,
  field: string,
  depth: number,
  text: (text: string, field: string) => string,
): unknown {
  if (typeof value === "string") return text(value, field || "the body");
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) {
    throw new ApiError(
      400,
      "bad_request",
      `${field.split(".")[0]} is nested deeper than ${MAX_DEPTH} levels`,
    );
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => walk(item, `${field}[${index}]`, depth + 1, text));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const inner = field ? `${field}.${key}` : key;
      return [text(key, inner), walk(item, inner, depth + 1, text)];
    }),
  );
}

function clean(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}
