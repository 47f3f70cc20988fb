/** What may be shown of a configuration, and what must never be. Pure. */
import type { LoadedConfig } from "../config.ts";
import { type Config, CONFIG_FIELDS } from "./fields.ts";
import { originText } from "./sources.ts";
import { isSensitiveName, redactor } from "../log/redaction.ts";

/** One line of `config show`; `value` is null where nothing is set. */
export interface ConfigRow {
  readonly key: string;
  readonly value: string | null;
  readonly origin: string;
}

/** All fields with their values, secrets masked, and where each came from. */
export function describeConfig({ config, origins }: LoadedConfig): ConfigRow[] {
  const { value: clean } = redactor([]);
  return CONFIG_FIELDS.map(({ key, secret }) => {
    const value = config[key];
    const origin = originText(origins[key]);
    if (value === undefined) return { key, value: null, origin };
    if (secret) return { key, value: mask(String(value)), origin };
    const shown = clean(value);
    return { key, value: typeof shown === "string" ? shown : JSON.stringify(shown), origin };
  });
}

function mask(secret: string): string {
  return secret.length > 12 ? `••••${secret.slice(-4)}` : "••••";
}

/** Every value that must not be logged: the secret fields, and what is secret inside URLs and declared commands. */
export function secretsOf(config: Config): string[] {
  const fields = CONFIG_FIELDS.filter(({ secret }) => secret).map(({ key }) => config[key]);
  const whole = fields.filter((value): value is string => typeof value === "string");
  const set = config.commands.flatMap(({ setEnv = {} }) => Object.entries(setEnv));
  const variables = set.filter(([name]) => isSensitiveName(name)).map(([, value]) => value);
  return [...new Set([...whole, ...whole.flatMap(urlSecrets), ...variables])];
}

/** The password as written and as meant, user and password together, and a password in the query. */
function urlSecrets(text: string): string[] {
  const url = URL.parse(text);
  const inQuery = url?.searchParams.getAll("password") ?? [];
  if (!url?.password) return inQuery;
  const written = text.slice(text.indexOf("//") + 2, text.lastIndexOf("@"));
  return [...inQuery, url.password, decode(url.password), `${url.username}:${url.password}`, written];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not percent-encoded after all
  }
}

/** Which driver the configuration asks for. */
export function databaseKind(
  config: Pick<Config, "databaseUrl" | "supabaseUrl">,
): "supabase" | "postgres" | "embedded" {
  if (config.supabaseUrl) return "supabase";
  return config.databaseUrl ? "postgres" : "embedded";
}
