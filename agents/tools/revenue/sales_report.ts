/**
 * Reads an App Store sales report: tab-separated text, one line for each product, country and price. Pure.
 * https://developer.apple.com/help/app-store-connect/reference/reporting/sales-and-trends-reports
 */
import { addAmounts, type Amounts, roundMoney } from "./money.ts";

/** What a report adds up to. */
export interface SalesReport {
  /** The developer's proceeds, by currency. */
  readonly proceeds: Amounts;
  /** Units sold, refunds taken off; free downloads are units too. */
  readonly units: number;
  /** The products that brought most, each in one currency. */
  readonly products: readonly {
    readonly title: string;
    readonly currency: string;
    readonly proceeds: number;
  }[];
}

const COLUMNS = ["Title", "Units", "Developer Proceeds", "Currency of Proceeds"] as const;
const MAX_PRODUCTS = 20;

/** @throws Error where it is no sales report */
export function readSalesReport(text: string): SalesReport {
  const [head, ...rows] = text.split(/\r?\n/).filter((row) => row !== "").map((row) => row.split("\t"));
  const at = COLUMNS.map((name) => head?.findIndex((column) => column.trim() === name) ?? -1);
  if (at.includes(-1)) {
    throw new Error("Cannot read App Store sales: the report has none of the columns of a sales report");
  }
  let units = 0;
  const all: Amounts[] = [];
  const byProduct = new Map<string, { title: string; currency: string; proceeds: number }>();
  for (const row of rows) {
    const [title, count, each, currency] = at.map((column) => row[column]?.trim() ?? "") as [
      string,
      string,
      string,
      string,
    ];
    const sold = Number(count);
    const proceeds = sold * Number(each || 0);
    if (!Number.isFinite(proceeds)) {
      throw new Error("Cannot read App Store sales: a line holds no numbers where they belong");
    }
    units += sold;
    if (proceeds === 0) continue;
    all.push({ [currency]: proceeds });
    const key = `${title}\t${currency}`;
    const product = byProduct.get(key) ?? { title, currency: currency.toLowerCase(), proceeds: 0 };
    product.proceeds += proceeds;
    byProduct.set(key, product);
  }
  const products = [...byProduct.values()].map((one) => ({ ...one, proceeds: roundMoney(one.proceeds) }));
  products.sort((a, b) => b.proceeds - a.proceeds);
  return { proceeds: addAmounts(...all), units, products: products.slice(0, MAX_PRODUCTS) };
}
