/** The official Stripe client, loaded only when it is used, with its failures in the words of the tools. */
import type Stripe from "stripe";
import type { AgentServices } from "../../../lib/agent/agent.ts";
import { neverConnected, ServiceError } from "../service.ts";

const TIMEOUT_MS = 30_000;
const RETRIES = 1;
/** More of a list than this is not read: the answer says so. */
export const MAX_OBJECTS = 10_000;

/** Works with Stripe. @throws ServiceError, without the key and without Stripe's own words about it */
export async function withStripe<T>(
  services: AgentServices,
  purpose: string,
  signal: AbortSignal,
  work: (stripe: Stripe) => Promise<T>,
): Promise<T> {
  const { default: StripeClient } = await import("stripe");
  const client = new StripeClient(services.setting("STRIPE_SECRET_KEY")!, {
    ...addressOf(services.setting("STRIPE_API_URL")),
    httpClient: StripeClient.createFetchHttpClient((url, init) =>
      services.fetch(url as string, {
        ...init,
        signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal,
      })
    ),
    maxNetworkRetries: RETRIES,
    timeout: TIMEOUT_MS,
    telemetry: false,
  });
  try {
    return await work(client);
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error, purpose);
  }
}

/** Another address than the official one, for tests and proxies. */
function addressOf(address: string | undefined) {
  const url = address === undefined ? null : URL.parse(address);
  if (!url) return {};
  return {
    host: url.hostname,
    ...url.port && { port: url.port },
    protocol: url.protocol === "http:" ? "http" as const : "https" as const,
  };
}

function explain(error: unknown, purpose: string): unknown {
  const { type, statusCode, message = "", detail } = error as {
    type?: string;
    statusCode?: number;
    message?: string;
    detail?: unknown;
  };
  if (!type?.startsWith("Stripe")) return error;
  const failure = (why: string, kind: ServiceError["kind"]) =>
    new ServiceError(`Cannot ${purpose}: Stripe ${why}`, { kind, service: "Stripe", cause: error });
  if (type === "StripeConnectionError") {
    return neverConnected(detail) || /client error \(Connect\)/.test(message)
      ? failure("cannot be reached", "unavailable")
      : failure("did not answer", "failed");
  }
  if (statusCode === 401 || statusCode === 403) {
    return failure(`answered ${statusCode} (check STRIPE_SECRET_KEY)`, "refused");
  }
  if (statusCode === 429) return failure("answered 429", "rate_limited");
  return failure(`answered ${statusCode ?? "with an error"}: ${message.slice(0, 300)}`, "failed");
}
