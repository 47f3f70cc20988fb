/** A report to send to somebody who helps: everything that explains, nothing that is secret. */
import { join } from "node:path";
import { describeConfig, type LoadedConfig, secretsOf } from "../config.ts";
import { redactor } from "../log/redaction.ts";
import { homePaths } from "../paths.ts";
import { VERSION } from "../version.ts";
import type { NamedFinding } from "./check.ts";

/** What the report is made of. */
export interface BundleParts {
  /** Undefined where the configuration cannot be read. */
  readonly loaded?: LoadedConfig;
  readonly findings: readonly NamedFinding[];
  readonly machine: unknown;
  /** Wall-clock ms. */
  readonly now: number;
  /** The last lines of the log. */
  readonly log: readonly string[];
  /** Further secrets, such as the control token. */
  readonly secrets: readonly string[];
}

const LOG_LINES = 300;
const LOG_BYTES = 1_000_000;

/** The report as JSON text, without secrets. Pure. */
export function bundleText({ loaded, findings, machine, now, log, secrets }: BundleParts): string {
  const known = [...loaded ? secretsOf(loaded.config) : [], ...secrets];
  const { text } = redactor(known);
  const clean = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, clean(part)]));
  };
  const report = {
    about: "Report of actp-worker doctor. Secrets are taken out; names of folders and tasks are not.",
    made: new Date(now).toISOString(),
    version: VERSION,
    deno: Deno.version.deno,
    target: Deno.build.target,
    machine: clean(machine),
    findings: clean(findings.map(({ name, status, detail, fix }) => ({ name, status, detail, fix }))),
    configuration: loaded ? clean(describeConfig(loaded)) : "cannot be read: see findings",
    log: log.map(text),
  };
  return JSON.stringify(report, null, 2) + "\n";
}

/** The end of the newest log file of a home folder; nothing where there is none. */
export async function lastLogLines(home: string): Promise<string[]> {
  const folder = homePaths(home).logs;
  let newest: { path: string; time: number } | undefined;
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !/\.log/.test(name) || name.endsWith(".gz")) continue;
      const path = join(folder, name);
      const time = (await Deno.stat(path)).mtime?.getTime() ?? 0;
      if (!newest || time > newest.time) newest = { path, time };
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return newest ? await lastLines(newest.path) : [];
}

async function lastLines(path: string): Promise<string[]> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  await file.seek(Math.max(0, size - LOG_BYTES), Deno.SeekMode.Start);
  const bytes = new Uint8Array(Math.min(size, LOG_BYTES));
  let filled = 0;
  for (let read = await file.read(bytes); read; read = await file.read(bytes.subarray(filled))) {
    filled += read;
  }
  const lines = new TextDecoder().decode(bytes.subarray(0, filled)).trimEnd().split("\n");
  return lines.slice(size > LOG_BYTES ? 1 : 0).slice(-LOG_LINES);
}
