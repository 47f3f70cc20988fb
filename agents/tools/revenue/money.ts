/** Sums of money by currency. Pure. */

/** Amounts by currency, in its main unit; currencies in lower case as Stripe writes them. */
export type Amounts = Readonly<Record<string, number>>;

/** Adds amounts up, each currency by itself: nothing is converted. */
export function addAmounts(...all: readonly Amounts[]): Amounts {
  const sum: Record<string, number> = {};
  for (const amounts of all) {
    for (const [currency, amount] of Object.entries(amounts)) {
      const key = currency.toLowerCase();
      sum[key] = roundMoney((sum[key] ?? 0) + amount);
    }
  }
  return sum;
}

/** Rounded to a hundredth: floating-point sums end in noise. */
export function roundMoney(amount: number): number {
  return Math.round((amount + Number.EPSILON) * 100) / 100;
}

/** Currencies without a smaller unit, in which Stripe counts whole ones. https://docs.stripe.com/currencies */
const WITHOUT_CENTS = new Set(
  "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split(" "),
);
/** Those with three decimal places. */
const WITH_MILLS = new Set("bhd jod kwd omr tnd".split(" "));

/** Stripe's smallest units as an amount in the main unit. */
export function fromSmallestUnit(amount: number, currency: string): number {
  const code = currency.toLowerCase();
  return WITHOUT_CENTS.has(code) ? amount : WITH_MILLS.has(code) ? amount / 1_000 : amount / 100;
}
