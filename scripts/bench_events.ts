/**
 * Measures what open event streams cost: `deno run -A scripts/bench_events.ts [--streams 200] [--events 100]
 * [--seconds 10]`. The server is this process and the readers are another one; prints the share of a core that the server
 * uses, and how late events come.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { systemClock } from "../lib/clock.ts";
import type { ControlEvent, TaskView } from "../lib/control/events/event.ts";
import { createEventHub } from "../lib/control/events/hub.ts";
import { controlServer } from "../lib/control/server.ts";
import { randomSecret } from "../lib/control/token.ts";
import { runServices } from "../lib/service.ts";
import type { WorkerStatus } from "../lib/status.ts";
import { processTerminal } from "../lib/cli/terminal.ts";

interface Settings {
  readonly streams: number;
  readonly events: number;
  readonly seconds: number;
}

const WARM_UP_MS = 2000;

/** As large as a task in `GET /tasks` is. */
function task(n: number): ControlEvent & { type: "task" } {
  const at = new Date().toISOString();
  const data: TaskView = {
    id: crypto.randomUUID(),
    task_type: "ffmpeg_process",
    status: "running",
    priority: 0,
    execution_id: null,
    step_id: null,
    attempts: 1,
    max_attempts: 3,
    token: String(n),
    error: null,
    progress: { percent: n % 100, message: "transcoding", sent_at: Date.now() },
    claimed_by: "worker-one",
    claimed_at: at,
    started_at: at,
    heartbeat_at: at,
    lease_expires_at: at,
    completed_at: null,
    created_at: at,
    run_at: at,
    timeout_minutes: 30,
    backoff_seconds: 5,
    cancel_requested_at: null,
    cancel_reason: null,
    idempotency_key: null,
    reward: null,
    currency: null,
    deadline: null,
  };
  return { type: "task", data };
}

/** The readers: open all streams, read the first and count the bytes of all, tell it when they are told to stop. */
async function readAll(url: string, token: string, { streams }: Settings): Promise<void> {
  const { hostname, port } = new URL(url);
  const request =
    `GET /events HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  const bytes = new Array<number>(streams).fill(0);
  const delays: number[] = [];
  const connections: Deno.TcpConn[] = [];
  const readers = Array.from({ length: streams }, async (_, i) => {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    connections.push(connection);
    await connection.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const read = await connection.read(buffer);
        if (read === null) return;
        bytes[i]! += read;
        if (i > 0) continue;
        const text = new TextDecoder().decode(buffer.subarray(0, read));
        for (const [, sent] of text.matchAll(/"sent_at":(\d+)/g)) delays.push(Date.now() - Number(sent));
      }
    } catch {
      return; // stopped
    }
  });
  for await (const _ of Deno.stdin.readable);
  for (const connection of connections) connection.close();
  await Promise.all(readers);
  delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor(delays.length * share)];
  const least = Math.min(...bytes) / Math.max(...bytes);
  processTerminal().out(JSON.stringify({ events: delays.length, least, p50: at(0.5), p99: at(0.99) }));
}

async function measure(settings: Settings): Promise<void> {
  const terminal = processTerminal();
  const { streams, events: perSecond, seconds } = settings;
  const status = () => Promise.resolve({ status: "online" } as WorkerStatus);
  const database = {
    description: "answers that nothing has changed",
    call: <T>() => Promise.resolve({ tasks: [], gone: [], acts: [], limits: [], routines: [] } as T),
    close: () => Promise.resolve(),
  };
  const events = createEventHub({ clock: systemClock, database, status, secrets: [] });
  const token = randomSecret();
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const server = controlServer({
    config: { controlHost: "127.0.0.1", controlPort: 0 },
    worker: { status, wake: () => {} },
    token,
    events,
    database,
    embedded: false,
    onListen: listening.resolve,
  });
  const running = runServices([server, events], stop.signal);
  const url = `http://127.0.0.1:${await listening.promise}`;
  const readers = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", import.meta.filename!, "--read", url, "--streams", String(streams)],
    env: { BENCH_TOKEN: token },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  try {
    await systemClock.sleep(WARM_UP_MS);
    const before = process.cpuUsage();
    const began = performance.now();
    let sent = 0;
    while (performance.now() - began < seconds * 1000) {
      const due = Math.floor((performance.now() - began) / 1000 * perSecond);
      while (sent < due) events.publish(task(sent++));
      await systemClock.sleep(10);
    }
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage();
    const cpuMs = (user - before.user + system - before.system) / 1000;
    await systemClock.sleep(300);
    await readers.stdin.close();
    const { events: read, least, p50, p99 } = JSON.parse(
      new TextDecoder().decode((await readers.output()).stdout),
    );
    terminal.out(`${streams} streams, ${perSecond} events a second, ${seconds} s`);
    terminal.out(`share of a core      ${(cpuMs / ms * 100).toFixed(1)} %`);
    terminal.out(`events sent          ${sent}`);
    terminal.out(`read by one          ${read}`);
    terminal.out(`least bytes to one   ${(least * 100).toFixed(1)} % of the most`);
    terminal.out(`late by, 50 % / 99 % ${p50} ms / ${p99} ms`);
    terminal.out(`memory               ${Math.round(Deno.memoryUsage().rss / 2 ** 20)} MB`);
  } finally {
    stop.abort();
    await running;
  }
}

const { values } = parseArgs({
  args: Deno.args,
  options: {
    streams: { type: "string", default: "200" },
    events: { type: "string", default: "100" },
    seconds: { type: "string", default: "10" },
    read: { type: "string" },
  },
});
const settings = {
  streams: Number(values.streams),
  events: Number(values.events),
  seconds: Number(values.seconds),
};
if (values.read) await readAll(values.read, Deno.env.get("BENCH_TOKEN")!, settings);
else await measure(settings);
