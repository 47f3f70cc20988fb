/** What is told of a queue's work as it happens: metrics, traces and events are made of it. */
import type { HeartbeatAnswer, Outcome, SettleAnswer, Settlement, Task } from "../task/task.ts";
import type { RunningTask } from "./running.ts";

/** When a claim was sent and answered, in wall-clock ms since the epoch. */
export interface ClaimTiming {
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** Listens to the queues of a worker. `source` is a queue's name. Nothing here may throw or take long. */
export interface QueueObserver {
  /** A claim was answered, perhaps with nothing. */
  claimed?(source: string, tasks: readonly Task[], timing: ClaimTiming): void;
  /** A claim had no answer. */
  claimFailed?(source: string): void;
  /** Does the work of an attempt, for whoever wants to stand around it. */
  attempt?<T>(running: RunningTask, work: () => Promise<T>): Promise<T>;
  /** An attempt has told how far it is. */
  progressed?(running: RunningTask): void;
  /** An attempt is over; its outcome is yet to be reported. */
  ended?(running: RunningTask, outcome: Outcome): void;
  /** The queue answered to outcomes, in the order of `settlements`. */
  settled?(source: string, settlements: readonly Settlement[], answers: readonly SettleAnswer[]): void;
  /** Outcomes could not be reported, and will be again. */
  settleFailed?(source: string): void;
  /** Leases were asked for, with these answers. */
  renewed?(source: string, answers: readonly HeartbeatAnswer[]): void;
  /** So many leases were asked for without an answer. */
  renewalFailed?(source: string, leases: number): void;
  /** A task in progress is stopped: its lease has passed on or run out. */
  leaseLost?(source: string): void;
}

/** Several listeners as one; the first stands outermost around attempts. */
export function together(observers: readonly QueueObserver[]): QueueObserver {
  const tell = (to: (observer: QueueObserver) => void) => observers.forEach(to);
  return {
    claimed: (...told) => tell((observer) => observer.claimed?.(...told)),
    claimFailed: (...told) => tell((observer) => observer.claimFailed?.(...told)),
    attempt: (running, work) =>
      observers.reduceRight(
        (inner, observer) => () => observer.attempt?.(running, inner) ?? inner(),
        work,
      )(),
    progressed: (...told) => tell((observer) => observer.progressed?.(...told)),
    ended: (...told) => tell((observer) => observer.ended?.(...told)),
    settled: (...told) => tell((observer) => observer.settled?.(...told)),
    settleFailed: (...told) => tell((observer) => observer.settleFailed?.(...told)),
    renewed: (...told) => tell((observer) => observer.renewed?.(...told)),
    renewalFailed: (...told) => tell((observer) => observer.renewalFailed?.(...told)),
    leaseLost: (...told) => tell((observer) => observer.leaseLost?.(...told)),
  };
}
