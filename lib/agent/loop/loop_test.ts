import { deepEqual, equal, match, ok } from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { z } from "zod";
import { systemClock } from "../../clock.ts";
import { anthropicServer, type Turn } from "../../testing/anthropic_server.ts";
import type { MessagesRequest } from "../../testing/anthropic_schema.ts";
import { instantClock } from "../../testing/instant_clock.ts";
import { type AgentTool, defineTool } from "../agent.ts";
import { priceOf } from "../prices.ts";
import { anthropicModel } from "./anthropic.ts";
import type { RunEvent } from "./events.ts";
import type { CallLeave, EndedCall, EndedToolCall, RunLedger } from "./ledger.ts";
import { type LoopOptions, runLoop } from "./loop.ts";
import { MeteredModel } from "./metered.ts";
import { loopTool, runTool, toolsByName } from "./tools.ts";

const MODEL = "claude-sonnet-5-5";

const add = defineTool({
  name: "add",
  description: "adds",
  input: z.object({ a: z.number(), b: z.number() }),
  run: ({ a, b }) => Promise.resolve(a + b),
});
const failing = defineTool({
  name: "failing",
  description: "fails",
  input: z.object({}),
  run: () => Promise.reject(new Error("it is broken")),
});

interface Setting {
  readonly script: readonly Turn[] | ((request: MessagesRequest, nth: number) => Turn);
  readonly tools?: readonly AgentTool[];
  readonly leave?: (nth: number) => Partial<CallLeave>;
  readonly options?: Partial<LoopOptions>;
}

/** Runs a goal against the stand-in, with a ledger in memory. */
async function run({ script, tools = [add, failing], leave, options }: Setting) {
  await using api = anthropicServer(script);
  const clock = instantClock();
  const signal = options?.signal ?? new AbortController().signal;
  const calls: EndedCall[] = [];
  const toolCalls: EndedToolCall[] = [];
  const events: RunEvent[] = [];
  let begun = 0;
  const onEvent = (event: RunEvent) => void events.push(event);
  const ledger: RunLedger = {
    beginModelCall: () =>
      Promise.resolve(
        { allowed: true, callId: `${++begun}`, leftUsd: undefined, ...leave?.(begun) } as CallLeave,
      ),
    endModelCall: (call) => Promise.resolve(void calls.push(call)),
    toolCall: (call) => Promise.resolve(void toolCalls.push(call)),
  };
  const model = anthropicModel({ apiKey: api.key, baseUrl: api.url, clock });
  const outcome = await runLoop({
    meter: new MeteredModel({ model, ledger, clock, onEvent }),
    modelName: MODEL,
    price: priceOf(MODEL).price,
    systemPrompt: "You add numbers.",
    tools: toolsByName(tools.map(loopTool)),
    opening: ["Your goal: add 1 and 2"],
    callTool: (tool, input) =>
      runTool(tool, input, {
        agentId: "a",
        runId: "r",
        database: undefined as never,
        signal,
        log: getLogger(["actp", "test"]),
      }, { clock: systemClock, timeoutMs: 60_000 }),
    explain: (error) => ({ stop: "error", error: String(error), retry: true }),
    ledger,
    maxIterations: 20,
    historyTokens: 50_000,
    signal,
    clock,
    onEvent,
    ...options,
  });
  deepEqual(api.refused, []);
  return { outcome, requests: api.requests, calls, toolCalls, events };
}

const call = (a: number, b = 0) => ({ name: "add", input: { a, b } });

Deno.test("a goal goes to the model, its calls are done, and its answer is the outcome", async () => {
  const { outcome, requests, toolCalls, calls } = await run({
    script: [{ say: "I add.", calls: [call(1, 2)] }, { say: "It is 3." }],
  });
  deepEqual([outcome.stop, outcome.text, outcome.iterations, outcome.toolsUsed], [
    "end_turn",
    "It is 3.",
    2,
    ["add"],
  ]);
  deepEqual(toolCalls.map(({ tool, result, failed }) => [tool, result, failed]), [["add", "3", false]]);
  const last = requests[1]!.messages.at(-1)!;
  deepEqual(last.content.map((block) => [block.type, (block as { content?: string }).content]), [[
    "tool_result",
    "3",
  ]]);
  equal(calls.length, 2);
  ok(outcome.costUsd > 0 && Math.abs(outcome.costUsd - calls[0]!.costUsd - calls[1]!.costUsd) < 1e-9);
});

Deno.test("calls of one answer run in parallel, a bounded number at once, and their results keep their order", async () => {
  let running = 0;
  let most = 0;
  const slow = defineTool({
    name: "slow",
    description: "",
    input: z.object({ n: z.number() }),
    async run({ n }) {
      most = Math.max(most, ++running);
      await systemClock.sleep(20 - n);
      running--;
      return n;
    },
  });
  const calls = Array.from({ length: 9 }, (_, n) => ({ name: "slow", input: { n } }));
  const { requests } = await run({ script: [{ calls }, { say: "done" }], tools: [slow] });
  equal(most, 4);
  deepEqual(
    requests[1]!.messages.at(-1)!.content.map((block) => (block as { content: string }).content),
    calls.map(({ input }) => `${input.n}`),
  );
});

Deno.test("what goes wrong in a call is told to the model, and the run goes on", async () => {
  const { outcome, requests, toolCalls } = await run({
    script: [{
      calls: [{ name: "add", input: { a: "x" } }, { name: "failing", input: {} }, {
        name: "none",
        input: {},
      }],
    }, { say: "I see." }],
  });
  equal(outcome.stop, "end_turn");
  deepEqual(toolCalls.map(({ failed }) => failed), [true, true, true]);
  const results = requests[1]!.messages.at(-1)!.content as { content: string; is_error: boolean }[];
  match(results[0]!.content, /^The input is not valid, nothing was done: a: .*; b: /);
  equal(results[1]!.content, "it is broken");
  equal(results[2]!.content, "There is no tool none.");
  ok(results.every(({ is_error }) => is_error));
});

Deno.test("a loop without an end is stopped after so many calls of the model", async () => {
  const { outcome, requests } = await run({
    script: (_, nth) => ({ calls: [call(nth)] }),
    options: { maxIterations: 5 },
  });
  deepEqual([outcome.stop, requests.length], ["max_iterations", 5]);
  match(outcome.error!, /^stopped after 5 calls/);
});

Deno.test("the same call three times in a row stops the run, and is not made the third time", async () => {
  const { outcome, toolCalls } = await run({ script: () => ({ calls: [call(1)] }) });
  equal(outcome.stop, "repeated_call");
  equal(toolCalls.length, 2);
  match(outcome.error!, /\(add\)/);
});

Deno.test("a refusal ends the run with its reason, and nothing of it is done", async () => {
  const { outcome, toolCalls } = await run({
    script: [{ refusal: "that is not allowed", calls: [call(1)], stop: "refusal" }],
  });
  deepEqual([outcome.stop, outcome.error], ["refusal", "the model refused: that is not allowed"]);
  equal(toolCalls.length, 0);
});

Deno.test("an answer that is cut off goes on, but not for ever", async () => {
  const cut = { say: "a long", stop: "max_tokens" };
  const { outcome } = await run({ script: [cut, { say: "the rest" }] });
  deepEqual([outcome.stop, outcome.text], ["end_turn", "the rest"]);
  const { outcome: never, requests } = await run({ script: () => cut });
  deepEqual([never.stop, requests.length], ["max_tokens", 3]);
});

Deno.test("a call that is cut off in the middle is not made", async () => {
  const { outcome, toolCalls, requests } = await run({
    script: [{ calls: [call(1), call(2)], cutInput: true, stop: "max_tokens" }, { say: "shorter" }],
  });
  equal(outcome.stop, "end_turn");
  equal(toolCalls.length, 0);
  match(JSON.stringify(requests[1]!.messages.at(-1)), /cut off at its longest before this call was complete/);
});

Deno.test("a turn that pauses is sent back as it is", async () => {
  const { outcome, requests } = await run({
    script: [{ say: "one moment", stop: "pause_turn" }, { say: "now" }],
  });
  equal(outcome.text, "now");
  deepEqual(requests[1]!.messages.map(({ role }) => role), ["user", "assistant"]);
});

Deno.test("at the limit of a budget the run stops and says so, before the call", async () => {
  const { outcome, requests } = await run({
    script: () => ({ calls: [call(1)] }),
    leave: (nth) => nth > 1 ? { allowed: false, why: "the budget of this run is used up" } : {},
  });
  deepEqual([outcome.stop, outcome.error, requests.length], [
    "budget",
    "the budget of this run is used up",
    1,
  ]);
});

Deno.test("an answer may be no longer than what is left can pay for", async () => {
  const { requests } = await run({ script: [{ say: "ok" }], leave: () => ({ leftUsd: 0.05 }) });
  const { max_tokens } = requests[0]!;
  ok(max_tokens < 5_000 && max_tokens > 1_024, `${max_tokens}`);
});

Deno.test("news come with the results of the next calls", async () => {
  const { requests } = await run({
    script: [{ calls: [call(1)] }, { say: "good" }],
    options: { news: () => Promise.resolve(["News: approved"]) },
  });
  deepEqual(requests[1]!.messages.at(-1)!.content.map(({ type }) => type), ["tool_result", "text"]);
});

Deno.test("a long conversation is shortened, and thinking that is not valid any more is not sent", async () => {
  const long = defineTool({
    name: "long",
    description: "",
    input: z.object({ n: z.number() }),
    run: () => Promise.resolve("word ".repeat(2_000)),
  });
  const { outcome, requests } = await run({
    // The stand-in refuses thinking whose prefix has changed.
    script: (_, nth) =>
      nth < 15 ? { thinking: `step ${nth}`, calls: [{ name: "long", input: { n: nth } }] } : { say: "done" },
    tools: [long],
    options: { historyTokens: 12_000 },
  });
  equal(outcome.stop, "end_turn");
  ok(requests.every((request) => JSON.stringify(request.messages).length < 12_000 * 3));
  match(JSON.stringify(requests.at(-1)), /earlier steps left out/);
  ok(requests.some((request) => JSON.stringify(request).includes('"thinking"')));
});

Deno.test("each call reads from the cache what the one before has written", async () => {
  const { calls } = await run({ script: [{ calls: [call(1)] }, { calls: [call(2)] }, { say: "done" }] });
  deepEqual(calls.map(({ use }) => use.cacheRead > 0), [false, true, true]);
});

Deno.test("what happens is shown as it happens", async () => {
  const { events } = await run({
    script: [{ say: "I add.", calls: [call(1, 2)] }, { status: 529 }, { say: "3" }],
  });
  deepEqual(events.map(({ type }) => type), [
    "text",
    "text",
    "model_call",
    "tool_call",
    "tool_result",
    "retry",
    "text",
    "model_call",
  ]);
});

Deno.test("an error keeps what the run has done so far", async () => {
  const { outcome, calls } = await run({ script: [{ say: "first", calls: [call(1)] }, { status: 400 }] });
  deepEqual([outcome.stop, outcome.text, outcome.iterations, outcome.toolsUsed], [
    "error",
    "first",
    2,
    ["add"],
  ]);
  deepEqual(calls.map(({ status }) => status), ["done", "failed"]);
});
