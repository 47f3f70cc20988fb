/** What a first configuration writes: settings into config.json, secrets into .env. Pure. */
import { CONFIG_FIELDS, type ConfigField, type ConfigKey } from "../config.ts";

/** Where tasks are kept. */
export const DATABASES = ["embedded", "postgres", "supabase"] as const;
/** One of them. */
export type DatabaseChoice = typeof DATABASES[number];

/** Values by field; texts as people write them. */
export type Answers = Partial<Readonly<Record<ConfigKey, string | number | undefined>>>;

/** What is to be asked for each database. */
export const ASKED: Readonly<Record<DatabaseChoice, readonly ConfigKey[]>> = {
  embedded: [],
  postgres: ["databaseUrl"],
  supabase: ["supabaseUrl", "supabaseKey"],
};
/** What is to be asked in any case; all of it has a default. */
export const ASKED_ALWAYS: readonly ConfigKey[] = ["workerId", "maxConcurrent"];

/** The field of a key. */
export function fieldOf(key: ConfigKey): ConfigField {
  return CONFIG_FIELDS.find((field) => field.key === key)!;
}

/** What is wrong with an answer, in a few words; undefined for a good one. */
export function answerProblem(key: ConfigKey, answer: string): string | undefined {
  const parsed = fieldOf(key).schema.safeParse(answer.trim());
  return parsed.success ? undefined : parsed.error.issues[0]?.message ?? "is not valid";
}

/** The two files' new content: keys of config.json, and variables for .env. */
export interface InitFiles {
  readonly json: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Puts the answers into what config.json holds already; an unanswered question changes nothing.
 * @throws Error for an answer that its field refuses
 */
export function initFiles(answers: Answers, existing: Readonly<Record<string, unknown>>): InitFiles {
  const json: Record<string, unknown> = { ...existing };
  const variables: Record<string, string> = {};
  for (const [key, answer] of Object.entries(answers) as [ConfigKey, string | number | undefined][]) {
    const text = String(answer ?? "").trim();
    if (text === "") continue;
    const field = fieldOf(key);
    const parsed = field.schema.safeParse(text);
    if (!parsed.success) throw new Error(`${field.env[0] ?? key} ${parsed.error.issues[0]?.message}`);
    if (field.secret && field.env[0]) variables[field.env[0]] = text;
    else json[key] = parsed.data;
  }
  return { json, variables };
}
