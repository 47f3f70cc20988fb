import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { systemClock } from "../../clock.ts";
import { anthropicServer, type Turn } from "../../testing/anthropic_server.ts";
import { startTcpProxy } from "../../testing/tcp_proxy.ts";
import { instantClock } from "../../testing/instant_clock.ts";
import { anthropicModel } from "./anthropic.ts";
import { ModelError, type ModelRequest } from "./model.ts";

const REQUEST: ModelRequest = {
  model: "claude-haiku-5-5",
  system: [{ type: "text", text: "be short" }],
  tools: [{ name: "look", input_schema: { type: "object" } }],
  messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }],
  maxTokens: 100,
};

async function ask(script: readonly Turn[], options: { key?: string; signal?: AbortSignal } = {}) {
  await using api = anthropicServer(script);
  const clock = instantClock();
  const model = anthropicModel({ apiKey: options.key ?? api.key, baseUrl: api.url, clock });
  const text: string[] = [];
  const retries: string[] = [];
  const reply = await model.call(REQUEST, options.signal ?? new AbortController().signal, {
    text: (delta) => void text.push(delta),
    retry: (reason) => void retries.push(reason),
  });
  deepEqual(api.refused, []);
  return { reply, text, retries, slept: clock.slept, requests: api.requests };
}

Deno.test("an answer comes as it is written, with its tokens", async () => {
  const { reply, text } = await ask([{ say: "good day", outputTokens: 7 }]);
  equal(text.join(""), "good day");
  equal(text.length, 2);
  deepEqual([reply.stopReason, reply.use.output], ["end_turn", 7]);
  ok(reply.use.cacheWrite > 0);
});

Deno.test("tool calls and thinking come back as they are to be sent again", async () => {
  const { reply } = await ask([{ thinking: "hm", calls: [{ name: "look", input: { a: [1] } }] }]);
  equal(reply.stopReason, "tool_use");
  deepEqual(reply.content.map(({ type }) => type), ["thinking", "tool_use"]);
  deepEqual((reply.content[1] as { input: unknown }).input, { a: [1] });
});

Deno.test("a limit is waited for as long as it asks, and an overload some more", async () => {
  const { reply, slept, retries } = await ask([
    { status: 429, retryAfter: "7" },
    { status: 529 },
    { status: 500 },
    { say: "at last" },
  ]);
  equal(reply.stopReason, "end_turn");
  equal(slept[0], 7_000);
  equal(slept.length, 3);
  match(retries[0]!, /^Anthropic answered 429: rate_limit_error$/);
});

Deno.test("a stream that is cut is asked for again, and says that what came is void", async () => {
  const { reply, text, retries } = await ask([{ cutAfter: "half of" }, { say: "all of it" }]);
  equal(reply.content.length, 1);
  equal(text.join(""), "half ofall of it");
  equal(retries.length, 1);
});

Deno.test("a connection that is cut in the middle is made again", async () => {
  await using api = anthropicServer([{ hangAfter: "half of" }, { say: "all of it" }]);
  await using proxy = startTcpProxy(Number(new URL(api.url).port));
  const model = anthropicModel({
    apiKey: api.key,
    baseUrl: `http://127.0.0.1:${proxy.port}`,
    clock: instantClock(),
  });
  let cut = false;
  const reply = await model.call(REQUEST, new AbortController().signal, {
    text() {
      if (!cut) proxy.cut();
      cut = true;
    },
  });
  deepEqual(reply.content, [{ type: "text", text: "all of it" }]);
});

Deno.test("an overload in the middle of a stream is asked again", async () => {
  const { retries } = await ask([{ streamError: "overloaded_error" }, { say: "fine" }]);
  match(retries[0]!, /broke off with overloaded_error/);
});

Deno.test("after some tries it is given up, and may work later", async () => {
  await rejects(ask(Array(6).fill({ status: 529 })), (error) => {
    ok(error instanceof ModelError);
    deepEqual([error.status, error.transient], [529, true]);
    match(error.message, /^The model cannot be had: Anthropic answered 529/);
    return true;
  });
});

Deno.test("a wrong key is told at once with what to do, and without the key", async () => {
  await rejects(ask([], { key: "sk-wrong-key-123" }), (error) => {
    ok(error instanceof ModelError);
    equal(error.transient, false);
    match(error.message, /answered 401: invalid x-api-key \(check ANTHROPIC_API_KEY\)$/);
    ok(!error.message.includes("sk-wrong"));
    return true;
  });
});

Deno.test("an abort ends a call that hangs", async () => {
  await using api = anthropicServer([{ hang: true }]);
  const stop = new AbortController();
  const model = anthropicModel({ apiKey: api.key, baseUrl: api.url });
  const calling = model.call(REQUEST, stop.signal);
  while (api.requests.length === 0) await systemClock.sleep(5);
  stop.abort("released");
  await rejects(calling, (reason) => reason === "released");
});

Deno.test("an address where nobody answers is told, and may work later", async () => {
  const model = anthropicModel({ apiKey: "k", baseUrl: "http://127.0.0.1:9", clock: instantClock() });
  await rejects(model.call(REQUEST, new AbortController().signal), { name: "ModelError", transient: true });
});
