/** A tool of an MCP server as the loop runs it. */
import type { CallToolResult, StandardSchemaV1, Tool } from "@modelcontextprotocol/client";
import type { McpServerSettings } from "../../config/agent_rules.ts";
import type { OutwardAct } from "../../task/task.ts";
import type { ToolDescription } from "../loop/model.ts";
import type { LoopTool } from "../loop/tools.ts";

/** What the Messages API takes as the name of a tool. */
const NAME = /^[a-zA-Z0-9_-]{1,128}$/;
const MAX_DESCRIPTION = 4_000;
const MAX_PROBLEMS = 5;

/** Validates an input against the tool's own schema. */
export type InputSchema = StandardSchemaV1;
/** Calls the tool with validated input. */
export type CallMcpTool = (
  name: string,
  input: Record<string, unknown>,
  signal: AbortSignal,
) => Promise<CallToolResult>;

/** Whether the list names the tool, or all with `*`. Pure. */
export function named(list: readonly string[], tool: string): boolean {
  return list.includes("*") || list.includes(tool);
}

/** What keeps a tool from being offered, if anything. Pure. */
export function offerProblem(server: string, tool: Tool): string | undefined {
  if (!NAME.test(offeredName(server, tool.name))) return "the model cannot be given a tool of that name";
  const { type, anyOf, oneOf, allOf } = tool.inputSchema as Record<string, unknown>;
  if (type !== "object" || anyOf || oneOf || allOf) return "the model cannot be given its input's schema";
  return undefined;
}

/** `<server>__<tool>` */
export function offeredName(server: string, tool: string): string {
  return `${server}__${tool}`;
}

/** The tool as it is offered. */
export function mcpTool(
  server: string,
  settings: McpServerSettings,
  tool: Tool,
  schema: InputSchema,
  call: CallMcpTool,
): LoopTool {
  const name = offeredName(server, tool.name);
  return {
    description: {
      name,
      description: (tool.description ?? tool.title ?? tool.name).slice(0, MAX_DESCRIPTION).toWellFormed(),
      input_schema: tool.inputSchema as ToolDescription["input_schema"],
    },
    parse: (input) => parse(schema, input),
    ...named(settings.approve, tool.name) && {
      outward: (input: unknown): OutwardAct => ({
        kind: "mcp",
        platform: server,
        summary: `call ${tool.name} of the MCP server ${server}`,
        preview: { tool: tool.name, input },
      }),
    },
    run: async (input, { signal }) =>
      textOf(await call(tool.name, input as Record<string, unknown>, signal), name),
    timeoutMs: settings.timeoutSeconds * 1000,
  };
}

function parse(schema: InputSchema, input: unknown): ReturnType<LoopTool["parse"]> {
  const result = schema["~standard"].validate(input);
  if (result instanceof Promise) return { value: input }; // the server judges for itself
  if (!result.issues) return { value: result.value };
  const problems = result.issues.slice(0, MAX_PROBLEMS).map(({ message }) => message);
  return { problem: `The input is not valid, nothing was done: ${problems.join("; ")}` };
}

/** A result's text; what is no text is only named. @throws Error with the text of a result that is a failure */
function textOf(result: CallToolResult, name: string): string {
  const parts = (result.content ?? []).map((block) => {
    switch (block.type) {
      case "text":
        return block.text;
      case "resource":
        return "text" in block.resource ? block.resource.text : `[resource ${block.resource.uri}]`;
      case "resource_link":
        return `[resource ${block.uri}]`;
      default:
        return `[${block.type} of ${block.mimeType}]`;
    }
  });
  const text = parts.join("\n") ||
    (result.structuredContent === undefined ? "" : JSON.stringify(result.structuredContent));
  if (result.isError) throw new Error(text || `${name} failed without a reason`);
  return text;
}
