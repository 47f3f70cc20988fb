/** What the installing shell has set and the service would not see: settings and variables for child programs. Pure. */
import { CONFIG_FIELDS, type ConfigField, type LoadedConfig } from "../config.ts";
import { flagName } from "../config/sources.ts";

type Variables = Readonly<Record<string, string>>;

/** The sources of the installing command that a service does not have. */
export interface ShellSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Variables;
  /** The .env file of the folder that the command was given in; empty where that is the home folder. */
  readonly envFile: Variables;
}

/** Settings by the name of their variable, with folders as absolute paths. The home folder is not among them. */
export function settingsToKeep({ config, origins }: LoadedConfig, shell: ShellSources): Variables {
  const kept = CONFIG_FIELDS.flatMap((field): [string, string][] => {
    const [variable] = field.env;
    if (field.key === "home" || variable === undefined) return [];
    const raw = rawValue(field, origins[field.key].source, shell);
    if (raw === undefined) return [];
    const value = config[field.key];
    if (!field.path) return [[variable, raw]];
    return [[variable, Array.isArray(value) ? value.join(":") : String(value)]];
  });
  return Object.fromEntries(kept);
}

function rawValue(
  field: ConfigField,
  source: string,
  { flags, env, envFile }: ShellSources,
): string | undefined {
  const named = (values: Variables) => field.env.map((name) => values[name]).find((value) => value?.trim());
  if (source === "flag") {
    const value = flags[flagName(field) ?? ""];
    return value === undefined ? undefined : String(value);
  }
  if (source === "environment") return named(env);
  return source === ".env" ? named(envFile) : undefined;
}

/** Locale, proxies and certificates (and where traces go): programs and connections need them as much in a service as in a shell. */
const USEFUL = [
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "SSL_CERT_FILE",
  "NODE_EXTRA_CA_CERTS",
];

/** The variables that declared commands and agents pass on to their programs, and what every program may need. */
export function variablesToKeep({ config }: LoadedConfig, env: Variables): Variables {
  const named = [...config.commands, ...config.agents].flatMap((declared) => declared.env ?? []);
  const settings = new Set(CONFIG_FIELDS.flatMap((field) => field.env));
  const telemetry = Object.keys(env).filter((name) => name.startsWith("OTEL_"));
  const names = [...new Set([...USEFUL, ...telemetry, ...named])].filter((name) =>
    !settings.has(name) && name !== "PATH"
  );
  return Object.fromEntries(names.flatMap((name) => env[name] ? [[name, env[name]!]] : []));
}
