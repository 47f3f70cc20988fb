import assert from "node:assert/strict";
import type { Database } from "../database/database.ts";
import { fakeClock } from "../testing/fake_clock.ts";
import { goalHints, passOn } from "./goal_hints.ts";

function recorder() {
  const woken: string[] = [];
  return { woken, wake: (id: string) => void woken.push(id), wakeAll: () => void woken.push("all") };
}

Deno.test("a hint about a goal wakes its agent, one about approvals wakes all, others none", () => {
  const agents = recorder();
  for (const payload of ["goals:content-agent", "approvals", "pending", "cancel:1"]) passOn(payload, agents);
  assert.deepEqual(agents.woken, ["content-agent", "all"]);
});

Deno.test("hints are listened for again after a failure, and no longer once it stops", async () => {
  const clock = fakeClock();
  const agents = recorder();
  let calls = 0;
  let listener: ((payload: string) => void) | undefined;
  const database = {
    listen: (_channel: string, notify: (payload: string) => void) => {
      if (++calls === 1) return Promise.reject(new Error("no route"));
      listener = notify;
      return Promise.resolve(() => Promise.resolve(void (listener = undefined)));
    },
  } as unknown as Database;
  const stop = new AbortController();
  const running = goalHints(database, agents, clock).run(stop.signal);
  await clock.advance(1000);
  listener!("goals:a");
  assert.deepEqual(agents.woken, ["all", "a"]);
  stop.abort();
  await running;
  assert.equal(listener, undefined);
  assert.equal(clock.pending(), 0);
});
