import { deepEqual, equal, throws } from "node:assert/strict";
import { readSalesReport } from "./sales_report.ts";

const COLUMNS = "Provider\tTitle\tUnits\tDeveloper Proceeds\tCurrency of Proceeds\tCountry Code";

Deno.test("a sales report adds up units times proceeds, refunds taken off, each currency by itself", () => {
  const report = readSalesReport([
    COLUMNS,
    "APPLE\tPro\t3\t13.99\tUSD\tUS",
    "APPLE\tPro\t-1\t13.99\tUSD\tUS",
    "APPLE\tPro\t1\t12.5\tEUR\tDE",
    "APPLE\tFree\t10\t0\tUSD\tUS",
    "",
  ].join("\r\n"));
  deepEqual(report.proceeds, { usd: 27.98, eur: 12.5 });
  equal(report.units, 13);
  deepEqual(report.products[0], { title: "Pro", currency: "usd", proceeds: 27.98 });
});

Deno.test("what is no sales report is refused, and a report without sales is zero", () => {
  throws(() => readSalesReport("<html>\n"), /none of the columns/);
  throws(() => readSalesReport(`${COLUMNS}\nAPPLE\tPro\tmany\t1\tUSD\tUS`), /no numbers/);
  deepEqual(readSalesReport(COLUMNS), { proceeds: {}, units: 0, products: [] });
});
