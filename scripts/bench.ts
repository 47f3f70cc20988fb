/**
 * Measures this worker beside other queues on PostgreSQL, on this machine, in one run, and prints one table.
 * `deno task bench [--tasks 20000] [--runs 3] [--only settle,latency,…] [--systems ours,pg-boss,…] [--json FILE]
 * [--profile FOLDER]`: the last keeps CPU profiles of our workers.
 */
import { cpus, totalmem } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { startPostgres } from "../lib/testing/postgres_server.ts";
import { findProgram } from "../lib/testing/requirements.ts";
import {
  enqueueRate,
  idle,
  readyTime,
  recovery,
  staleResult,
  startLatency,
  startUp,
  throughput,
} from "./bench/figures.ts";
import { installPeers, type Peers } from "./bench/peers.ts";
import { addSample, renderTable, type Row, type Samples, summary } from "./bench/report.ts";
import { ownSystems, peerSystems, type Surroundings, type System } from "./bench/systems.ts";

/** Counts, and the idle time in seconds. */
interface Settings {
  readonly tasks: number;
  readonly runs: number;
  readonly latencies: number;
  readonly idleSeconds: number;
  readonly databasePid: number;
}

/** A group of rows that one measurement fills. */
interface Figure {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly fits: (system: System) => boolean;
  /** All systems side by side: mostly waiting, and measured once. */
  readonly together?: true;
  /** One value for each row, in their order. */
  readonly measure: (system: System, settings: Settings) => Promise<(number | string | undefined)[]>;
}

const notBare = (system: System) => !system.bare;
const shared = (system: System) => system.processes > 1;

const FIGURES: readonly Figure[] = [
  {
    name: "settle",
    rows: [
      { label: "settled tasks/s, one worker", better: "more" },
      { label: "  worker CPU, ms per 1,000 tasks", better: "less" },
      { label: "  PostgreSQL CPU, ms per 1,000 tasks", better: "less" },
    ],
    fits: () => true,
    async measure(system, { tasks, databasePid }) {
      const { perSecond, workerCpu, databaseCpu } = await throughput(system, tasks, 1, databasePid);
      return [perSecond, workerCpu, shared(system) ? databaseCpu : undefined];
    },
  },
  {
    name: "settle2",
    rows: [{ label: "settled tasks/s, two workers", better: "more" }],
    fits: shared,
    measure: async (
      system,
      { tasks, databasePid },
    ) => [(await throughput(system, tasks, 2, databasePid)).perSecond],
  },
  {
    name: "enqueue",
    rows: [{ label: "enqueued tasks/s, 1,000 a call", better: "more" }],
    fits: () => true,
    measure: async (system, { tasks }) => [await enqueueRate(system, tasks)],
  },
  {
    name: "latency",
    rows: [
      { label: "enqueue to start, ms, p50", better: "less" },
      { label: "enqueue to start, ms, p99", better: "less" },
    ],
    fits: notBare,
    async measure(system, { latencies }) {
      const { p50, p99 } = await startLatency(system, latencies);
      return [p50, p99];
    },
  },
  {
    name: "start",
    rows: [{ label: "spawn to first task, ms", better: "less" }],
    fits: notBare,
    measure: async (system) => [await startUp(system)],
  },
  {
    name: "ready",
    rows: [{ label: "spawn of the whole program to /ready, ms" }],
    fits: (system) => system.name === "ours" || system.processes === 1,
    measure: async (system) => [await readyTime(system)],
  },
  {
    name: "recovery",
    rows: [{ label: "kill -9 to restart elsewhere, s, defaults", better: "less" }],
    fits: (system) => notBare(system) && shared(system),
    together: true,
    measure: async (system) => [await recovery(system)],
  },
  {
    name: "recovery15",
    rows: [{ label: "kill -9 to restart elsewhere, s, lease 15 s", better: "less" }],
    fits: (system) => notBare(system) && shared(system),
    together: true,
    measure: async (system) => [await recovery(system, 15)],
  },
  {
    name: "idle",
    rows: [
      { label: "idle: resident MB", better: "less" },
      { label: "idle: % of a core" },
      { label: "idle: transactions/s", better: "less" },
    ],
    fits: notBare,
    together: true,
    async measure(system, { idleSeconds }) {
      const { rss, cpu, queries } = await idle(system, idleSeconds);
      return [rss, cpu, queries];
    },
  },
  {
    name: "stale",
    rows: [{ label: "a former holder's result" }],
    fits: (system) => notBare(system),
    together: true,
    measure: async (system) => [await staleResult(system)],
  },
];

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    args: Deno.args,
    options: {
      tasks: { type: "string", default: "20000" },
      runs: { type: "string", default: "3" },
      latencies: { type: "string", default: "200" },
      "idle-seconds": { type: "string", default: "20" },
      only: { type: "string" },
      systems: { type: "string" },
      json: { type: "string" },
      profile: { type: "string" },
    },
  });
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stopped.abort(new Error(`stopped by ${signal}`)));
  }
  const figures = chosen(FIGURES, options.only, "--only");
  await using server = await startPostgres({
    fsync: true,
    settings: { shared_buffers: "128MB", full_page_writes: "on", max_connections: "400" },
  });
  const surroundings: Surroundings = {
    server,
    signal: stopped.signal,
    profiles: options.profile && resolve(options.profile),
  };
  const peers = await installPeers().catch((error: Error) => error);
  const all = [
    ...ownSystems(surroundings),
    ...peers instanceof Error ? [] : peerSystems(surroundings, peers),
  ];
  const available = await findProgram("postgrest")
    ? all
    : all.filter((system) => system.name !== "ours-rest");
  const systems = chosen(available, options.systems, "--systems");
  const settings: Settings = {
    tasks: whole(options.tasks, "--tasks"),
    runs: whole(options.runs, "--runs"),
    latencies: whole(options.latencies, "--latencies"),
    idleSeconds: whole(options["idle-seconds"], "--idle-seconds"),
    databasePid: server.pid,
  };
  const machine = await describeMachine(peers);
  print(machine);
  const samples: Samples = new Map();
  try {
    for (const figure of figures) await measureFigure(figure, systems, settings, samples, stopped.signal);
  } finally {
    const rows = figures.flatMap((figure) => figure.rows);
    print(`\n${settings.tasks} tasks, medians of ${settings.runs} runs; in brackets: times better ours is\n`);
    print(renderTable(rows, systems.map((system) => system.name), samples));
    if (options.json) await Deno.writeTextFile(options.json, asJson(machine, settings, samples));
  }
}

/** Run by run over all systems, so that what disturbs the machine for a while does not meet only one of them. */
async function measureFigure(
  figure: Figure,
  systems: readonly System[],
  settings: Settings,
  samples: Samples,
  signal: AbortSignal,
): Promise<void> {
  const fitting = systems.filter(figure.fits);
  const one = async (system: System) => {
    signal.throwIfAborted();
    const values = await figure.measure(system, settings).catch((error: Error) => {
      signal.throwIfAborted();
      progress(`${figure.name}, ${system.name}: ${error.message}`);
      return figure.rows.map(() => "failed");
    });
    figure.rows.forEach(({ label }, i) => {
      if (values[i] !== undefined) addSample(samples, label, system.name, values[i]);
    });
    const shown = values.map((value) => typeof value === "number" ? value.toFixed(1) : value).join(" ");
    progress(`${figure.name}, ${system.name}: ${shown}`);
  };
  if (figure.together) return void await Promise.all(fitting.map(one));
  for (let run = 0; run < settings.runs; run++) {
    for (const system of fitting) await one(system);
  }
}

async function describeMachine(peers: Peers | Error): Promise<string> {
  const gib = Math.round(totalmem() / 2 ** 30);
  const postgres = await output(await findProgram("postgres") ?? "postgres", ["--version"]);
  const versions = peers instanceof Error
    ? []
    : Object.entries(peers.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${cpus().length} × ${cpus()[0]?.model.trim()}, ${gib} GiB, ${Deno.build.target}`,
    [`${postgres}, fsync on`, `Deno ${Deno.version.deno}`, ...versions].join("; "),
    ...peers instanceof Error ? [`peers are not available: ${peers.message}`] : [],
  ].join("\n");
}

async function output(program: string, args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args }).output();
  return new TextDecoder().decode(stdout).trim();
}

function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  list: string | undefined,
  option: string,
): T[] {
  if (!list) return [...all];
  const names = list.split(",");
  const unknown = names.find((name) => !all.some((one) => one.name === name));
  if (unknown) {
    throw new Error(`${option}: there is no "${unknown}", only ${all.map((one) => one.name).join(", ")}`);
  }
  return all.filter((one) => names.includes(one.name));
}

function whole(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`${option} must be a whole number above 0, not "${text}"`);
  }
  return value;
}

function asJson(machine: string, settings: Settings, samples: Samples): string {
  const figures = Object.fromEntries([...samples].map(([label, bySystem]) => [
    label.trim(),
    Object.fromEntries(
      [...bySystem].map(([system, values]) => [system, { summary: summary(values), values }]),
    ),
  ]));
  return JSON.stringify({ machine, at: new Date().toISOString(), ...settings, figures }, null, 2) + "\n";
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text + "\n"));
}

function progress(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text + "\n"));
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    progress((error as Error).message);
    Deno.exitCode = 1;
  }
}
