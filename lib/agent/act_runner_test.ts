import { deepEqual, equal, match } from "node:assert/strict";
import { capturedLog } from "../testing/captured_log.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { actRunner } from "./act_runner.ts";
import type { ActRow, AgentActs } from "./acts.ts";
import type { LoopTool } from "./loop/tools.ts";

/** A runner over acts that a test decides about. */
function started(due: () => Promise<ActRow[]>) {
  const clock = fakeClock();
  const performed: string[] = [];
  let asked = 0;
  const acts = {
    due: () => (asked++, due()),
    perform: (act: ActRow) => (performed.push(act.id), Promise.resolve({ status: "done" })),
  } as unknown as AgentActs;
  let looked = 0;
  const runner = actRunner(acts, () => (looked++, Promise.resolve(new Map<string, LoopTool>())), clock);
  const stop = new AbortController();
  const running = runner.run(stop.signal);
  return {
    clock,
    performed,
    runner,
    asked: () => asked,
    looked: () => looked,
    async end() {
      stop.abort();
      await running;
    },
  };
}

const act = (id: string) => ({ id, tool_name: "post" }) as ActRow;

Deno.test("it looks every 30 s and when it is woken, and makes tools only when there is something to do", async () => {
  const acts = started(() => Promise.resolve([]));
  await acts.clock.advance(60_000);
  equal(acts.asked(), 3);
  acts.runner.wake();
  await acts.clock.advance(0);
  deepEqual([acts.asked(), acts.looked()], [4, 0]);
  await acts.end();
});

Deno.test("all that is due is done, one after the other", async () => {
  const rounds = [[act("a"), act("b")], []];
  const acts = started(() => Promise.resolve(rounds.shift() ?? []));
  await acts.clock.advance(0);
  deepEqual(acts.performed, ["a", "b"]);
  await acts.end();
});

Deno.test("a database that is away is told, and asked again", async () => {
  await using log = capturedLog();
  let away = true;
  const acts = started(() => away ? Promise.reject(new Error("no connection")) : Promise.resolve([act("a")]));
  await acts.clock.advance(0);
  match(log.messages("agent.acts").join("\n"), /Cannot look after approved acts: no connection/);
  away = false;
  acts.runner.wake();
  await acts.clock.advance(0);
  deepEqual(acts.performed, ["a"]);
  await acts.end();
});
