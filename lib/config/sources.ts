/** Where configuration comes from: flags, environment, .env files, config.json, ~/.flowy. Reading only; nothing is judged. */
import { join, resolve } from "node:path";
import { CONFIG_FIELDS, type ConfigField } from "./fields.ts";
import { flowyNames, parseFlowyFile } from "./flowy_file.ts";
import { locateJsonMistake, parseEnvFile } from "./files.ts";
import { defaultHome, expandHome, homePaths } from "../paths.ts";

/** The kind of place a value came from. */
export type SourceKind = "flag" | "environment" | ".env" | "config.json" | "~/.flowy" | "default";

/** Where a field's value came from; `name` is the flag, variable or key there, empty for a default. */
export interface ConfigOrigin {
  readonly source: SourceKind;
  readonly name: string;
}

/** An origin for people, e.g. `environment WORKER_ID`. */
export function originText({ source, name }: ConfigOrigin): string {
  return name ? `${source} ${name}` : source;
}

/** One thing that is wrong with the configuration, and what to do about it. */
export interface ConfigProblem {
  /** The field's key; with a path into it for structured fields. */
  readonly field: string;
  /** Where the value came from, e.g. `environment WORKER_ID`. */
  readonly source: string;
  readonly message: string;
  readonly fix: string;
}

/** One place that values come from. */
export interface ConfigSource {
  readonly kind: SourceKind;
  /** The file, where it is one. */
  readonly file?: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Under which names this source may hold the field, the preferred one first. */
  names(field: ConfigField): readonly string[];
  /** How a person calls such a name, e.g. `--worker-id`. */
  label(name: string): string;
  /** The folder that relative paths start from. */
  readonly base: string;
  /** Others than the owner can read it. */
  readonly exposed?: boolean;
}

/** What is needed to find all sources. */
export interface SourceOptions {
  /** As commander gives them: by the camel-cased long name, e.g. `pollInterval`. Others' flags are ignored. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** The sources in order of precedence, with what went wrong in reading them. */
export interface FoundSources {
  readonly home: string;
  readonly sources: readonly ConfigSource[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

const MAX_FILE_BYTES = 1_000_000;

/** Reads every source. The home folder comes from a flag, the environment or the .env file in `cwd`. */
export async function readSources({ flags = {}, env, cwd }: SourceOptions): Promise<FoundSources> {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const here = await envFileSource(join(cwd, ".env"), problems);
  const top = [flagSource(flags, cwd), environmentSource(env, cwd), ...here];
  const home = findHome(top, env, problems);
  const there = home === cwd ? [] : await envFileSource(join(home, ".env"), problems);
  for (const { values, file } of there) {
    if (values.ACTP_HOME) warnings.push(`ACTP_HOME in ${file} has no effect: the file was found through it.`);
  }
  const json = await jsonSource(homePaths(home).config, home, problems);
  const sources = [
    ...top,
    ...there.map((source) => ({ ...source, names: exceptHome(source.names) })),
    ...json,
    ...await flowySource(env.HOME, problems),
  ];
  return { home, sources, problems, warnings };
}

/** The name of a field's flag as commander gives it: `--poll-interval <seconds>` is `pollInterval`. */
export function flagName(field: ConfigField): string | undefined {
  const long = field.flag?.match(/^--([a-z-]+)/)?.[1];
  return long?.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
}

function flagSource(values: Readonly<Record<string, unknown>>, base: string): ConfigSource {
  const labels = new Map(CONFIG_FIELDS.map((field) => [flagName(field), field.flag?.split(" ")[0]]));
  const names = (field: ConfigField) => [flagName(field) ?? []].flat();
  return { kind: "flag", values, names, label: (name) => labels.get(name) ?? name, base };
}

function environmentSource(values: Readonly<Record<string, string>>, base: string): ConfigSource {
  return { kind: "environment", values, names: (field) => field.env, label: (name) => name, base };
}

async function envFileSource(file: string, problems: ConfigProblem[]): Promise<ConfigSource[]> {
  const read = await readFile(file, problems);
  if (!read) return [];
  const values = parseEnvFile(read.text);
  const label = (name: string) => `${name} in ${file}`;
  const base = resolve(file, "..");
  return [{ kind: ".env", file, values, names: (field) => field.env, label, base, exposed: read.exposed }];
}

async function jsonSource(file: string, base: string, problems: ConfigProblem[]): Promise<ConfigSource[]> {
  const read = await readFile(file, problems);
  if (!read) return [];
  const text = read.text.replace(/^\uFEFF/, "");
  const values = parseObject(text);
  if (!values) {
    const { line, column } = locateJsonMistake(text);
    const message = `is not a JSON object: line ${line}, column ${column}`;
    problems.push({
      field: "config.json",
      source: file,
      message,
      fix: "Correct it there, or remove the file.",
    });
    return [];
  }
  const names = exceptHome((field) => [field.key]);
  return [{ kind: "config.json", file, values, names, label: (name) => name, base, exposed: read.exposed }];
}

async function flowySource(userHome: string | undefined, problems: ConfigProblem[]): Promise<ConfigSource[]> {
  if (!userHome) return [];
  const file = join(userHome, ".flowy");
  const read = await readFile(file, problems);
  if (!read) return [];
  try {
    const values = await parseFlowyFile(read.text);
    const names = (field: ConfigField) => flowyNames(field.key);
    const known = Object.fromEntries(
      Object.entries(values).filter(([name]) => CONFIG_FIELDS.some((field) => names(field).includes(name))),
    );
    return [{ kind: "~/.flowy", file, values: known, names, label: (name) => name, base: userHome }];
  } catch (error) {
    problems.push({
      field: "~/.flowy",
      source: file,
      message: `cannot be used: ${(error as Error).message}`,
      fix: "Correct it there, or remove the file.",
    });
    return [];
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // the caller tells where
  }
}

function exceptHome(names: ConfigSource["names"]): ConfigSource["names"] {
  return (field) => field.key === "home" ? [] : names(field);
}

function findHome(
  sources: readonly ConfigSource[],
  env: Readonly<Record<string, string>>,
  problems: ConfigProblem[],
): string {
  const field = CONFIG_FIELDS.find(({ key }) => key === "home")!;
  for (const { values, names, base } of sources) {
    const value = names(field).map((name) => values[name]).find((value) =>
      typeof value === "string" && value.trim()
    );
    if (typeof value === "string") return resolve(base, expandHome(value.trim(), env.HOME));
  }
  try {
    return defaultHome(env);
  } catch {
    const message = "is not known: neither ACTP_HOME nor HOME is set";
    problems.push({
      field: "home",
      source: "default",
      message,
      fix: "Set ACTP_HOME to a folder of your own.",
    });
    return resolve(sources[0].base, ".actp-worker");
  }
}

/** A missing file is no problem; a folder called `.env` is somebody else's. */
async function readFile(path: string, problems: ConfigProblem[]) {
  try {
    const { isDirectory, size, mode } = await Deno.stat(path);
    if (isDirectory) return undefined;
    if (size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
    return { text: await Deno.readTextFile(path), exposed: mode !== null && (mode & 0o077) !== 0 };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    problems.push({
      field: path,
      source: path,
      message,
      fix: "Correct the file or its permissions, or remove it.",
    });
    return undefined;
  }
}
