/** What agents find in their environment: their settings and nothing else of the worker's. Pure. */
import { type Config, CONFIG_FIELDS, type LoadedConfig } from "../config.ts";
import { SELF_EXTRACTING_VARIABLE } from "../daemon/self.ts";
import { baseEnvironment } from "../process.ts";

/** Variables that decide how the program itself runs and reaches the network. */
const PROGRAM_VARIABLES = [
  SELF_EXTRACTING_VARIABLE,
  "NO_COLOR",
  "XDG_STATE_HOME",
  "XDG_CACHE_HOME",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  ...["http_proxy", "https_proxy", "no_proxy", "all_proxy"].flatMap((name) => [name, name.toUpperCase()]),
];

/**
 * For one of our agents: the worker's own settings, what was set by flags among them. Secrets travel this way and
 * never as arguments. `env` is the worker's environment.
 */
export function agentEnvironment(
  { config, origins }: Pick<LoadedConfig, "config" | "origins">,
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  const names = [
    ...PROGRAM_VARIABLES,
    ...CONFIG_FIELDS.flatMap((field) => field.env),
    ...Object.keys(env).filter((name) => name.startsWith("DENO_") || name.startsWith("OTEL_")),
    ...mcpVariables(config.mcpServers),
  ];
  const byFlag = CONFIG_FIELDS.filter(({ key, env }) => origins[key].source === "flag" && env.length > 0)
    .flatMap((field) => {
      const value = config[field.key];
      // An alias that is set beside it would differ from it.
      const unset = field.env.slice(1).map((alias) => [alias, ""]);
      return [[field.env[0]!, Array.isArray(value) ? value.join(",") : String(value)], ...unset];
    });
  return {
    ...passedOn(names, env),
    ...Object.fromEntries(byFlag),
    ACTP_HOME: config.home,
    DENO_V8_FLAGS: [env.DENO_V8_FLAGS, `--max-old-space-size=${config.agentHeapMb}`].filter(Boolean).join(
      ",",
    ),
  };
}

/** For a declared program: what every program is given, and the variables that its declaration names. */
export function declaredEnvironment(
  names: readonly string[],
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  return passedOn(names, env);
}

function passedOn(
  names: readonly string[],
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  const found = names.flatMap((name) => Object.hasOwn(env, name) ? [[name, env[name]!]] : []);
  return { ...baseEnvironment(), ...Object.fromEntries(found) };
}

/** The variables that MCP servers and the headers sent to them are to be given. */
function mcpVariables(servers: Config["mcpServers"]): string[] {
  return Object.values(servers).flatMap((server) =>
    "env" in server ? server.env : Object.values(server.headersEnv)
  );
}
