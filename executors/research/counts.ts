/** Reading numbers and lengths as pages write them. Pure. */

const FACTORS: Readonly<Record<string, number>> = {
  k: 1e3,
  thousand: 1e3,
  m: 1e6,
  million: 1e6,
  b: 1e9,
  billion: 1e9,
};

/**
 * A count from a number or from text such as `1.2M`, `12,345`, `1 234 567 views` or `No views`; null for everything
 * else, also for a figure that cannot be read with certainty.
 */
export function parseCount(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? Math.round(value) : null;
  if (typeof value !== "string") return null;
  const text = value.normalize("NFKC").trim().toLowerCase().slice(0, 100);
  if (/^no (views|likes|comments|shares)$/.test(text)) return 0;
  const match =
    /^(\d[\d.,' ]*)\s*(k|m|b|thousand|million|billion)?(?:\s+(?:views?|likes?|comments?|shares?|plays?))?$/
      .exec(text);
  if (!match) return null;
  const factor = match[2] === undefined ? 1 : FACTORS[match[2]]!;
  const digits = match[1]!.trim();
  const number = factor === 1 ? grouped(digits) : decimal(digits);
  return number === undefined ? null : Math.round(number * factor);
}

/** A whole number with or without groups of three: `1234`, `12,345`, `1.234.567`, `12 345`. */
function grouped(digits: string): number | undefined {
  if (!/^\d{1,15}$|^\d{1,3}([.,' ]\d{3})(?:[.,' ]\d{3}){0,4}$/.test(digits)) return undefined;
  return Number(digits.replace(/\D/g, ""));
}

/** A number before a unit, where both point and comma part the decimals: `1.2`, `1,2`, `12`. */
function decimal(digits: string): number | undefined {
  if (!/^\d{1,6}(?:[.,]\d{1,2})?$/.test(digits)) return undefined;
  return Number(digits.replace(",", "."));
}

/** Seconds from a number of them or from `12:34` or `1:02:03`; null for everything else. */
export function parseDuration(value: unknown): number | null {
  if (typeof value === "number") {
    return Number.isFinite(value) && value > 0 ? Math.round(value * 10) / 10 : null;
  }
  if (typeof value !== "string" || !/^\d{1,3}(:\d{2}){1,2}$/.test(value.trim())) return null;
  return value.trim().split(":").reduce((seconds, part) => seconds * 60 + Number(part), 0);
}
