/** Reading what clients send: bounded, whatever content type it claims, and with every bad field named. */
import type { ZodError, ZodType } from "zod";
import { ApiError } from "../control/api_error.ts";
import { readJson } from "../control/body.ts";

/** The largest body, in bytes, where nothing else is said. */
export const MAX_JOB_BYTES = 16 * 1024 ** 2;

/**
 * Reads a JSON body; an empty one counts as `{}`.
 * @throws {@link ApiError} 413, 408, and 400 with `details: [{field, message}]`
 */
export async function bodyOf<T>(request: Request, schema: ZodType<T>, maxBytes: number): Promise<T> {
  const parsed = schema.safeParse(await readJson(request, maxBytes) ?? {});
  if (parsed.success) return parsed.data;
  throw badFields(parsed.error);
}

/** @throws {@link ApiError} 400 naming `name` unless the value fits */
export function fieldOf<T>(name: string, value: unknown, schema: ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [{ message }] = parsed.error.issues;
  throw new ApiError(400, "bad_request", `${name} ${message}`, [{ field: name, message }]);
}

function badFields(error: ZodError): ApiError {
  const details = error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ field: fieldName([...issue.path, key]), message: "is not a known field" }))
      : [{ field: fieldName(issue.path), message: issue.message }]
  ).slice(0, 20);
  return new ApiError(
    400,
    "bad_request",
    details.map(({ field, message }) => `${field} ${message}`).join("; "),
    details,
  );
}

function fieldName(path: readonly PropertyKey[]): string {
  const name = path.map((part) => typeof part === "number" ? `[${part}]` : `.${String(part).slice(0, 60)}`)
    .join("").replace(/^\./, "");
  return name || "the body";
}
