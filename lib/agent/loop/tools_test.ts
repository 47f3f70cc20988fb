import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { z } from "zod";
import { systemClock } from "../../clock.ts";
import { fakeClock } from "../../testing/fake_clock.ts";
import { type AgentTool, defineTool, type ToolContext } from "../agent.ts";
import { loopTool, MAX_RESULT_CHARS, runTool, toolsByName } from "./tools.ts";

const context = (signal = new AbortController().signal): ToolContext => ({
  agentId: "a",
  runId: "r",
  database: undefined as never,
  signal,
  log: getLogger(["actp", "test"]),
});
const tool = (run: AgentTool["run"], name = "t") =>
  loopTool(defineTool({
    name,
    description: "d",
    input: z.object({ count: z.int().min(1).default(3), word: z.string().optional() }),
    run: run as AgentTool<{ count: number; word?: string }>["run"],
  }));
const bounds = { clock: systemClock, timeoutMs: 1_000 };

Deno.test("the model is told the schema of what it gives, not of what comes out of it", () => {
  const { description } = tool(() => Promise.resolve());
  deepEqual(description.input_schema.required ?? [], []);
  equal(description.input_schema.type, "object");
  equal("$schema" in description.input_schema, false);
});

Deno.test("input is validated before the handler, and problems name the field", () => {
  const { parse } = tool(() => Promise.resolve());
  deepEqual(parse({}), { value: { count: 3 } });
  const { problem } = parse({ count: 0 }) as { problem: string };
  match(problem, /nothing was done: count: /);
});

Deno.test("a tool that takes no object is a mistake in the program", () => {
  const bad = defineTool({ name: "bad", description: "", input: z.string(), run: () => Promise.resolve() });
  throws(() => loopTool(bad), /the tool bad takes no object/);
});

Deno.test("two tools of one name are refused", () => {
  throws(
    () => toolsByName([tool(() => Promise.resolve()), tool(() => Promise.resolve())]),
    /two tools of the name t/,
  );
});

Deno.test("results are text for the model, cut where they are too long", async () => {
  const result = async (value: unknown) =>
    (await runTool(tool(() => Promise.resolve(value)), {}, context(), bounds)).content;
  equal(await result({ a: 1 }), '{"a":1}');
  equal(await result("plain"), "plain");
  equal(await result(undefined), "done");
  equal(await result(""), "(nothing)");
  match(await result("x".repeat(MAX_RESULT_CHARS + 5)), /… \[5 more characters left out; ask for less\]$/);
});

Deno.test("what a tool throws is told to the model", async () => {
  deepEqual(await runTool(tool(() => Promise.reject(new Error("no such niche"))), {}, context(), bounds), {
    content: "no such niche",
    failed: true,
  });
});

Deno.test("a tool that takes too long is given up, and its signal aborts", async () => {
  const clock = fakeClock();
  let stopped = false;
  const hanging = tool((_, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => (stopped = true, reject(signal.reason)))
    )
  );
  const running = runTool(hanging, {}, context(), { clock, timeoutMs: 5_000 });
  await clock.advance(5_000);
  deepEqual(await running, { content: "no answer within 5 s", failed: true });
  equal(stopped, true);
});

Deno.test("the end of the run ends its tools, and is no result", async () => {
  const stop = new AbortController();
  const running = runTool(tool(() => new Promise(() => {})), {}, context(stop.signal), bounds);
  stop.abort("released");
  await rejects(running, (reason) => reason === "released");
});
