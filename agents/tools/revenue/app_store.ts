/** What the App Store brought, from App Store Connect's sales reports. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { answering } from "../answering.ts";
import { day, month } from "../fields.ts";
import { askService, type Service } from "../service.ts";
import { type AppleKey, appleToken } from "./apple_token.ts";
import { readSalesReport } from "./sales_report.ts";

const OFFICIAL_URL = "https://api.appstoreconnect.apple.com";
const REPORT_TIMEOUT_MS = 60_000;
/** A report that unpacks to more than this is not read. */
const MAX_REPORT_BYTES = 64 * 2 ** 20;

interface AppStore extends AppleKey {
  readonly vendorNumber: string;
  readonly baseUrl: string;
}

/** `app_store_revenue`, where the key and the vendor number are configured. */
export function appStoreTools(services: AgentServices, now: () => number = Date.now): AgentTool[] {
  const [keyId, issuerId, privateKey, vendorNumber] = [
    "APPLE_KEY_ID",
    "APPLE_ISSUER_ID",
    "APPLE_PRIVATE_KEY",
    "APPLE_VENDOR_NUMBER",
  ].map((name) => services.setting(name));
  if (!keyId || !issuerId || !privateKey || !vendorNumber) return [];
  const baseUrl = (services.setting("APP_STORE_CONNECT_URL") ?? OFFICIAL_URL).replace(/\/+$/, "");
  return [appStoreRevenue({ keyId, issuerId, privateKey, vendorNumber, baseUrl }, services.fetch, now)];
}

function appStoreRevenue(store: AppStore, fetch: Service["fetch"], now: () => number): AgentTool {
  return defineTool({
    name: "app_store_revenue",
    description:
      "Reads the proceeds of the App Store for a month (YYYY-MM; its report comes some days after the month is over) " +
      "or a day (YYYY-MM-DD; comes the day after), by currency. A month's figure is saved.",
    input: z.strictObject({ period: month.or(day) }),
    run: answering(async ({ period }, { database, signal }) => {
      const text = await report(store, fetch, period, now(), signal);
      if (text === undefined) {
        return {
          period,
          available: false,
          note: "there is no report (yet): nothing was sold, or it is too early",
        };
      }
      const sales = readSalesReport(text);
      if (period.length === "YYYY-MM".length) {
        await database.call("actp_save_revenue_reading", {
          p_stream: "app_store",
          p_month: period,
          p_amounts: sales.proceeds,
          p_details: { units: sales.units },
        });
      }
      return { period, ...sales };
    }),
  });
}

/** @see `GET /v1/salesReports`: gzipped tab-separated text, 404 where there is none */
async function report(
  store: AppStore,
  fetch: Service["fetch"],
  period: string,
  now: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const service: Service = {
    name: "App Store Connect",
    baseUrl: store.baseUrl,
    headers: { authorization: `Bearer ${await appleToken(store, now)}` },
    keySetting: "APPLE_KEY_ID, APPLE_ISSUER_ID and APPLE_PRIVATE_KEY",
    fetch,
  };
  const query = new URLSearchParams({
    "filter[frequency]": period.length === "YYYY-MM".length ? "MONTHLY" : "DAILY",
    "filter[reportDate]": period,
    "filter[reportSubType]": "SUMMARY",
    "filter[reportType]": "SALES",
    "filter[vendorNumber]": store.vendorNumber,
  });
  const { status, body } = await askService(service, {
    method: "GET",
    path: `/v1/salesReports?${query}`,
    purpose: "read App Store sales",
    accept: [404],
    signal,
    timeoutMs: REPORT_TIMEOUT_MS,
    read: "bytes",
  });
  return status === 404 ? undefined : await unpacked(body as Uint8Array);
}

/** The text; a report that was unpacked on the way is taken as it is. */
async function unpacked(bytes: Uint8Array): Promise<string> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return new TextDecoder().decode(bytes);
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  try {
    for await (const piece of stream) {
      size += piece.length;
      if (size > MAX_REPORT_BYTES) throw new Error(`is larger than ${MAX_REPORT_BYTES} bytes`);
      text += decoder.decode(piece, { stream: true });
    }
  } catch (error) {
    throw new Error(`Cannot read App Store sales: the report ${(error as Error).message}`, { cause: error });
  }
  return text + decoder.decode();
}
