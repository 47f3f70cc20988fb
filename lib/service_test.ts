import assert from "node:assert/strict";
import { aborted } from "./clock.ts";
import { runServices, type Service } from "./service.ts";
import { capturedLog } from "./testing/captured_log.ts";

function service(name: string, run: (signal: AbortSignal) => Promise<void>): Service {
  return { name, run };
}

Deno.test("services run until the signal aborts, and all are waited for", async () => {
  const stop = new AbortController();
  const ended: string[] = [];
  const lasting = (name: string, turns: number) =>
    service(name, async (signal) => {
      await aborted(signal);
      for (let i = 0; i < turns; i++) await Promise.resolve();
      ended.push(name);
    });
  const all = runServices([lasting("slow", 10), lasting("quick", 0)], stop.signal);
  stop.abort();
  await all;
  assert.deepEqual(ended, ["quick", "slow"]);
});

Deno.test("a service that fails stops the others; its error names it, and a later one is logged", async () => {
  await using log = capturedLog();
  const others = service("other", async (signal) => {
    await aborted(signal);
    throw new Error("stumbled on the way out");
  });
  const broken = service("broken", () => Promise.reject(new Error("out of luck")));
  await assert.rejects(runServices([others, broken], new AbortController().signal), {
    message: "broken failed: out of luck",
  });
  assert.deepEqual(log.messages("service"), ["other failed: stumbled on the way out"]);
});

Deno.test("a service that throws before its first await is caught too", async () => {
  const broken = service("broken", () => {
    throw new Error("at once");
  });
  await assert.rejects(runServices([broken], new AbortController().signal), {
    message: "broken failed: at once",
  });
});
