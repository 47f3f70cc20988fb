import { deepEqual } from "node:assert/strict";
import { addAmounts, fromSmallestUnit } from "./money.ts";

Deno.test("amounts of different currencies are never added up", () => {
  deepEqual(addAmounts({ usd: 0.1, EUR: 1 }, { usd: 0.2 }), { usd: 0.3, eur: 1 });
});

Deno.test("Stripe's smallest units are cents, whole yen and thousandths of a dinar", () => {
  deepEqual([fromSmallestUnit(1999, "usd"), fromSmallestUnit(1999, "JPY"), fromSmallestUnit(1999, "kwd")], [
    19.99,
    1999,
    1.999,
  ]);
});
