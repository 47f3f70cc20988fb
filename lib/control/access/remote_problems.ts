/** What keeps the control API from being served to other machines, found before anything is started. */
import type { Config } from "../../config.ts";
import { type ConfigOrigin, type ConfigProblem, originText } from "../../config/sources.ts";
import { isFault, readKeyPair } from "./certificate.ts";

/** For `loadConfig`. `config` lacks the fields that are wrong in themselves. */
export function remoteProblems(
  { remoteAddress, tlsCert, tlsKey }: Partial<Config>,
  origins: Readonly<Record<keyof Config, ConfigOrigin>>,
): ConfigProblem[] {
  if (remoteAddress === undefined || tlsCert === undefined || tlsKey === undefined) return [];
  const read = readKeyPair({ cert: tlsCert, key: tlsKey });
  if (!isFault(read)) return [];
  const field = read.file === "cert" ? "tlsCert" : "tlsKey";
  return [{
    field,
    source: originText(origins[field]),
    message: `${read.file === "cert" ? tlsCert : tlsKey} ${read.message}`,
    fix: "Give WORKER_TLS_CERT and WORKER_TLS_KEY the PEM files of one certificate.",
  }];
}
