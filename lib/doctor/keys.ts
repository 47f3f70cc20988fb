/** Do the keys that enabled agents need work? */
import type { Config } from "../config.ts";
import { type Check, type Finding, ok } from "./check.ts";

type KeyConfig = Pick<
  Config,
  | "anthropicKey"
  | "anthropicUrl"
  | "stripeKey"
  | "telegramToken"
  | "telegramChat"
  | "appleKeyId"
  | "appleIssuerId"
  | "applePrivateKey"
  | "appleVendorNumber"
>;

const TIMEOUT_MS = 10_000;

/** One check for each service whose key is needed or set. `agentsEnabled`: one of our agents runs. */
export function keyChecks(config: KeyConfig, agentsEnabled: boolean): Check[] {
  const checks: Check[] = [];
  if (agentsEnabled || config.anthropicKey) {
    checks.push({ name: "Anthropic key", run: () => examineAnthropic(config) });
  }
  if (config.telegramToken || config.telegramChat) {
    checks.push({ name: "Telegram", run: () => Promise.resolve(judgeTogether(TELEGRAM, config)) });
  }
  if (APPLE.some(([key]) => config[key])) {
    checks.push({ name: "App Store Connect", run: () => Promise.resolve(judgeTogether(APPLE, config)) });
  }
  if (config.stripeKey) {
    checks.push({ name: "Stripe key", run: () => Promise.resolve(judgeStripe(config.stripeKey!)) });
  }
  return checks;
}

/** Lists the models, which costs nothing: https://docs.anthropic.com/en/api/models-list */
async function examineAnthropic({ anthropicKey, anthropicUrl }: KeyConfig): Promise<Finding> {
  const fix = "set ANTHROPIC_API_KEY to a key of console.anthropic.com";
  if (!anthropicKey) return { status: "fail", detail: "not set, and an agent is enabled", fix };
  const base = (anthropicUrl ?? "https://api.anthropic.com").replace(/\/+$/, "");
  let response: Response;
  try {
    response = await fetch(`${base}/v1/models?limit=1`, {
      headers: { "x-api-key": anthropicKey, "anthropic-version": "2023-06-01" },
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    // The error could quote the address with what stands in it.
    return {
      status: "warn",
      detail: `not tried: ${new URL(base).host} does not answer`,
      fix: "check the network",
    };
  }
  await response.body?.cancel();
  if (response.ok) return ok("accepted");
  if (response.status === 401 || response.status === 403) {
    return { status: "fail", detail: `refused with ${response.status}`, fix };
  }
  return { status: "warn", detail: `not tried: the API answered ${response.status}`, fix: "try again later" };
}

type Together = readonly (readonly [keyof KeyConfig, string])[];

const TELEGRAM: Together = [["telegramToken", "TELEGRAM_BOT_TOKEN"], ["telegramChat", "TELEGRAM_CHAT_ID"]];
const APPLE: Together = [
  ["appleKeyId", "APPLE_KEY_ID"],
  ["appleIssuerId", "APPLE_ISSUER_ID"],
  ["applePrivateKey", "APPLE_PRIVATE_KEY"],
  ["appleVendorNumber", "APPLE_VENDOR_NUMBER"],
];

/** Settings of which one is of no use without the others. */
function judgeTogether(names: Together, config: KeyConfig): Finding {
  const missing = names.filter(([key]) => !config[key]).map(([, name]) => name);
  if (missing.length === 0) return ok(`${names.length} settings are there`);
  return {
    status: "warn",
    detail: `${missing.join(", ")} missing`,
    fix: `set ${missing.join(" and ")} as well`,
  };
}

/** A secret key that may do everything is more than reading revenue needs. Pure. */
export function judgeStripe(key: string): Finding {
  if (key.startsWith("rk_")) return ok("a restricted key");
  if (!key.startsWith("sk_")) {
    return {
      status: "fail",
      detail: "is no secret key of Stripe's",
      fix: "set STRIPE_SECRET_KEY to a key rk_…",
    };
  }
  const fix = "make a restricted key (rk_…) that may only read, and set STRIPE_SECRET_KEY to it";
  return { status: "warn", detail: "may do everything with the account", fix };
}
