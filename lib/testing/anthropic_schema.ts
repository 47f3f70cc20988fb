/** What the Messages API takes, as far as agents use it: https://platform.claude.com/docs/en/api/messages */
import { z } from "zod";

const cacheControl = z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() });
const mark = { cache_control: cacheControl.optional() };
const text = z.strictObject({ type: z.literal("text"), text: z.string().min(1), ...mark });

const userBlock = z.discriminatedUnion("type", [
  text,
  z.strictObject({
    type: z.literal("tool_result"),
    tool_use_id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
    content: z.union([z.string(), z.array(text)]).optional(),
    is_error: z.boolean().optional(),
    ...mark,
  }),
]);
const assistantBlock = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string().min(1), ...mark }),
  z.object({
    type: z.literal("tool_use"),
    id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,200}$/),
    input: z.record(z.string(), z.unknown()),
    ...mark,
  }),
  z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string().min(1) }),
]);
const tool = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
  description: z.string().optional(),
  input_schema: z.looseObject({
    type: z.literal("object"),
    anyOf: z.undefined().optional(),
    oneOf: z.undefined().optional(),
    allOf: z.undefined().optional(),
  }),
  ...mark,
});

const requestSchema = z.strictObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1).max(128_000),
  stream: z.literal(true),
  system: z.array(text).optional(),
  tools: z.array(tool).optional(),
  messages: z.array(z.discriminatedUnion("role", [
    z.strictObject({ role: z.literal("user"), content: z.array(userBlock).min(1) }),
    z.strictObject({ role: z.literal("assistant"), content: z.array(assistantBlock).min(1) }),
  ])).min(1),
});

/** A request that the API would take. */
export type MessagesRequest = z.output<typeof requestSchema>;

/** The request, or what the API would say against it. */
export function readRequest(body: unknown): { request: MessagesRequest } | { problem: string } {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    return { problem: `${path.join(".")}: ${message}` };
  }
  const problem = conversationProblem(parsed.data) ?? toolsProblem(parsed.data) ?? marksProblem(parsed.data);
  return problem ? { problem } : { request: parsed.data };
}

function conversationProblem({ messages }: MessagesRequest): string | undefined {
  if (messages[0]!.role !== "user") return "messages.0: the first message must be the user's";
  for (const [at, message] of messages.entries()) {
    if (at > 0 && messages[at - 1]!.role === message.role) {
      return `messages.${at}: roles must alternate`;
    }
    if (message.role === "assistant") {
      const ids = message.content.flatMap((block) => block.type === "tool_use" ? [block.id] : []);
      if (new Set(ids).size !== ids.length) return `messages.${at}: tool_use ids must be unique`;
      const next = messages[at + 1];
      const answered = next?.role === "user"
        ? next.content.flatMap((block) => block.type === "tool_result" ? [block.tool_use_id] : [])
        : [];
      const missing = ids.filter((id) => !answered.includes(id));
      if (missing.length > 0) {
        return `messages.${at}: tool_use ids were found without tool_result blocks immediately after: ${missing}`;
      }
    } else {
      const results = message.content.flatMap((block) =>
        block.type === "tool_result" ? [block.tool_use_id] : []
      );
      const before = messages[at - 1];
      const asked = before?.role === "assistant"
        ? before.content.flatMap((block) => block.type === "tool_use" ? [block.id] : [])
        : [];
      const foreign = results.filter((id) => !asked.includes(id));
      if (foreign.length > 0) {
        return `messages.${at}: unexpected tool_use_id found in tool_result blocks: ${foreign}`;
      }
      if (new Set(results).size !== results.length) {
        return `messages.${at}: each tool_use must have a single result`;
      }
      const firstText = message.content.findIndex(({ type }) => type === "text");
      if (firstText >= 0 && message.content.slice(firstText).some(({ type }) => type === "tool_result")) {
        return `messages.${at}: tool_result blocks must come before text`;
      }
    }
  }
  return undefined;
}

function toolsProblem({ tools = [] }: MessagesRequest): string | undefined {
  const names = tools.map(({ name }) => name);
  return new Set(names).size === names.length ? undefined : "tools: tool names must be unique";
}

function marksProblem({ system = [], tools = [], messages }: MessagesRequest): string | undefined {
  const blocks = [...system, ...tools, ...messages.flatMap(({ content }) => content as object[])];
  const count = blocks.filter((block) => "cache_control" in block && block.cache_control).length;
  return count > 4 ? `A maximum of 4 blocks with cache_control may be provided. Found ${count}.` : undefined;
}
