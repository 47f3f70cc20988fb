/** Takes secrets out of what is logged: known values in every usual spelling, telling names, telling patterns. Pure. */

/** What stands where a secret stood. */
export const REDACTED = "[redacted]";

const MIN_SECRET_LENGTH = 6;
const MAX_READ = 256 * 1024;
const MAX_TEXT = 16 * 1024;
const MAX_ITEMS = 100;
const MAX_DEPTH = 6;

/** Removes one set of secrets from text and from values of any shape. */
export interface Redactor {
  /** The text without secrets, cut after 16 KB. */
  text(text: string): string;
  /** A copy, fit for JSON and bounded in depth and size; errors become {name, message, stack, cause}. */
  value(value: unknown): unknown;
}

/** One text without the given secrets and without whatever looks like one. Secrets under 6 characters are ignored. */
export function redact(text: string, secrets: readonly string[]): string {
  return redactor(secrets).text(text);
}

/** Prepares the redaction of many texts and values. */
export function redactor(secrets: readonly string[]): Redactor {
  const known = knownSecrets(secrets);
  const text = (given: string) => {
    let clean = given.slice(0, MAX_READ);
    if (known) clean = clean.replace(known, REDACTED);
    for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
    return given.length > MAX_READ || clean.length > MAX_TEXT ? clean.slice(0, MAX_TEXT) + "… [cut]" : clean;
  };
  return { text, value: (value) => redactValue(value, text, []) };
}

/** Takes known secrets, in every usual spelling, out of the texts of JSON; nothing else is changed or cut. */
export function withoutSecrets(secrets: readonly string[]): <T>(json: T) => T {
  const known = knownSecrets(secrets);
  const clean = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(known!, REDACTED);
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [clean(key), clean(part)]));
  };
  return <T>(json: T) => known ? clean(json) as T : json;
}

/** Whether a field of this name holds a secret: apiToken, X-Api-Key, password…, but not maxTokens or monkey. */
export function isSensitiveName(name: string): boolean {
  return /passw(or)?d|passphrase|secret|authorization|cookie|credential|api.?key|token(?!s)/i.test(name) ||
    /(^|[^A-Za-z])(key|KEY|Key)$|[a-z0-9]Key$/.test(name);
}

/** Every quantifier is bounded or anchored by a look-behind, so that hostile text costs linear time. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#"'<>]+@/gi, `$1${REDACTED}@`],
  [/\b(Bearer)\s{1,8}[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  [/\b(Basic)\s{1,8}(?=[A-Za-z+/]{0,200}[\d=])[A-Za-z0-9+/]{6,}={0,2}/g, `$1 ${REDACTED}`],
  [/([?&][\w.-]{0,40}(?:token|secret|password|key|signature|sig)=)[^&\s"'<>#]+/gi, `$1${REDACTED}`],
  [
    /(?<![\w-])(?:sb_secret_|sk-|[sr]k_(?:live|test)_|whsec_|gh[pousr]_|github_pat_|xox[a-z]-)[\w-]{6,}/g,
    REDACTED,
  ],
  [/(?<![\w-])actp_[\w-]{43}(?![\w-])/g, REDACTED],
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, REDACTED],
  [/\d{6,12}:[\w-]{30,64}/g, REDACTED],
  [/(hooks\.slack\.com\/services\/|discord(?:app)?\.com\/api\/webhooks\/)[\w/-]+/gi, `$1${REDACTED}`],
];

function knownSecrets(secrets: readonly string[]): RegExp | undefined {
  const forms = new Set(secrets.filter((s) => s.length >= MIN_SECRET_LENGTH).flatMap(spellings));
  if (forms.size === 0) return undefined;
  // Longest first, so that no remainder of a longer spelling is left behind.
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  return new RegExp(sorted.map((form) => form.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"), "g");
}

/** The secret as it is, percent-encoded, form-encoded, escaped in JSON, and in base64 at each of the three offsets. */
function spellings(secret: string): string[] {
  const percent = encodeURIComponent(secret.toWellFormed());
  const form = new URLSearchParams({ s: secret }).toString().slice(2);
  const lowerHex = (text: string) => text.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase());
  const base64 = [0, 1, 2].flatMap((offset) => base64Core(secret, offset));
  const urlSafe = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    percent,
    lowerHex(percent),
    form,
    lowerHex(form),
    ...base64,
    ...urlSafe,
  ];
}

/** The characters of base64 that depend on nothing but the secret when `offset` bytes precede it. */
function base64Core(secret: string, offset: number): string[] {
  const bytes = new TextEncoder().encode(secret);
  const padded = new Uint8Array(offset + bytes.length);
  padded.set(bytes, offset);
  const whole = btoa(Array.from(padded, (byte) => String.fromCharCode(byte)).join(""));
  const core = whole.slice(Math.ceil(offset * 8 / 6), Math.floor(padded.length * 8 / 6));
  return offset === 0 ? [whole, core] : [core];
}

function redactValue(value: unknown, text: (text: string) => string, above: readonly unknown[]): unknown {
  if (typeof value === "string") return text(value);
  if (value === null || value === undefined || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "bigint") {
    const shown = String(value);
    if (text(shown) !== shown) return REDACTED;
    return typeof value === "bigint" || !Number.isFinite(value) ? shown : value;
  }
  if (typeof value !== "object") return text(String(value));
  if (above.includes(value)) return "[circular]";
  if (above.length >= MAX_DEPTH) return "[deeper]";
  const inner = (item: unknown) => redactValue(item, text, [...above, value]);
  if (value instanceof Error) return redactError(value, inner);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return text(String(value));
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return inner(Object.fromEntries(value));
  if (value instanceof Headers) return inner(Object.fromEntries(value));
  if (value instanceof Set) return inner([...value]);
  if (Array.isArray(value)) {
    const kept = value.slice(0, MAX_ITEMS).map(inner);
    return value.length > MAX_ITEMS ? [...kept, `[${value.length - MAX_ITEMS} more]`] : kept;
  }
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(entries.map(([key, item]) => [text(key), redactField(key, item, inner)]));
}

function redactField(key: string, item: unknown, inner: (item: unknown) => unknown): unknown {
  const empty = item === null || item === undefined || item === "" || typeof item === "boolean";
  return isSensitiveName(key) && !empty ? REDACTED : inner(item);
}

function redactError(error: Error, inner: (item: unknown) => unknown): Record<string, unknown> {
  const { name, message, stack, cause, ...own } = error;
  const parts = { name, message, stack, ...own, ...(cause === undefined ? {} : { cause }) };
  return Object.fromEntries(Object.entries(parts).map(([key, item]) => [key, redactField(key, item, inner)]));
}
