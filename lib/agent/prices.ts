/**
 * What models cost, in US dollars per million tokens, as Anthropic's price list had it on {@link PRICES_DATE}
 * (https://platform.claude.com/docs/en/about-claude/pricing). The setting `modelPrices` goes before this table. Pure.
 */

/** The day on which the table was compared with the price list. */
export const PRICES_DATE = "2026-10-24";

/** One model's prices. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  /** Reading from the prompt cache; a tenth of `input` unless told. */
  readonly cacheRead?: number;
  /** Writing to the prompt cache for 5 minutes; 1.25 times `input` unless told. */
  readonly cacheWrite?: number;
  /** The prices of calls whose whole prompt has more tokens than this. */
  readonly long?: { readonly above: number } & Omit<ModelPrice, "long">;
}

/** The tokens of one call. None of the four is part of another. */
export interface TokenUse {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** None. */
export const NO_USE: TokenUse = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

/** Both together. */
export function addUse(one: TokenUse, other: TokenUse): TokenUse {
  return {
    input: one.input + other.input,
    output: one.output + other.output,
    cacheRead: one.cacheRead + other.cacheRead,
    cacheWrite: one.cacheWrite + other.cacheWrite,
  };
}

const OPUS_5: ModelPrice = { input: 5, output: 25 };
const SONNET_4: ModelPrice = { input: 3, output: 15 };
const FABLE_5: ModelPrice = { input: 10, output: 50 };

const PRICES: Readonly<Record<string, ModelPrice>> = {
  "claude-fable-5-1": { ...FABLE_5, cacheRead: 0.25 },
  "claude-mythos-5-1": { ...FABLE_5, cacheRead: 0.25 },
  "claude-fable-5": FABLE_5,
  "claude-mythos-5": FABLE_5,
  "claude-opus-5-5": { input: 4, output: 20, cacheRead: 0.2 },
  "claude-opus-5": OPUS_5,
  "claude-opus-4-8": OPUS_5,
  "claude-opus-4-7": OPUS_5,
  "claude-opus-4-6": OPUS_5,
  "claude-opus-4-5": OPUS_5,
  "claude-sonnet-5-5": { input: 2, output: 10, cacheRead: 0.1 },
  "claude-sonnet-5": { input: 2, output: 10 },
  "claude-sonnet-4-6": SONNET_4,
  "claude-sonnet-4-5": SONNET_4,
  "claude-haiku-5-5": { input: 0.1, output: 0.5, long: { above: 100_000, input: 0.5, output: 2.5 } },
  "claude-haiku-4-5": { input: 1, output: 5 },
};

/** A model's prices, and whether they are its own: an unknown model counts as the dearest. */
export interface FoundPrice {
  readonly price: ModelPrice;
  readonly known: boolean;
}

/** Finds a model by its name, with or without a date at its end. */
export function priceOf(model: string, overrides: Readonly<Record<string, ModelPrice>> = {}): FoundPrice {
  const all = { ...PRICES, ...overrides };
  for (const name of [model, model.replace(/-\d{8}$/, "")]) {
    if (Object.hasOwn(all, name)) return { price: all[name]!, known: true };
  }
  const dearest = Object.values(all).reduce((a, b) => b.input + b.output > a.input + a.output ? b : a);
  return { price: { input: dearest.input, output: dearest.output }, known: false };
}

/** What a call cost, in US dollars. */
export function costOf(price: ModelPrice, use: TokenUse): number {
  const prompt = use.input + use.cacheRead + use.cacheWrite;
  const { input, output, cacheRead = input / 10, cacheWrite = input * 1.25 } =
    price.long && prompt > price.long.above ? price.long : price;
  const perMillion = use.input * input + use.output * output + use.cacheRead * cacheRead +
    use.cacheWrite * cacheWrite;
  return perMillion / 1_000_000;
}
