/** What a soak run asks of its worker: tasks of several kinds, and a client that never stops looking. */
import { systemClock } from "../../lib/clock.ts";
import type { SoakDaemon } from "./daemon.ts";

/** What was asked so far. */
export interface LoadCount {
  enqueued: number;
  requests: number;
  /** Event streams that were opened and left again. */
  streams: number;
  /** Rounds that broke off. */
  failures: number;
}

type Call = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: string }>;

const ROUND_MS = 1000;
const STREAM_MS = 7000;
const READS = [
  "/health",
  "/status",
  "/ready",
  "/tasks?limit=50",
  "/agents",
  "/scheduler/jobs",
  "/workers",
  "/nowhere",
];

/** Keeps the worker busy until the signal aborts. */
export async function load(daemon: SoakDaemon, rate: number, signal: AbortSignal): Promise<LoadCount> {
  const count: LoadCount = { enqueued: 0, requests: 0, streams: 0, failures: 0 };
  void keepLoading(daemon, rate, signal, count);
  void keepListening(daemon, signal, count);
  await Promise.resolve();
  return count;
}

async function keepLoading(
  daemon: SoakDaemon,
  rate: number,
  signal: AbortSignal,
  count: LoadCount,
): Promise<void> {
  const call: Call = async (method, path, body) => {
    const response = await fetch(daemon.url + path, {
      method,
      headers: { authorization: `Bearer ${daemon.token}` },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]),
    });
    count.requests++;
    return { status: response.status, body: await response.text() };
  };
  for (let round = 0; !signal.aborted; round++) {
    try {
      if (round === 5) await requireTypes(call);
      const tasks = tasksOf(round, rate, daemon.film);
      const { status, body } = await call("POST", "/tasks", tasks);
      if (status !== 201) throw new Error(`POST /tasks answers ${status}: ${body}`);
      count.enqueued += tasks.length;
      // One in progress is cancelled.
      if (round % 10 === 9) {
        const [{ id }] = JSON.parse((await call("POST", "/tasks", wait(60_000))).body);
        count.enqueued++;
        await systemClock.sleep(300, signal);
        await call("POST", `/tasks/${id}/cancel`, { reason: "soak" });
      }
      for (const path of READS) await call("GET", path);
    } catch (error) {
      if (!signal.aborted) {
        count.failures++;
        Deno.stderr.writeSync(new TextEncoder().encode(`soak: ${(error as Error).message}\n`));
      }
    }
    await systemClock.sleep(ROUND_MS, signal);
  }
}

/** A load that nobody can do would prove nothing. */
async function requireTypes(call: Call): Promise<void> {
  const { capabilities } = JSON.parse((await call("GET", "/status")).body);
  const missing = ["soak_wait", "soak_command"].filter((type) => !capabilities.includes(type));
  if (missing.length > 0) throw new Error(`the worker cannot do ${missing.join(" and ")}`);
}

/** Streams of events that come and go; nothing where the worker has none. */
async function keepListening(
  { url, token }: SoakDaemon,
  signal: AbortSignal,
  count: LoadCount,
): Promise<void> {
  while (!signal.aborted) {
    const leave = AbortSignal.any([signal, AbortSignal.timeout(STREAM_MS)]);
    try {
      const response = await fetch(`${url}/events`, {
        headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
        signal: leave,
      });
      if (!response.ok || !response.body) return void await response.body?.cancel();
      count.streams++;
      for await (const _ of response.body);
    } catch {
      await systemClock.sleep(500, signal); // left, or cut off
    }
  }
}

/** The tasks of one round; one in twenty fails once before it succeeds, one in ten rounds has an input that is wrong. */
function tasksOf(round: number, rate: number, film: string | undefined): unknown[] {
  const short = Array.from({ length: rate }, () => wait(Math.random() * 50, Math.random() < 0.05 ? 1 : 0));
  return [
    ...short,
    { task_type: "soak_command", input_data: { text: `round ${round}` } },
    ...round % 5 === 0 && film
      ? [{ task_type: "ffmpeg_process", input_data: { operation: "probe", input: film } }]
      : [],
    ...round % 10 === 0 ? [{ task_type: "soak_wait", input_data: { wrong: true } }] : [],
  ];
}

function wait(workMs: number, failures = 0) {
  return { task_type: "soak_wait", input_data: { workMs, failures }, backoff_seconds: 1 };
}
