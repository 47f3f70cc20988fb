/** Monthly recurring revenue out of subscriptions. Pure. */
import { addAmounts, type Amounts, fromSmallestUnit } from "./money.ts";

/** What is read of a subscription's item. */
export interface SubscriptionItem {
  readonly quantity?: number;
  readonly price: {
    readonly currency: string;
    /** In the smallest unit; null where the price is in tiers or by use. */
    readonly unit_amount_decimal: { toString(): string } | null;
    readonly recurring: {
      readonly interval: string;
      readonly interval_count: number;
      readonly usage_type?: string;
    } | null;
  };
}

/** A subscription, as far as it matters here. */
export interface Subscription {
  readonly items: { readonly data: readonly SubscriptionItem[] };
}

/** What subscriptions bring a month, before discounts and taxes. */
export interface RecurringRevenue {
  readonly amounts: Amounts;
  /** Items whose price depends on use or tiers, or that do not recur: they are not in the amounts. */
  readonly not_counted: number;
}

/** How many of each interval are in a month, on average over a year. */
const PER_MONTH: Readonly<Record<string, number>> = {
  day: 365 / 12,
  week: 365 / 7 / 12,
  month: 1,
  year: 1 / 12,
};

/** Adds all items up, each brought to one month. */
export function monthlyRecurring(subscriptions: readonly Subscription[]): RecurringRevenue {
  const counted: Amounts[] = [];
  let notCounted = 0;
  for (const { items } of subscriptions) {
    for (const item of items.data) {
      const amount = monthlyAmount(item);
      if (amount) counted.push(amount);
      else notCounted++;
    }
  }
  return { amounts: roundedSum(counted), not_counted: notCounted };
}

function monthlyAmount({ quantity, price }: SubscriptionItem): Amounts | undefined {
  const perMonth = price.recurring && PER_MONTH[price.recurring.interval];
  if (!perMonth || price.unit_amount_decimal === null || price.recurring.usage_type === "metered") {
    return undefined;
  }
  const smallest = Number(price.unit_amount_decimal.toString()) * (quantity ?? 1);
  return {
    [price.currency]: fromSmallestUnit(smallest, price.currency) * perMonth / price.recurring.interval_count,
  };
}

/** Rounds the sums only: rounding each yearly price's twelfth would add up to a visible error. */
function roundedSum(all: readonly Amounts[]): Amounts {
  const sum: Record<string, number> = {};
  for (const amounts of all) {
    for (const [currency, amount] of Object.entries(amounts)) sum[currency] = (sum[currency] ?? 0) + amount;
  }
  return addAmounts(sum);
}
