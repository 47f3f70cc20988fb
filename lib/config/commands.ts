/** Programs that the configuration declares as tasks: their shape, and the placeholders of their arguments. */
import { isAbsolute } from "node:path";
import { z } from "zod";

const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** `{{name}}` is the literal text `{name}`. */
const PLACEHOLDER = /\{\{([A-Za-z_][A-Za-z0-9_]{0,62})\}\}|\{([A-Za-z_][A-Za-z0-9_]{0,62})\}/g;
/** Placeholders that the worker fills itself. */
const OWN_PLACEHOLDERS = ["tempDir", "outputDir"];

const short = z.string().min(1).max(4096).refine(
  (value) => !value.includes("\0"),
  "must not contain a NUL byte",
);

const fieldSchema = z.strictObject({
  type: z.enum(["string", "number", "integer", "boolean", "path"]),
  /** A field with a default is never missing. */
  required: z.boolean().default(true),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  /** A regular expression that the whole text must match. */
  pattern: short.refine(isPattern, "must be a regular expression").optional(),
  enum: z.array(z.union([z.string(), z.number()])).min(1).max(1000).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  /** Characters. */
  maxLength: z.int().min(1).optional(),
}).superRefine((field, context) => {
  const problem = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  const textual = field.type === "string" || field.type === "path";
  const numeric = field.type === "number" || field.type === "integer";
  const fits = (value: unknown) =>
    typeof value === (textual ? "string" : numeric ? "number" : "boolean") &&
    (field.type !== "integer" || Number.isInteger(value));
  if (field.default !== undefined && !fits(field.default)) {
    problem("default", `must be of type ${field.type}`);
  }
  if (field.enum?.some((value) => !fits(value))) problem("enum", `must hold values of type ${field.type}`);
  if (!textual && field.pattern) problem("pattern", "is only for text");
  if (!textual && field.maxLength) problem("maxLength", "is only for text");
  if (!numeric && (field.min ?? field.max) !== undefined) problem("min", "and max are only for numbers");
  if ((field.min ?? -Infinity) > (field.max ?? Infinity)) problem("min", "must not be above max");
});

const declarationSchema = z.strictObject({
  /** The task type. */
  name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "must be lower-case letters, digits and underscores"),
  description: z.string().max(1000).optional(),
  /** An absolute path, or a name that is looked up on PATH. */
  program: short.refine(
    (path) => isAbsolute(path) || !path.includes("/"),
    "must be an absolute path or a bare name",
  ),
  /** Arguments; `{field}`, `{tempDir}` and `{outputDir}` are filled in, `{{field}}` stays as `{field}`. */
  args: z.array(short.or(z.literal(""))).max(500).default([]),
  input: z.record(z.string().regex(FIELD_NAME), fieldSchema).default({}),
  /** Names of variables passed on from the worker's environment. */
  env: z.array(z.string().regex(VARIABLE_NAME)).max(200).optional(),
  setEnv: z.record(z.string().regex(VARIABLE_NAME), z.string().max(32_768)).optional(),
  /** The task's own temp folder unless told. */
  cwd: short.refine(isAbsolute, "must be an absolute path").optional(),
  timeoutSeconds: z.number().min(0.1).max(7 * 86_400).optional(),
  /** Exit codes after which another attempt makes sense; unless told, all but 0, 2, 64, 65 and 78. */
  retryExitCodes: z.array(z.int().min(1).max(255)).optional(),
  /** What the program reads: the validated input as JSON, or nothing. */
  stdin: z.enum(["input", "none"]).default("none"),
}).superRefine((declaration, context) => {
  for (const name of OWN_PLACEHOLDERS) {
    if (Object.hasOwn(declaration.input, name)) {
      context.addIssue({
        code: "custom",
        path: ["input", name],
        message: "is a name that the worker fills itself",
      });
    }
  }
  const known = [...Object.keys(declaration.input), ...OWN_PLACEHOLDERS];
  for (const [index, arg] of declaration.args.entries()) {
    for (const name of placeholdersIn(arg).filter((name) => !known.includes(name))) {
      const message = `names {${name}}, which is no field of input (write {{${name}}} for the text itself)`;
      context.addIssue({ code: "custom", path: ["args", index], message });
    }
  }
});

/** The programs declared in config.json; no two of the same name. */
export const commandsSchema = z.array(declarationSchema).max(200).superRefine((declarations, context) => {
  const names = declarations.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue;
    context.addIssue({ code: "custom", path: [index, "name"], message: `${name} is declared twice` });
  }
});

/** One program that a task type of the same name runs. */
export type CommandDeclaration = z.output<typeof declarationSchema>;

/** One field of a command's input. */
export type CommandField = CommandDeclaration["input"][string];

/** The names of the placeholders in one argument. */
export function placeholdersIn(argument: string): string[] {
  return [...argument.matchAll(PLACEHOLDER)].flatMap(([, , name]) => name ?? []);
}

/** The argument with its placeholders filled in, or undefined (leave it out) when one of them has no value. */
export function fillPlaceholders(
  argument: string,
  values: Readonly<Record<string, string | number | boolean | undefined>>,
): string | undefined {
  const valueOf = (name: string) => Object.hasOwn(values, name) ? values[name] : undefined;
  if (placeholdersIn(argument).some((name) => valueOf(name) === undefined)) return undefined;
  return argument.replace(
    PLACEHOLDER,
    (_, literal, name) => literal ? `{${literal}}` : String(valueOf(name)),
  );
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}
