/**
 * Marks what the prompt cache keeps: the tools, the system prompt, and the conversation up to its last two turns of the
 * user, so that each call reads what the one before has written. Pure.
 * https://platform.claude.com/docs/en/build-with-claude/prompt-caching (at most four marks)
 */
import type { ContentBlock, ModelMessage, ModelRequest } from "./model.ts";

const MARK = { type: "ephemeral" } as const;

/** The request with its marks. What is given has none and is not changed. */
export function withCacheMarks(request: ModelRequest): ModelRequest {
  const turns = request.messages.flatMap(({ role }, at) => role === "user" ? [at] : []).slice(-2);
  return {
    ...request,
    system: markLast(request.system),
    tools: markLast(request.tools),
    messages: request.messages.map((message, at) => turns.includes(at) ? markMessage(message) : message),
  };
}

function markMessage(message: ModelMessage): ModelMessage {
  return { ...message, content: markLast(message.content as readonly MarkableBlock[]) as ContentBlock[] };
}

/** Thinking cannot be marked, but a user's message has none. */
type MarkableBlock = ContentBlock & { cache_control?: typeof MARK | null };

function markLast<T extends object>(items: readonly T[]): T[] {
  return items.map((item, at) => at === items.length - 1 ? { ...item, cache_control: MARK } : item);
}
