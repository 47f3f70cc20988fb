/** Does the acts that have been agreed to, whatever the agent is busy with. */
import type { Clock } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import { Wakeup } from "../wakeup.ts";
import type { AgentActs } from "./acts.ts";
import type { LoopTool } from "./loop/tools.ts";

/** How often it looks besides hints, in ms. */
const POLL_MS = 30_000;

/** A service that is woken when something may have been agreed to. */
export interface ActRunner extends Service {
  wake(): void;
}

/** One act after the other. `tools` is asked only when there is something to do. An act that has begun is not cut off. */
export function actRunner(
  acts: AgentActs,
  tools: () => Promise<ReadonlyMap<string, LoopTool>>,
  clock: Clock,
): ActRunner {
  const wakeup = new Wakeup();
  const log = logger("agent", "acts");
  const work = async (signal: AbortSignal) => {
    const due = await acts.due(signal);
    if (due.length === 0) return;
    const available = await tools();
    for (const act of due) {
      if (signal.aborted) return;
      await acts.perform(act, available.get(act.tool_name), new AbortController().signal);
    }
  };
  return {
    name: "approved acts",
    wake: () => wakeup.wake(),
    async run(signal) {
      while (!signal.aborted) {
        try {
          await work(signal);
        } catch (error) {
          if (signal.aborted) return;
          log.warn(`Cannot look after approved acts: ${(error as Error).message}`);
        }
        await wakeup.wait(POLL_MS, clock, signal);
      }
    },
  };
}
