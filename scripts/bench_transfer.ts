/**
 * What moving a large file costs in memory: `deno run -A scripts/bench_transfer.ts [--mb 200]`. Every way runs in a
 * process of its own against a server in another one, both on this machine: a real tus server with the rest of
 * Supabase Storage around it. Fails when one of ours takes 40 MB more than the process had before.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createClient } from "@supabase/supabase-js";
import { download } from "../lib/net/download.ts";
import { openStorage, type StorageSettings } from "../lib/storage/supabase.ts";
import { processTerminal } from "../lib/cli/terminal.ts";
import { startStorageServer } from "../lib/testing/storage_server.ts";
import { writeRandomFile } from "../lib/testing/random_file.ts";
import { tempDir } from "../lib/testing/temp.ts";

const LIMIT_MB = 40;
const WARM_UP_BYTES = 8 * 1024 * 1024;
const SAMPLE_MS = 50;

/** What a measured process is told. */
interface Order {
  readonly way: string;
  readonly settings: StorageSettings;
  readonly folder: string;
  /** The file to send, or to fetch from `url`. */
  readonly file: string;
  readonly warmUp: string;
}

/** What it found. */
interface Figures {
  readonly seconds: number;
  /** The highest memory in the transfer less that before it. */
  readonly extraMb: number;
  readonly baseMb: number;
}

/** Moves one file; `file` is sent, or fetched after it has been stored as `name`. */
type Way = (order: Order, file: string, name: string) => Promise<unknown>;

const signal = new AbortController().signal;
const publicUrl = ({ settings }: Order, name: string) =>
  `${settings.supabaseUrl}/storage/v1/object/public/films/${name}`;
const send = (order: Order, file: string, name: string, resumableBytes: number) =>
  openStorage({ ...order.settings, storageResumableBytes: resumableBytes })!
    .upload({ file, bucket: "films", path: name, contentType: "video/mp4", signal });

/** Ours first, then how one would do it otherwise. */
const OURS: Record<string, Way> = {
  "upload, in pieces": (order, file, name) => send(order, file, name, 1),
  "upload, in one request": (order, file, name) => send(order, file, name, Infinity),
  "download": (order, _file, name) =>
    download({
      url: publicUrl(order, name),
      file: join(order.folder, `fetched-${crypto.randomUUID()}`),
      maxBytes: 1e12,
      timeoutMs: 600_000,
      allowPrivate: true,
      signal,
    }),
};
const OTHERS: Record<string, Way> = {
  "upload, supabase-js with a Blob": async ({ settings }, file, name) => {
    const client = createClient(settings.supabaseUrl!, settings.supabaseKey!, {
      auth: { persistSession: false },
    });
    const { error } = await client.storage.from("films")
      .upload(name, new Blob([await Deno.readFile(file)]), { contentType: "video/mp4", upsert: true });
    if (error) throw error;
  },
  "download, fetch into memory": async (order, _file, name) => {
    const response = await fetch(publicUrl(order, name));
    await Deno.writeFile(join(order.folder, `fetched-${crypto.randomUUID()}`), await response.bytes());
  },
};

/** Runs the server until stdin ends. */
async function serve(): Promise<void> {
  await using server = await startStorageServer({ films: { public: true } });
  processTerminal().out(JSON.stringify({ url: server.url, key: server.key }));
  await text(process.stdin);
}

/** Moves a small file first, so that what is loaded and compiled once does not count. */
async function measure(order: Order): Promise<Figures> {
  const move = { ...OURS, ...OTHERS }[order.way];
  await move(order, order.warmUp, "warm-up.mp4");
  const baseMb = toMb(Deno.memoryUsage().rss);
  const peak = watchPeak();
  const began = performance.now();
  await move(order, order.file, "film.mp4");
  const seconds = (performance.now() - began) / 1_000;
  return { seconds, baseMb, extraMb: peak() - baseMb };
}

/** Resident memory at its highest from now on, in MB: told by Linux, sampled elsewhere. */
function watchPeak(): () => number {
  if (Deno.build.os === "linux") {
    Deno.writeTextFileSync("/proc/self/clear_refs", "5");
    return () =>
      Number(/^VmHWM:\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/status"))![1]) * 1_024 / 1e6;
  }
  let highest = 0;
  const timer = setInterval(() => highest = Math.max(highest, toMb(Deno.memoryUsage().rss)), SAMPLE_MS);
  return () => {
    clearInterval(timer);
    return highest;
  };
}

function toMb(bytes: number): number {
  return bytes / 1e6;
}

/** This program again, as another process; `order` goes to its stdin, which stays open. */
function startSelf(mode: string, order?: Order) {
  const args = ["run", "-q", "-A", fileURLToPath(import.meta.url), mode];
  const child = spawn(Deno.execPath(), args, { stdio: ["pipe", "pipe", "inherit"] });
  if (order) child.stdin.end(JSON.stringify(order));
  return child;
}

/** Starts the server, has every way measured, prints the table. Returns the exit code. */
async function compare(megabytes: number): Promise<number> {
  const terminal = processTerminal();
  await using folder = await tempDir();
  const server = startSelf("--serve");
  const ended = once(server, "exit");
  try {
    const [line] = await once(server.stdout!, "data");
    const { url, key } = JSON.parse(String(line));
    const [file, warmUp] = [join(folder.path, "film.mp4"), join(folder.path, "warm-up.mp4")];
    await writeRandomFile(file, megabytes * 1e6);
    await writeRandomFile(warmUp, WARM_UP_BYTES);
    const settings: StorageSettings = {
      supabaseUrl: url,
      supabaseKey: key,
      storageUrls: "public",
      storageSignedSeconds: 600,
      storageResumableBytes: 1,
      home: folder.path,
    };
    terminal.out(`${megabytes} MB, Deno ${Deno.version.deno}`);
    terminal.out(`${"".padEnd(34)}${"extra MB".padStart(10)}${"before".padStart(10)}${"MB/s".padStart(10)}`);
    let worst = 0;
    for (const way of [...Object.keys(OURS), ...Object.keys(OTHERS)]) {
      const child = startSelf("--measure", { way, settings, folder: folder.path, file, warmUp });
      const { seconds, extraMb, baseMb }: Figures = JSON.parse(await text(child.stdout!));
      const cells = [extraMb, baseMb, megabytes / seconds].map((value) => value.toFixed(1).padStart(10));
      terminal.out(way.padEnd(34) + cells.join(""));
      if (way in OURS) worst = Math.max(worst, extraMb);
    }
    terminal.out(`ours at the most ${worst.toFixed(1)} MB, allowed ${LIMIT_MB} MB`);
    return worst < LIMIT_MB ? 0 : 1;
  } finally {
    server.stdin!.end();
    await ended;
  }
}

const { values } = parseArgs({
  options: {
    mb: { type: "string", default: "200" },
    serve: { type: "boolean" },
    measure: { type: "boolean" },
  },
});
if (values.serve) await serve();
else if (values.measure) {
  processTerminal().out(JSON.stringify(await measure(JSON.parse(await text(process.stdin)))));
} else Deno.exitCode = await compare(Number(values.mb));
