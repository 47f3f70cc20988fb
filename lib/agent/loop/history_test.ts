import { deepEqual, equal, match, ok } from "node:assert/strict";
import fc from "fast-check";
import { estimateTokens, trimHistory } from "./history.ts";
import type { ContentBlock, ModelMessage } from "./model.ts";

const goal: ModelMessage = { role: "user", content: [{ type: "text", text: "the goal" }] };

interface Step {
  readonly thinking: string | undefined;
  readonly text: string | undefined;
  readonly results: readonly string[];
  readonly paused: boolean;
}

const steps = fc.array(
  fc.record({
    thinking: fc.option(fc.string(), { nil: undefined }),
    text: fc.option(fc.string({ minLength: 1, maxLength: 200 }), { nil: undefined }),
    results: fc.array(fc.integer({ min: 0, max: 20_000 }).map((n) => "é".repeat(n)), {
      minLength: 1,
      maxLength: 4,
    }),
    paused: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25, size: "max" },
);

function conversation(steps: readonly Step[]): ModelMessage[] {
  return [
    goal,
    ...steps.flatMap(({ thinking, text, results, paused }, n): ModelMessage[] => {
      const calls = results.map((_, at): ContentBlock => ({
        type: "tool_use",
        id: `t${n}_${at}`,
        name: "tool",
        input: { n, at },
      }));
      const answers = results.map((content, at): ContentBlock => ({
        type: "tool_result",
        tool_use_id: `t${n}_${at}`,
        content,
      }));
      return [
        {
          role: "assistant",
          content: [
            ...thinking === undefined ? [] : [{ type: "thinking" as const, thinking, signature: `s${n}` }],
            ...text ? [{ type: "text" as const, text }] : [],
            ...calls,
          ],
        },
        {
          role: "user",
          content: [...answers, ...paused ? [{ type: "text" as const, text: "news ".repeat(50) }] : []],
        },
      ];
    }),
  ];
}

function ids(message: ModelMessage | undefined, type: "tool_use" | "tool_result"): string[] {
  return (message?.content ?? []).flatMap((block) =>
    block.type === "tool_use" && type === "tool_use"
      ? [block.id]
      : block.type === "tool_result" && type === "tool_result"
      ? [block.tool_use_id]
      : []
  );
}

Deno.test("whatever the conversation, what is kept fits, alternates, and leaves no call without its result", () => {
  let trimmed = 0;
  fc.assert(
    fc.property(steps, fc.integer({ min: 3_000, max: 30_000 }), (given, limit) => {
      const messages = conversation(given);
      const kept = trimHistory(messages, limit);
      ok(estimateTokens(kept) <= limit, `${estimateTokens(kept)} of ${limit}`);
      equal(kept[0]!.role, "user");
      match(JSON.stringify(kept[0]), /the goal/);
      for (const [at, message] of kept.entries()) {
        if (at > 0) ok(kept[at - 1]!.role !== message.role, "roles alternate");
        if (message.role === "assistant") {
          deepEqual(ids(message, "tool_use"), ids(kept[at + 1], "tool_result"));
        }
        if (message.role === "user") {
          deepEqual(ids(message, "tool_result"), ids(kept[at - 1], "tool_use"));
        }
      }
      if (kept !== messages) {
        trimmed++;
        ok(!JSON.stringify(kept).includes('"thinking"'), "thinking after a change is not valid any more");
        deepEqual(kept.at(-1)!.role, messages.at(-1)!.role);
      }
    }),
    { seed: 7, numRuns: 100 },
  );
  ok(trimmed > 50, `${trimmed} of 100 were trimmed`);
});

Deno.test("what is under the limit stays as it is, thinking included", () => {
  const messages = conversation([{ thinking: "hm", text: "a", results: ["b"], paused: false }]);
  equal(trimHistory(messages, 5_000), messages);
});

Deno.test("the goal says how many steps are missing, also after the second time", () => {
  const step = { thinking: undefined, text: "a", results: ["x".repeat(6_000)], paused: false };
  const once = trimHistory(conversation(Array(6).fill(step)), 8_000);
  const [first, second] = once[0]!.content;
  match((first as { text: string }).text, /the goal/);
  match((second as { text: string }).text, /^\[4 earlier steps left out/);
  const more = conversation(Array(6).fill(step)).slice(1);
  const twice = trimHistory([...once, ...more], 8_000);
  const notes = twice[0]!.content.filter((block) => JSON.stringify(block).includes("left out"));
  equal(notes.length, 1);
  match((notes[0] as { text: string }).text, /^\[10 earlier/);
});

Deno.test("much is left out at once, so that it is seldom done", () => {
  const step = { thinking: undefined, text: "a", results: ["x".repeat(3_000)], paused: false };
  let messages: readonly ModelMessage[] = conversation(Array(8).fill(step));
  let trims = 0;
  for (let n = 0; n < 20; n++) {
    const [, call, result] = conversation([step]);
    messages = [...messages, call!, result!];
    const trimmed = trimHistory(messages, 10_000);
    if (trimmed !== messages) trims++;
    messages = trimmed;
  }
  ok(trims >= 2 && trims <= 6, `${trims} times in 20 steps`);
});
