/** Whether Blotato's cloud service takes the key, asked seldom. */
import type { Clock } from "../../lib/clock.ts";
import type { Availability } from "../../lib/task/task.ts";
import { requestJson } from "../upload/json_request.ts";
import { isUsableKey } from "./cloud_calls.ts";

const ASK_TIMEOUT_MS = 2_000;
/** A key that worked is believed so long; one that did not is tried at every check. */
const BELIEVED_MS = 10 * 60_000;

/** Makes a check that remembers when the key last worked. */
export function cloudAvailability(
  settings: { readonly blotatoApiUrl: string; readonly blotatoApiKey?: string },
  clock: Clock,
): () => Promise<Availability> {
  let workedAt = -Infinity;
  return async () => {
    if (clock.monotonic() - workedAt < BELIEVED_MS) return { available: true };
    const problem = await keyProblem(settings.blotatoApiUrl, settings.blotatoApiKey ?? "");
    if (problem !== undefined) return problem;
    workedAt = clock.monotonic();
    return { available: true };
  };
}

async function keyProblem(baseUrl: string, key: string): Promise<Availability | undefined> {
  const problem = (reason: string, fix: string): Availability => ({ available: false, reason, fix });
  if (!isUsableKey(key)) {
    return problem("the Blotato key holds characters that no key has", "correct BLOTATO_API_KEY");
  }
  try {
    const { status } = await requestJson({
      url: `${baseUrl}/users/me/accounts`,
      method: "GET",
      headers: { "blotato-api-key": key },
      signal: new AbortController().signal,
      timeoutMs: ASK_TIMEOUT_MS,
    });
    if (status < 300 || status === 429) return undefined;
    const fix = status < 500
      ? "check BLOTATO_API_KEY and the subscription"
      : "wait, or look at Blotato's status page";
    return problem(`Blotato's cloud service answers with status ${status}`, fix);
  } catch (error) {
    return problem(
      `Blotato's cloud service does not answer (${(error as Error).message})`,
      "check the network",
    );
  }
}
