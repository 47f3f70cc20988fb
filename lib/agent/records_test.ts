import { deepEqual, equal, match } from "node:assert/strict";
import { factLines } from "./memory.ts";
import { spentBudget, usd } from "./records.ts";

Deno.test("facts are shown newest first while there is room", () => {
  const fact = (key: string, value: unknown) => ({ key, value, updated_at: "" });
  equal(factLines([fact("a", "one"), fact("b", { c: 1 })], 100), 'a: one\nb: {"c":1}');
  equal(factLines([fact("a", "one"), fact("b", "x".repeat(100))], 20), "a: one");
});

Deno.test("a budget is used up from its limit on, the month's first", () => {
  const spent = { day_usd: 5, month_usd: 100 };
  equal(spentBudget({ dayUsd: 5.01, monthUsd: 101 }, spent), undefined);
  match(spentBudget({ dayUsd: 5 }, spent)!, /this agent and day/);
  match(spentBudget({ dayUsd: 5, monthUsd: 100 }, spent)!, /all agents this month/);
});

Deno.test("amounts are shown so that small ones are not zero", () => {
  deepEqual([0, 0.00423, 1, 12.345].map(usd), ["$0.00", "$0.0042", "$1.00", "$12.35"]);
});
