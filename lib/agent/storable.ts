/** What models say, made fit for PostgreSQL: no NUL, no halves of characters, no endless texts. Pure. */

const MAX_TEXT = 20_000;

/** The text, cut after 20,000 characters. */
export function storableText(text: string): string {
  const clean = wellFormed(text);
  return clean.length > MAX_TEXT ? `${wellFormed(clean.slice(0, MAX_TEXT))}… [cut]` : clean;
}

/** The value as JSON; of one that is too long the beginning of its text. */
export function storableJson(value: unknown): unknown {
  const text = JSON.stringify(value) ?? "null";
  return text.length > MAX_TEXT ? { cut: storableText(text) } : exactJson(value);
}

/** The value as JSON, all of it, however long. */
export function exactJson(value: unknown): unknown {
  return clean(JSON.parse(JSON.stringify(value) ?? "null"));
}

function clean(value: unknown): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [wellFormed(key), clean(part)]));
}

function wellFormed(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed();
}
