import { deepEqual } from "node:assert/strict";
import { monthlyRecurring } from "./recurring.ts";

Deno.test("every interval is brought to one month, and what depends on use is told apart", () => {
  const item = (amount: string | null, interval: string, interval_count = 1, more = {}) => ({
    quantity: 1,
    price: { currency: "usd", unit_amount_decimal: amount, recurring: { interval, interval_count } },
    ...more,
  });
  const recurring = monthlyRecurring([
    { items: { data: [item("1000", "month", 1, { quantity: 3 }), item("12000", "year")] } },
    { items: { data: [item("3000", "month", 3), item("700", "week"), item(null, "month")] } },
    { items: { data: [{ price: { currency: "usd", unit_amount_decimal: "5", recurring: null } }] } },
  ]);
  deepEqual(recurring, { amounts: { usd: 80.42 }, not_counted: 2 });
});
