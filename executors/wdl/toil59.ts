/**
 * What Toil's runner up to 5.9 does not do by itself. It tells no outputs, takes a failed command for a success, and
 * puts texts among the inputs unquoted into a Python program. So every command is wrapped into one that notes how
 * it ended and what it printed, and the outputs are found by what the WDL says about them. Pure.
 */
import { basename } from "node:path";
import type { Declaration, Definition, Document } from "./document.ts";
import { typeText } from "./types.ts";

/** Names the folder for the notes, in the environment of all commands. */
export const NOTES_VARIABLE = "ACTP_WDL_NOTES";

/** Where the value of an output comes from. */
export type OutputSource =
  | { readonly from: "literal"; readonly value: string | number | boolean }
  /** A file that Toil leaves under its own name in the output folder. */
  | { readonly from: "file"; readonly name: string }
  /** What the only call of a task printed, as a file or read as a value. */
  | {
    readonly from: "printed";
    readonly task: string;
    readonly stream: "stdout" | "stderr";
    readonly read?: Reading;
  };

type Reading = "read_string" | "read_int" | "read_float" | "read_boolean" | "read_lines";

/** Why this runner cannot do the document at all; undefined if it can. */
export function unsupported(document: Document, target: Definition): string | undefined {
  if (!["draft-2", "1.0"].includes(document.version)) {
    return `Toil 5.9 runs WDL draft-2 and 1.0 only, and this is ${document.version}`;
  }
  if (target.kind === "task") return "Toil 5.9 runs workflows only, no task by itself";
  if (document.imports.length > 0) return "Toil 5.9 cannot import documents";
}

/** Toil writes each text between double quotes into Python, so it must be the inside of a Python literal. */
export function quoteInputs(inputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => [
      key,
      typeof value === "string" ? JSON.stringify(value).slice(1, -1) : value,
    ]),
  );
}

/** The source with every command wrapped. Those of tasks that run in containers note their end in Toil's own log. */
export function wrapCommands(source: string, document: Document): string {
  const tasks = document.definitions.filter(({ command }) => command);
  return tasks.toSorted((a, b) => b.command!.start - a.command!.start).reduce((text, task) => {
    const { start, end, text: whole } = task.command!;
    const edge = whole.startsWith("<<<") ? 3 : 1;
    const inner = whole.slice(edge, -edge);
    const wrapped = wrap(inner, task.name, inContainer(task));
    return text.slice(0, start) + whole.slice(0, edge) + wrapped + whole.slice(-edge) + text.slice(end);
  }, source);
}

/** How a command in a container that failed ends in its task's log. */
export const EXIT_MARK = "actp-worker: the command exited with status";

function inContainer({ runtime }: Definition): boolean {
  return runtime.includes("docker") || runtime.includes("container");
}

function wrap(command: string, task: string, container: boolean): string {
  const lines = container
    ? ["(", command, ")", "actp=$?", `[ $actp -eq 0 ] || echo "${EXIT_MARK} $actp" >&2`, "exit $actp"]
    : [
      `actp=$(mktemp -d "$${NOTES_VARIABLE}/${task}.XXXXXXXX")`,
      "(",
      command,
      ') >"$actp/stdout" 2>"$actp/stderr"',
      'echo $? >"$actp/status"',
      'cat "$actp/stdout"',
      'cat "$actp/stderr" >&2',
      'exit "$(cat "$actp/status")"',
    ];
  // Toil takes the indentation that all lines share away, so the new lines must not have less.
  const indent = sharedIndent(command);
  return `\n${lines.map((line) => line === command ? line : indent + line).join("\n")}\n${indent}`;
}

/** What Python's textwrap.dedent would remove. */
function sharedIndent(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const indents = lines.map((line) => /^[ \t]*/.exec(line)![0]);
  return indents.reduce((shared, indent) => {
    let i = 0;
    while (i < shared.length && shared[i] === indent[i]) i++;
    return shared.slice(0, i);
  }, indents[0] ?? "");
}

/**
 * Where each output of the workflow will be found, by its name; and which cannot be known, each with why.
 */
export function planOutputs(
  document: Document,
  workflow: Definition,
): { sources: ReadonlyMap<string, OutputSource>; unknown: string[] } {
  const sources = new Map<string, OutputSource>();
  const unknown: string[] = [];
  if (!workflow.outputs) unknown.push("the workflow has no output section");
  for (const output of workflow.outputs ?? []) {
    const source = sourceOf(output, document, workflow);
    if (typeof source === "string") unknown.push(`${workflow.name}.${output.name}: ${source}`);
    else sources.set(output.name, source);
  }
  return { sources, unknown };
}

/** The reason, in place of a source that cannot be known. */
function sourceOf(output: Declaration, document: Document, workflow: Definition): OutputSource | string {
  const literal = readLiteral(output.expression ?? "");
  if (literal !== undefined) {
    return output.type?.name === "File" ? "no call makes this file" : { from: "literal", value: literal };
  }
  const reference = /^(\w+)\.(\w+)$/.exec(output.expression ?? output.name);
  const call = reference && workflow.calls.find(({ name }) => name === reference[1]);
  if (!call) return "only literals and outputs of calls are found";
  if (call.nested) return `${call.name} is called in a scatter or a condition`;
  const task = document.definitions.find(({ kind, name }) => kind === "task" && name === call.callee);
  const made = task?.outputs?.find(({ name }) => name === reference[2]);
  if (!task || !made) return `there is no output ${reference[0]}`;
  if (workflow.calls.filter(({ callee }) => callee === task.name).length > 1) {
    return `${task.name} is called more than once, and all its calls leave files of the same names`;
  }
  return taskSource(made, task, document, workflow);
}

function taskSource(
  output: Declaration,
  task: Definition,
  document: Document,
  workflow: Definition,
): OutputSource | string {
  const expression = output.expression ?? "";
  const isFile = output.type?.name === "File";
  const literal = readLiteral(expression);
  const printed =
    /^(?:(read_string|read_int|read_float|read_boolean|read_lines)\s*\(\s*)?(stdout|stderr)\s*\(\s*\)\s*\)?$/
      .exec(expression);
  if (isFile && typeof literal === "string") {
    const name = basename(literal);
    const makers = fileMakers(name, document, workflow);
    return makers > 1 ? `several calls make a file ${name}` : { from: "file", name };
  }
  if (!isFile && literal !== undefined) return { from: "literal", value: literal };
  if (printed && isFile === (printed[1] === undefined)) {
    if (inContainer(task)) return "what a command in a container prints is not exported";
    const [, read, stream] = printed as unknown as [string, Reading | undefined, "stdout" | "stderr"];
    return { from: "printed", task: task.name, stream, read };
  }
  const type = output.type ? typeText(output.type) : "value";
  return `Toil 5.9 does not export a ${type} that is made by ${
    expression.replaceAll(/\s+/g, " ").slice(0, 80)
  }`;
}

/** How many calls leave a file of that name in the one output folder. */
function fileMakers(name: string, document: Document, workflow: Definition): number {
  return workflow.calls.map(({ callee, nested }) => {
    const task = document.definitions.find((one) => one.kind === "task" && one.name === callee);
    const makes = task?.outputs?.some((output) => {
      const literal = output.type?.name === "File" ? readLiteral(output.expression ?? "") : undefined;
      return typeof literal === "string" && basename(literal) === name;
    });
    return !makes ? 0 : nested ? 2 : 1;
  }).reduce((sum: number, count) => sum + count, 0);
}

/** A number, a boolean or a text without placeholders and escapes. */
function readLiteral(expression: string): string | number | boolean | undefined {
  if (/^-?\d+(\.\d+)?$/.test(expression)) return Number(expression);
  if (expression === "true" || expression === "false") return expression === "true";
  const text = /^"([^"\\]*)"$|^'([^'\\]*)'$/.exec(expression);
  const inner = text?.[1] ?? text?.[2];
  return inner === undefined || /[~$]\{/.test(inner) ? undefined : inner;
}

/** Reads what was printed as a value; undefined if it is none. */
export function readPrinted(text: string, read: Reading): unknown {
  const trimmed = text.trim();
  switch (read) {
    case "read_string":
      return text.replace(/\r?\n$/, "");
    case "read_lines":
      return text === "" ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/);
    case "read_int":
      return /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : undefined;
    case "read_float":
      return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : undefined;
    case "read_boolean":
      return { true: true, false: false }[trimmed.toLowerCase()];
  }
}
