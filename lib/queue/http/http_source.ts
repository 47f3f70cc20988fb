/**
 * A task source on an HTTP queue of the plain kind (next → claim → complete or fail) that has neither leases nor
 * worker ids: what it claimed is remembered on this machine, and settled after a crash.
 */
import { logger } from "../../log.ts";
import { isExcepted } from "../../task/exception.ts";
import {
  type Heartbeat,
  type HeartbeatAnswer,
  type SettleAnswer,
  type Settlement,
  SourceError,
  type Task,
  type TaskSource,
} from "../../task/task.ts";
import { matchesPattern } from "../concurrency.ts";
import type { HeldItem, HeldItems } from "./held_items.ts";

/** What differs between such queues. All may throw SourceErrors. */
export interface HttpQueueProtocol {
  readonly name: string;
  /** Items that could be claimed now, best first; only those that it `takes`, at most `room`. Nothing is claimed. */
  next(takes: (task: Task) => boolean, room: number, signal: AbortSignal): Promise<Task[]>;
  /** False: somebody else has it, or it is gone. */
  claim(task: Task, signal: AbortSignal): Promise<boolean>;
  /** Reports an outcome; `lost` when the queue says that it is not ours any more. Repeating it does no harm. */
  settle(settlement: Settlement, signal: AbortSignal): Promise<SettleAnswer>;
  /** What the queue says of an item. */
  stateOf(task: Pick<Task, "id">, signal: AbortSignal): Promise<ItemState>;
}

/** `working`: claimed by somebody. `over`: done, failed for good, or gone. */
export type ItemState = "waiting" | "working" | "cancelled" | "over";

/** The source; `held` is its memory. */
export function httpSource(protocol: HttpQueueProtocol, held: HeldItems): TaskSource {
  const log = logger("queue");
  /** Claims whose answer was lost; looked at again with the next claim. */
  const doubtful = new Map<string, Task>();

  async function claimOne(task: Task, signal: AbortSignal): Promise<boolean> {
    await held.remember({ task, claimed: false });
    let granted: boolean;
    try {
      granted = await protocol.claim(task, signal);
    } catch (error) {
      if (error instanceof SourceError && !error.transient) await held.forget(task.id);
      else doubtful.set(task.id, task);
      throw error;
    }
    if (granted) await held.remember({ task, claimed: true });
    else await held.forget(task.id);
    return granted;
  }

  async function settleOne(settlement: Settlement, signal: AbortSignal): Promise<SettleAnswer> {
    const answer = await protocol.settle(settlement, signal);
    await held.forget(settlement.task.id);
    return answer;
  }

  return {
    name: protocol.name,
    async claim(types, room, signal, rooms, exceptions) {
      for (const task of doubtful.values()) await clear(task, signal);
      const mine: Task[] = [];
      const left = { ...rooms };
      const takes = (task: Task) => types.includes(task.type) && !isExcepted(exceptions, task);
      for (const task of await protocol.next(takes, room, signal)) {
        if (mine.length >= room || !takeRoom(left, task.type)) continue;
        try {
          if (await claimOne(task, signal)) mine.push(task);
        } catch (error) {
          // What has been claimed is begun; the poller asks again soon and learns of the outage then.
          if (mine.length === 0) throw error;
          break;
        }
      }
      return mine;
    },
    heartbeat: (beats: readonly Heartbeat[], signal: AbortSignal) =>
      Promise.all(beats.map(async ({ task }): Promise<HeartbeatAnswer> => {
        return await protocol.stateOf(task, signal) === "cancelled" ? "cancel" : "ok";
      })),
    async settle(settlements, signal) {
      const answers: SettleAnswer[] = [];
      for (const settlement of settlements) answers.push(await settleOne(settlement, signal));
      return answers;
    },
    async held() {
      return (await held.all()).items.filter(({ claimed }) => claimed).map(({ task }) => task);
    },
    async abandonHeld(signal) {
      const { items, damaged } = await held.all();
      for (const path of damaged) {
        log.error(
          `${path} is damaged: an item of ${protocol.name} may still count as being worked on; look there`,
        );
        await Deno.rename(path, `${path}.damaged`);
      }
      let given = 0;
      for (const item of items) if (await abandon(item, signal)) given++;
      return given;
    },
    async ping(signal) {
      await protocol.next(() => false, 0, signal);
    },
  };

  async function abandon({ task, claimed }: HeldItem, signal: AbortSignal): Promise<boolean> {
    if (!claimed) return await clear(task, signal);
    await giveBack(task, "the worker stopped in the middle of it", signal);
    return true;
  }

  /**
   * The queue may count the item as claimed, by nobody who knows of it: then it is given back. Another worker could
   * have claimed it only in the moment between our two requests.
   */
  async function clear(task: Task, signal: AbortSignal): Promise<boolean> {
    const working = await protocol.stateOf(task, signal) === "working";
    if (working) {
      log.warn(`gave item ${task.id} back to ${protocol.name}: the answer to its claim was lost`);
      await giveBack(task, "the answer to the claim was lost", signal);
    } else await held.forget(task.id);
    doubtful.delete(task.id);
    return working;
  }

  async function giveBack(task: Task, error: string, signal: AbortSignal): Promise<void> {
    await settleOne({ task, outcome: { kind: "failed", error, retry: true }, durationMs: 0 }, signal);
  }
}

/** Takes one place from every limit that the type falls under; false when one of them has none left. */
function takeRoom(rooms: Record<string, number>, type: string): boolean {
  const patterns = Object.keys(rooms).filter((pattern) => matchesPattern(pattern, type));
  if (patterns.some((pattern) => rooms[pattern]! <= 0)) return false;
  for (const pattern of patterns) rooms[pattern]!--;
  return true;
}
