/** Tools as the loop runs them: described to the model, their input validated, bounded in time and in size. */
import type { Logger } from "@logtape/logtape";
import { z } from "zod";
import { type Clock, within } from "../../clock.ts";
import type { OutwardAct } from "../../task/task.ts";
import type { AgentTool, ToolContext } from "../agent.ts";
import type { ToolDescription } from "./model.ts";

/** One tool, ours or an MCP server's. */
export interface LoopTool {
  readonly description: ToolDescription;
  /** The validated input, or what is wrong with it, for the model. */
  parse(input: unknown): { readonly value: unknown } | { readonly problem: string };
  /** For what needs a person's word. */
  outward?(input: unknown): OutwardAct;
  run(input: unknown, context: ToolContext): Promise<unknown>;
  /** In ms; the loop's own unless told. */
  readonly timeoutMs?: number;
}

/** What came of a call, as the model is told. */
export interface ToolOutcome {
  readonly content: string;
  readonly failed: boolean;
}

/** Characters of a result that the model is shown. */
export const MAX_RESULT_CHARS = 20_000;
const MAX_PROBLEMS = 5;

/**
 * One of our tools.
 * @throws Error for a schema that is no object's: the API takes nothing else
 */
export function loopTool(tool: AgentTool): LoopTool {
  const { $schema: _, ...schema } = z.toJSONSchema(tool.input, { io: "input", unrepresentable: "any" });
  if (schema.type !== "object") {
    throw new Error(`the tool ${tool.name} takes no object: make its input a z.object(…)`);
  }
  return {
    description: {
      name: tool.name,
      description: tool.description,
      input_schema: schema as ToolDescription["input_schema"],
    },
    parse(input) {
      const parsed = tool.input.safeParse(input);
      if (parsed.success) return { value: parsed.data };
      const problems = parsed.error.issues.slice(0, MAX_PROBLEMS).map(({ path, message }) =>
        `${path.map(String).join(".") || "input"}: ${message}`
      );
      return { problem: `The input is not valid, nothing was done: ${problems.join("; ")}` };
    },
    ...(tool.outward && { outward: (input: unknown) => tool.outward!(input) }),
    run: (input, context) => tool.run(input, context),
  };
}

/** Tools by their names. @throws Error for two of the same name */
export function toolsByName(tools: readonly LoopTool[]): ReadonlyMap<string, LoopTool> {
  const byName = new Map<string, LoopTool>();
  for (const tool of tools) {
    const { name } = tool.description;
    if (byName.has(name)) throw new Error(`there are two tools of the name ${name}`);
    byName.set(name, tool);
  }
  return byName;
}

/** Runs a tool with input that has been validated; what it throws becomes a failed outcome. Throws only when aborted. */
export async function runTool(
  tool: LoopTool,
  input: unknown,
  context: ToolContext,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): Promise<ToolOutcome> {
  try {
    const limit = tool.timeoutMs ?? timeoutMs;
    const result = await within(
      clock,
      limit,
      context.signal,
      (signal) => tool.run(input, { ...context, signal }),
    );
    return { content: resultText(result), failed: false };
  } catch (error) {
    context.signal.throwIfAborted();
    noteFailure(context.log, tool.description.name, error);
    return { content: failureText(error), failed: true };
  }
}

/** A result as text for the model, cut where it is too long. */
export function resultText(result: unknown): string {
  const text = typeof result === "string" ? result : JSON.stringify(result) ?? "done";
  return bounded(text === "" ? "(nothing)" : text);
}

/** A failure as text for the model. */
export function failureText(error: unknown): string {
  return bounded(error instanceof Error ? error.message : String(error)) || "it failed without a reason";
}

function bounded(text: string): string {
  if (text.length <= MAX_RESULT_CHARS) return text;
  const cut = text.slice(0, MAX_RESULT_CHARS).toWellFormed();
  return `${cut}… [${text.length - MAX_RESULT_CHARS} more characters left out; ask for less]`;
}

function noteFailure(log: Logger, tool: string, error: unknown): void {
  log.debug("a tool failed: {tool}: {reason}", { tool, reason: failureText(error) });
}
