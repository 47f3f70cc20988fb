/**
 * Keeps the conversation under its limit of tokens without breaking what belongs together. Pure.
 *
 * What is left out goes from the front, in whole steps (an answer of the model with the results of its tool calls).
 * Thinking that was done after something that is left out is no longer valid and goes with it
 * (https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks); for that, and for the prompt
 * cache, much is left out at once and seldom.
 */
import type { ContentBlock, ModelMessage } from "./model.ts";

/** A token is taken for so many characters: less than the true average, so that the estimate is on the safe side. */
const CHARS_PER_TOKEN = 3;
/** How much of the limit is kept when something has to go. */
const KEPT_SHARE = 0.6;
const SHORTENED = "… [the rest was left out to save room]";

/** About how many tokens it is, rather too many. */
export function estimateTokens(value: unknown): number {
  return Math.ceil((JSON.stringify(value) ?? "").length / CHARS_PER_TOKEN);
}

/** The same conversation where it is under the limit, else a shorter one. The first message, the goal, always stays. */
export function trimHistory(messages: readonly ModelMessage[], limitTokens: number): readonly ModelMessage[] {
  if (estimateTokens(messages) <= limitTokens) return messages;
  const target = limitTokens * KEPT_SHARE;
  const [goal, ...later] = messages;
  const steps = stepsOf(later.map(withoutThinking));
  const sizes = steps.map(estimateTokens);
  let left = estimateTokens(goal) + sizes.reduce((sum, size) => sum + size, 0);
  let dropped = 0;
  while (left > target && dropped < steps.length - 1) left -= sizes[dropped++]!;
  const kept = steps.slice(dropped).flat();
  const first = dropped > 0 ? withNote(goal!, dropped) : goal!;
  return [first, ...shorten(kept, Math.max(target - estimateTokens(first), 0))];
}

/** Cut before each answer of the model. */
function stepsOf(messages: readonly ModelMessage[]): ModelMessage[][] {
  const steps: ModelMessage[][] = [];
  for (const message of messages) {
    if (message.role === "assistant" && steps.at(-1)?.at(-1)?.role !== "assistant") steps.push([message]);
    else if (steps.length > 0) steps.at(-1)!.push(message);
    else steps.push([message]);
  }
  return steps;
}

function withoutThinking(message: ModelMessage): ModelMessage {
  if (message.role !== "assistant") return message;
  const content = message.content.filter(({ type }) => type !== "thinking" && type !== "redacted_thinking");
  if (content.length === message.content.length) return message;
  return { ...message, content: content.length > 0 ? content : [{ type: "text", text: "(thinking)" }] };
}

/** Says how many steps are missing, in place of an earlier note. */
function withNote(goal: ModelMessage, dropped: number): ModelMessage {
  const earlier = /^\[(\d+) earlier steps? left out/;
  const noted = goal.content.map((block) =>
    block.type === "text" ? earlier.exec(block.text)?.[1] : undefined
  );
  const total = dropped + noted.reduce((sum, count) => sum + Number(count ?? 0), 0);
  const note: ContentBlock = {
    type: "text",
    text: `[${total} earlier step${
      total === 1 ? "" : "s"
    } left out to save room. What was done is not undone.]`,
  };
  return { ...goal, content: [...goal.content.filter((_, at) => noted[at] === undefined), note] };
}

/** Cuts the longest tool results and texts of users until all fits; calls and their ids stay. */
function shorten(messages: readonly ModelMessage[], roomTokens: number): ModelMessage[] {
  let shortened = [...messages];
  for (let limit = 20_000; limit >= 100 && estimateTokens(shortened) > roomTokens; limit /= 2) {
    shortened = shortened.map((message) =>
      message.role === "user"
        ? { ...message, content: message.content.map((block) => cutBlock(block, limit)) }
        : message
    );
  }
  return shortened;
}

function cutBlock(block: ContentBlock, limit: number): ContentBlock {
  if (block.type === "text") return { ...block, text: cut(block.text, limit) };
  if (block.type !== "tool_result" || typeof block.content !== "string") return block;
  return { ...block, content: cut(block.content, limit) };
}

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const plain = text.endsWith(SHORTENED) ? text.slice(0, -SHORTENED.length) : text;
  return plain.slice(0, limit).toWellFormed() + SHORTENED;
}
