/** The worker's configuration: flags, then environment, then .env files, then config.json, then defaults. */
import { isAbsolute, resolve } from "node:path";
import { type Config, CONFIG_FIELDS, type ConfigField, type ConfigKey, defaultOf } from "./config/fields.ts";
import {
  type ConfigOrigin,
  type ConfigProblem,
  type ConfigSource,
  originText,
  readSources,
  type SourceOptions,
} from "./config/sources.ts";
import { closest } from "./config/hints.ts";
import { crossProblems } from "./config/cross.ts";
import { redact } from "./log/redaction.ts";
import { expandHome } from "./paths.ts";

export { type Config, CONFIG_FIELDS, type ConfigField, type ConfigKey } from "./config/fields.ts";
export {
  type CommandDeclaration,
  type CommandField,
  fillPlaceholders,
  placeholdersIn,
} from "./config/commands.ts";
export { type ConfigRow, databaseKind, describeConfig, secretsOf } from "./config/show.ts";
export type { ConfigOrigin, ConfigProblem, SourceKind } from "./config/sources.ts";

/** The finished configuration with its history. */
export interface LoadedConfig {
  readonly config: Config;
  readonly origins: Readonly<Record<ConfigKey, ConfigOrigin>>;
  /** Things that work but should be put right, one line each. */
  readonly warnings: readonly string[];
}

/** Inputs of {@link loadConfig}. */
export interface LoadOptions extends SourceOptions {
  /** This machine's name; asked from the system unless given. */
  readonly hostname?: string;
  /** Task types that declared commands must not take. */
  readonly reservedTypes?: readonly string[];
  /** What else must be true for what is to be done. `config` lacks the fields that are wrong in themselves. */
  readonly check?: (
    config: Partial<Config>,
    origins: Readonly<Record<ConfigKey, ConfigOrigin>>,
  ) => readonly ConfigProblem[];
}

/** The configuration cannot be used; the message lists every problem, one line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ field, source, message, fix }) =>
      `  - ${field} (${source}) ${message}. ${fix}`
    );
    const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
    super([`The configuration has ${count}:`, ...lines].join("\n"));
  }
}

/**
 * Reads and checks the whole configuration. Values that a stronger source overrides are checked as well.
 * @throws {@link ConfigError} with every problem of every source
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { home, sources, problems: unread, warnings } = await readSources(options);
  const problems = [...unread, ...sources.flatMap(unknownKeys)];
  const defaults = { home, hostname: plainHostname(options.hostname ?? Deno.hostname()) };
  const values: Partial<Record<ConfigKey, unknown>> = {};
  const origins: Partial<Record<ConfigKey, ConfigOrigin>> = {};
  for (const field of CONFIG_FIELDS) {
    const found = sources.flatMap((source) => lookUp(source, field, options.env.HOME));
    problems.push(...found.flatMap((one) => one.problems));
    const first = found[0];
    values[field.key] = first ? first.value : defaultOf(field, defaults);
    origins[field.key] = first?.origin ?? { source: "default", name: "" };
  }
  const bad = new Set(problems.map(({ field }) => field.split(/[.[]/)[0]));
  const sound = Object.fromEntries(Object.entries(values).filter(([key]) => !bad.has(key)));
  const complete = origins as Record<ConfigKey, ConfigOrigin>;
  problems.push(...crossProblems(sound, (key) => originText(complete[key]), options.reservedTypes ?? []));
  problems.push(...options.check?.(sound, complete) ?? []);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config: deepFreeze(values as Config),
    origins: complete,
    warnings: [...warnings, ...sources.flatMap(exposedSecrets)],
  };
}

function plainHostname(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").slice(0, 100) || "local";
}

interface Found {
  readonly value: unknown;
  readonly origin: ConfigOrigin;
  readonly problems: readonly ConfigProblem[];
}

/** What one source says about one field; nothing when it does not mention it. */
function lookUp(source: ConfigSource, field: ConfigField, userHome: string | undefined): Found[] {
  const given = source.names(field).flatMap((name) => {
    const raw = Object.hasOwn(source.values, name) ? source.values[name] : undefined;
    const value = typeof raw === "string" ? raw.trim() : raw;
    const unset = value === undefined || (value === "" && source.kind !== "config.json");
    return unset ? [] : [{ name, value }];
  });
  if (given.length === 0) return [];
  const origin = { source: source.kind, name: source.label(given[0].name) };
  const problem = (path: readonly PropertyKey[], message: string, fix: string) => ({
    field: [field.key, ...path].map((part) => typeof part === "number" ? `[${part}]` : `.${String(part)}`)
      .join("").slice(1),
    source: originText(origin),
    message,
    fix,
  });
  if (given.some(({ value }) => value !== given[0].value)) {
    const names = given.map(({ name }) => name).join(" and ");
    const message = `${names} mean the same and differ`;
    return [{ value: undefined, origin, problems: [problem([], message, `Keep ${given[0].name} only.`)] }];
  }
  const parsed = field.schema.safeParse(given[0].value);
  if (parsed.success) {
    return [{ value: absolute(field, parsed.data, source.base, userHome), origin, problems: [] }];
  }
  const problems = parsed.error.issues.map(({ path, message }) => {
    const got = field.secret || path.length > 0 ? "" : `, but is ${excerpt(given[0].value)}`;
    return problem(path, message + got, `Correct ${origin.name} or remove it.`);
  });
  return [{ value: undefined, origin, problems }];
}

function excerpt(value: unknown): string {
  const text = redact(JSON.stringify(value) ?? String(value), []);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function absolute(field: ConfigField, value: unknown, base: string, userHome: string | undefined): unknown {
  if (Array.isArray(value) && field.path) return value.map((item) => absolute(field, item, base, userHome));
  if (!field.path || typeof value !== "string") return value;
  const path = expandHome(value, userHome);
  return field.path === "program" && !path.includes("/") || isAbsolute(path) ? path : resolve(base, path);
}

function unknownKeys(source: ConfigSource): ConfigProblem[] {
  if (source.kind !== "config.json") return [];
  const keys = CONFIG_FIELDS.filter((field) => source.names(field).length > 0).map(({ key }) => key);
  return Object.keys(source.values).filter((key) => !keys.some((known) => known === key)).map((key) => {
    const field = CONFIG_FIELDS.find(({ env, key: own }) => own === key || env.includes(key));
    const meant = field?.key ?? closest(key, keys);
    const fix = meant === "home"
      ? "Set ACTP_HOME or --home instead: this file is found through it."
      : meant
      ? `Did you mean ${meant}?`
      : "Remove it.";
    return { field: key, source: source.file ?? source.kind, message: "is not a known field", fix };
  });
}

function exposedSecrets(source: ConfigSource): string[] {
  if (!source.exposed) return [];
  const held = CONFIG_FIELDS.filter(({ secret }) => secret).flatMap((field) => source.names(field))
    .filter((name) => source.values[name]);
  if (held.length === 0) return [];
  return [`${source.file} can be read by others and holds ${held.join(", ")}: run chmod 600 on it.`];
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
