/** `init`: a first configuration, by questions or by flags and variables alone. */
import { join } from "node:path";
import { type Command, Option } from "commander";
import { type Config, ConfigError, type ConfigKey, type LoadedConfig } from "../config.ts";
import { flagName } from "../config/sources.ts";
import { ensurePrivateDir, homePaths } from "../paths.ts";
import { withSettings } from "../service_install/environment_file.ts";
import { doStep } from "../service_install/steps.ts";
import { type CliContext, type GlobalOptions, loadForCommand } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import {
  answerProblem,
  type Answers,
  ASKED,
  ASKED_ALWAYS,
  type DatabaseChoice,
  DATABASES,
  fieldOf,
  initFiles,
} from "./init_plan.ts";
import { type Prompter, terminalPrompter } from "./prompter.ts";

interface InitOptions {
  readonly database?: DatabaseChoice;
  readonly yes?: boolean;
}

/** Adds the command. `prompter` asks; the terminal unless given. */
export function addInit(program: Command, context: CliContext, prompter = terminalPrompter): void {
  program.command("init")
    .description("a first configuration, by questions; with --yes from flags and variables alone")
    .addOption(new Option("--database <kind>", "where tasks are kept").choices(DATABASES))
    .option("-y, --yes", "ask nothing")
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker init
  $ SUPABASE_URL=… SUPABASE_SECRET_KEY=… actp-worker init --yes --worker-id studio`,
    )
    .action(async (options: InitOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { config, origins } = await loadForCommand(context, globals);
      const told = (key: ConfigKey) => toldNow(context, globals, key);
      const answers = options.yes
        ? unasked(options, config, told)
        : await asked(await prompterFor(context, prompter), options, config, told);
      await write(context, globals, { config, origins }, answers);
    });
}

/** Only a terminal has somebody to ask. */
async function prompterFor({ terminal }: CliContext, make: () => Promise<Prompter>): Promise<Prompter> {
  if (terminal.isTerminal || make !== terminalPrompter) return await make();
  throw new ExitError(
    EXIT.usage,
    "There is nobody to ask: give --yes, and the settings as flags and variables.",
  );
}

/** What this command line or its environment says about a field. */
function toldNow({ env }: CliContext, globals: GlobalOptions, key: ConfigKey): string | undefined {
  const field = fieldOf(key);
  const flag = globals[flagName(field) ?? ""];
  if (flag !== undefined) return String(flag);
  return field.env.map((name) => env[name]).find((value) => value?.trim());
}

function chosen({ database }: InitOptions, config: Config): DatabaseChoice {
  return database ?? (config.supabaseUrl ? "supabase" : config.databaseUrl ? "postgres" : "embedded");
}

function unasked(
  options: InitOptions,
  config: Config,
  told: (key: ConfigKey) => string | undefined,
): Answers {
  const database = chosen(options, config);
  const missing = ASKED[database].filter((key) => told(key) === undefined && config[key] === undefined);
  if (missing.length > 0) {
    const names = missing.map((key) => fieldOf(key).env[0]).join(" and ");
    throw new ExitError(
      EXIT.usage,
      `With --yes and ${database}, ${names} must be set; set it and try again.`,
    );
  }
  return Object.fromEntries([...ASKED[database], ...ASKED_ALWAYS].map((key) => [key, told(key)]));
}

async function asked(
  prompter: Prompter,
  options: InitOptions,
  config: Config,
  told: (key: ConfigKey) => string | undefined,
): Promise<Answers> {
  const database = options.database ?? await prompter.select<DatabaseChoice>("Where are the tasks kept?", [
    { value: "embedded", label: "in this worker", hint: "nothing to set up; one machine" },
    { value: "postgres", label: "in a Postgres", hint: "any number of workers" },
    { value: "supabase", label: "in Supabase", hint: "any number of workers" },
  ], chosen(options, config));
  const answers: Partial<Record<ConfigKey, string>> = {};
  for (const key of [...ASKED[database], ...ASKED_ALWAYS]) {
    const { description, secret } = fieldOf(key);
    const now = told(key);
    const suggestion = now ?? (secret ? undefined : textOf(config[key]));
    const question = {
      message: description,
      suggestion,
      problem: (text: string) => answerProblem(key, text),
    };
    // A secret that is set already is not asked for again, nor shown.
    if (secret && (now ?? config[key]) !== undefined) answers[key] = now;
    else answers[key] = await (secret ? prompter.password(question) : prompter.text(question));
  }
  return answers;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

async function write(
  context: CliContext,
  globals: GlobalOptions,
  { config }: Pick<LoadedConfig, "config" | "origins">,
  answers: Answers,
): Promise<void> {
  const { terminal } = context;
  const { home, config: file } = homePaths(config.home);
  const envFile = join(home, ".env");
  const before = { json: await textIn(file), env: await textIn(envFile) };
  const { json, variables } = initFiles(answers, JSON.parse(before.json || "{}"));
  await ensurePrivateDir(home);
  const files = [
    { path: file, text: JSON.stringify(json, null, 2) + "\n" },
    ...Object.keys(variables).length > 0
      ? [{ path: envFile, text: withSettings(before.env, variables, "init") }]
      : [],
  ];
  for (const { path, text } of files) await doStep({ kind: "write", path, text, mode: 0o600 });
  try {
    await loadForCommand(context, globals); // the parts fit each other as well
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    await restore(file, before.json);
    if (files.length > 1) await restore(envFile, before.env);
    throw error;
  }
  const written = files.map(({ path }) => path);
  if (globals.json) return terminal.out(JSON.stringify({ home, written, settings: Object.keys(json) }));
  for (const path of written) terminal.out(`wrote ${path}`);
  terminal.out("next: actp-worker doctor, then actp-worker start or actp-worker install-service");
}

async function restore(path: string, text: string): Promise<void> {
  await doStep(text === "" ? { kind: "remove", path } : { kind: "write", path, text, mode: 0o600 });
}

async function textIn(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
