/**
 * A jobs server in memory, over a real socket, that speaks the first protocol or the one with leases and tokens: it
 * keeps the rules of what it speaks, records every call and misbehaves on demand.
 */

/** What one call of the server was. */
export interface JobsCall {
  readonly method: string;
  /** Below /api/v1, with its query. */
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly authorization: string | null;
}

/** A job that is waiting, or held by a worker. */
export interface StandInJob {
  readonly run_id: string;
  state: "Pending" | "Running" | "Succeeded" | "Failed" | "TimedOut" | "Canceled";
  worker?: string;
  attempt: number;
  token: number;
  cancel: boolean;
  result?: Record<string, unknown>;
}

/** The server; disposal stops it. */
export interface JobsStandIn extends AsyncDisposable {
  readonly url: string;
  readonly calls: JobsCall[];
  readonly jobs: Map<string, StandInJob>;
  /** Puts a job in. */
  add(runId: string): StandInJob;
  /** Answers calls whose path matches with this, until it returns undefined. */
  intercept: ((call: JobsCall) => Response | undefined) | undefined;
  /** The paths called, without those that match. */
  paths(except?: RegExp): string[];
}

const WDL = "version 1.0\nworkflow w {}";

/** `protocol` "first" knows neither tokens nor leases, nor any call that came later. */
export function jobsStandIn(protocol: "first" | "leases"): JobsStandIn {
  const jobs = new Map<string, StandInJob>();
  const calls: JobsCall[] = [];
  const modern = protocol === "leases";
  let tokens = 0;

  const answer = (call: JobsCall): Response => {
    const { method, path, body } = call;
    const [route, query] = path.split("?");
    const [, first, id, verb] = route.split("/").map(decodeURIComponent);
    if (method === "POST" && route === "/workers/register" && modern) {
      const worker_id = body.worker_id ?? "named-by-token";
      return Response.json({
        worker_id,
        lease_seconds: 300,
        heartbeat_seconds: 150,
        poll_seconds: 5,
        max_wait_seconds: 60,
      });
    }
    if (method === "POST" && route === "/jobs/claim") return claim(String(body.worker_id));
    if (method === "GET" && route === "/jobs/running" && modern) {
      const worker = new URLSearchParams(query).get("worker_id");
      return Response.json({
        jobs: [...jobs.values()].filter((job) => job.state === "Running" && job.worker === worker).map(
          handedOut,
        ),
      });
    }
    const job = first === "jobs" ? jobs.get(id) : undefined;
    if (
      method !== "POST" || !["heartbeat", "complete", "failed", ...modern ? ["release"] : []].includes(verb)
    ) {
      return new Response("Not Found", { status: 404 });
    }
    if (!job) return refuse(404, "unknown");
    if (job.worker !== body.worker_id) return refuse(403, "not_owner");
    if (modern && body.token !== undefined && body.token !== String(job.token)) return refuse(409, "stale");
    if (verb === "heartbeat") {
      if (job.state !== "Running") return refuse(409, "not_running");
      return modern ? Response.json({ cancel: job.cancel }) : new Response(null, { status: 204 });
    }
    if (modern && job.state !== "Running") return refuse(409, "not_running");
    end(job, verb, body);
    return new Response(null, { status: 204 });
  };

  const claim = (worker: string): Response => {
    const job = [...jobs.values()].find(({ state }) => state === "Pending");
    if (!job) return new Response(null, { status: 204 });
    Object.assign(job, { state: "Running", worker, attempt: job.attempt + 1, token: ++tokens });
    return Response.json(handedOut(job));
  };

  const handedOut = ({ run_id, attempt, token }: StandInJob) => ({
    run_id,
    request: { wdl: WDL, inputs: null, options: { task: null, run_id, base_dir: null } },
    ...modern &&
      { attempt, max_attempts: 3, token: String(token), lease_seconds: 300, timeout_seconds: 3600 },
  });

  const refuse = (status: number, code: string) =>
    modern
      ? Response.json({ error: { code, message: `refused: ${code}` } }, { status })
      : new Response(null, { status });

  const end = (job: StandInJob, verb: string, body: Record<string, unknown>) => {
    job.result = body;
    if (verb === "complete") job.state = "Succeeded";
    else if (job.cancel) job.state = "Canceled";
    else if (verb === "release" || (modern && body.retry === true)) job.state = "Pending";
    else job.state = modern && body.timed_out === true ? "TimedOut" : "Failed";
    if (job.state === "Pending") job.worker = undefined;
  };

  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const url = new URL(request.url);
    const text = await request.text();
    const call: JobsCall = {
      method: request.method,
      path: (url.pathname + url.search).replace(/^\/api\/v1/, ""),
      body: text === "" ? {} : JSON.parse(text),
      authorization: request.headers.get("authorization"),
    };
    calls.push(call);
    return standIn.intercept?.(call) ?? answer(call);
  });

  const standIn: JobsStandIn = {
    url: `http://127.0.0.1:${server.addr.port}`,
    calls,
    jobs,
    add(runId) {
      const job: StandInJob = { run_id: runId, state: "Pending", attempt: 0, token: 0, cancel: false };
      jobs.set(runId, job);
      return job;
    },
    intercept: undefined,
    paths: (except) => calls.map(({ path }) => path).filter((path) => !except?.test(path)),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return standIn;
}
