/** What the steps of the protocol share: raw HTTP, and short words for the calls. */
/** A workflow. */
export const WDL = "version 1.0\nworkflow hello { output { String greeting = 'hello' } }";
/** What it comes to. */
export const RESPONSE = {
  status: "ok",
  outputs: { "hello.greeting": "hello" },
  stdout: null,
  stderr: null,
  duration_ms: 12,
};

/** An answer; an empty body is "". */
export interface Reply {
  readonly status: number;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
  readonly headers: Headers;
}

/** A client of the first days: no token, no content beyond what the protocol began with. */
export function oldClient(base: string) {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers?: HeadersInit,
  ): Promise<Reply> => {
    const response = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text && JSON.parse(text), headers: response.headers };
  };
  return {
    call,
    submit: (body: unknown, headers?: HeadersInit) => call("POST", "/jobs", body, headers),
    claim: (worker_id: string) => call("POST", "/jobs/claim", { worker_id }),
    get: (runId: string) => call("GET", `/jobs/${runId}`),
    tell: (runId: string, verb: string, body: unknown) => call("POST", `/jobs/${runId}/${verb}`, body),
  };
}

/** One client of a server. */
export type Client = ReturnType<typeof oldClient>;

/** Claims until nothing is left, so that steps do not see each other's jobs. */
export async function drain(client: Client): Promise<void> {
  while ((await client.claim("drain")).status === 200);
}

/** Behaviours by name; each begins with what the ones before have left. */
export type Steps = Readonly<
  Record<string, (client: Client, server: { readonly url: string }) => Promise<void>>
>;
