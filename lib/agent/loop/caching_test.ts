import { deepEqual, equal } from "node:assert/strict";
import { withCacheMarks } from "./caching.ts";
import type { ModelMessage, ModelRequest } from "./model.ts";

const user = (text: string): ModelMessage => ({ role: "user", content: [{ type: "text", text }] });
const assistant = (text: string): ModelMessage => ({ role: "assistant", content: [{ type: "text", text }] });
const REQUEST: ModelRequest = {
  model: "m",
  maxTokens: 10,
  system: [{ type: "text", text: "system" }],
  tools: [
    { name: "a", input_schema: { type: "object" } },
    { name: "b", input_schema: { type: "object" } },
  ],
  messages: [user("1"), assistant("2"), user("3"), assistant("4"), user("5")],
};

Deno.test("tools, system prompt and the last two turns of the user are marked, and nothing else", () => {
  const before = JSON.stringify(REQUEST);
  const marked = withCacheMarks(REQUEST);
  const has = (block: object) => "cache_control" in block;
  deepEqual(marked.tools.map(has), [false, true]);
  deepEqual(marked.system.map(has), [true]);
  deepEqual(marked.messages.map(({ content }) => has(content.at(-1)!)), [false, false, true, false, true]);
  equal(JSON.stringify(REQUEST), before);
});

Deno.test("a request without tools has no mark for them", () => {
  deepEqual(withCacheMarks({ ...REQUEST, tools: [] }).tools, []);
});
