/** Takes a changed configuration into the running daemon: checked as a whole first, then applied where that works. */
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.ts";
import { type Config, CONFIG_FIELDS, ConfigError, type ConfigKey, type LoadedConfig } from "../config.ts";
import { logger } from "../log.ts";

/** What a reload came to. No values: they may be secret. */
export interface ReloadReport {
  /** ISO 8601; when it was over. */
  readonly at: string;
  /** Fields that have changed and are in effect now. */
  readonly applied: readonly string[];
  /** Fields that have changed and take effect at the next start. */
  readonly restartNeeded: readonly string[];
  /** Why nothing (the configuration is wrong) or not all of it could be applied, one line each. */
  readonly problems: readonly string[];
}

/** Some fields that can change while the daemon runs, and how. */
export interface LiveSetting {
  readonly keys: readonly ConfigKey[];
  /** Puts the fields of this configuration into effect. Work in progress goes on. */
  apply(config: Config): void | Promise<void>;
}

/** What only commands read: the running worker has nothing to do for it. */
export const COMMANDS_ONLY: LiveSetting = { keys: ["supabaseDbUrl", "jobsServerPort"], apply() {} };

/** What a reload needs. */
export interface ReloaderOptions {
  /** The configuration that the daemon was started with. */
  readonly config: Config;
  /** Reads all sources again. @throws ConfigError */
  readonly load: () => Promise<LoadedConfig>;
  readonly live: readonly LiveSetting[];
  readonly clock: Clock;
}

/** The fields whose values differ, in the order of the table. Pure. */
export function changedFields(before: Config, after: Config): ConfigKey[] {
  return CONFIG_FIELDS.map(({ key }) => key).filter((key) => !isDeepStrictEqual(before[key], after[key]));
}

/** A field as a person knows it, e.g. `logLevel (WORKER_LOG_LEVEL)`. */
export function fieldName(key: string): string {
  const variable = CONFIG_FIELDS.find((field) => field.key === key)?.env[0];
  return variable ? `${key} (${variable})` : key;
}

/** One reload at a time; what is asked for meanwhile is one more reload afterwards. */
export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #log = logger("daemon", "reload");
  #config: Config;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /** What is in effect now. */
  get config(): Config {
    return this.#config;
  }

  /** Reads, checks and applies. Never rejects: what went wrong is in the report and in the log. */
  reload(): Promise<ReloadReport> {
    const report = this.#last.then(() => this.#reload());
    this.#last = report;
    return report;
  }

  async #reload(): Promise<ReloadReport> {
    let loaded: LoadedConfig;
    try {
      loaded = await this.#options.load();
    } catch (error) {
      const lines = error instanceof ConfigError
        ? error.message.split("\n").slice(1)
        : [(error as Error).message];
      this.#log.error("the configuration is wrong and nothing of it was applied", { problems: lines });
      return this.#report([], [], lines.map((line) => line.replace(/^\s*-\s*/, "")));
    }
    for (const warning of loaded.warnings) this.#log.warn(warning);
    const changed = changedFields(this.#config, loaded.config);
    const fixed = new Set(CONFIG_FIELDS.filter(({ restartNeeded }) => restartNeeded).map(({ key }) => key));
    const applied: ConfigKey[] = [];
    const problems: string[] = [];
    for (const { keys, apply } of this.#options.live) {
      const touched = keys.filter((key) => changed.includes(key) && !fixed.has(key));
      if (touched.length === 0) continue;
      // What needs a restart stays as it was, also for those who look at the whole.
      const next = {
        ...this.#config,
        ...Object.fromEntries(touched.map((key) => [key, loaded.config[key]])),
      };
      try {
        await apply(next);
        this.#config = next;
        applied.push(...touched);
      } catch (error) {
        problems.push(`Cannot apply ${touched.map(fieldName).join(", ")}: ${(error as Error).message}`);
      }
    }
    for (const problem of problems) this.#log.error(problem);
    return this.#report(applied, changed.filter((key) => !applied.includes(key)), problems);
  }

  #report(
    applied: readonly ConfigKey[],
    restartNeeded: readonly ConfigKey[],
    problems: readonly string[],
  ): ReloadReport {
    if (applied.length > 0) this.#log.info(`applied: ${applied.map(fieldName).join(", ")}`);
    if (restartNeeded.length > 0) {
      this.#log.warn(
        `changed, and in effect only after \`actp-worker restart\`: ${
          restartNeeded.map(fieldName).join(", ")
        }`,
      );
    }
    if (applied.length + restartNeeded.length + problems.length === 0) this.#log.info("nothing has changed");
    return { at: new Date(this.#options.clock.now()).toISOString(), applied, restartNeeded, problems };
  }
}
