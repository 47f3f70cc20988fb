/**
 * A span for each task that this worker holds, from the claim to the queue's answer, and below it `claim`, `run` and
 * `settle`. It continues the trace that the task's input names.
 */
import type { Span } from "@opentelemetry/api";
import type { Clock } from "../clock.ts";
import type { QueueObserver } from "../queue/observer.ts";
import type { Task } from "../task/task.ts";
import { traceContextOf } from "../task/trace_context.ts";
import { known, SPAN_KIND, type Tracing } from "./tracing.ts";

/** The queues' part of the traces. */
export interface TaskSpans {
  readonly observer: QueueObserver;
  /** Ends what has not ended: it would not be sent. */
  close(): void;
}

interface Held {
  readonly task: Span;
  run?: Span;
  settle?: Span;
}

/** Outcomes may wait in the journal for as long as an outage lasts; beyond so many the oldest spans end before. */
const MAX_HELD = 10_000;

/** Makes them. */
export function taskSpans(tracing: Tracing, clock: Clock): TaskSpans {
  const held = new Map<string, Held>();

  function end(key: string, answer: string): void {
    const spans = held.get(key);
    if (!spans) return;
    held.delete(key);
    for (const span of [spans.run, spans.settle]) span?.end();
    spans.task.setAttribute("actp.task.settled", answer);
    spans.task.end();
  }

  return {
    observer: {
      claimed(source, tasks, { sentAt, answeredAt }) {
        for (const task of tasks) {
          const span = tracing.start(`task ${task.type}`, {
            parent: traceContextOf(task.input),
            kind: SPAN_KIND.consumer,
            startTime: sentAt,
            attributes: known({
              "actp.queue": source,
              "actp.task.id": task.id,
              "actp.task.type": task.type,
              "actp.task.attempt": task.attempt,
              "actp.task.execution_id": task.executionId,
            }),
          });
          tracing.start("claim", { parent: span, startTime: sentAt }).end(answeredAt);
          held.set(keyOf(source, task), { task: span });
        }
        for (const key of held.keys()) {
          if (held.size <= MAX_HELD) break;
          end(key, "unknown");
        }
      },
      attempt({ task, source }, work) {
        const spans = held.get(keyOf(source.name, task));
        if (!spans) return work();
        spans.run = tracing.start("run", { parent: spans.task });
        return tracing.within(spans.run, work);
      },
      ended({ task, source, stopReason }, outcome) {
        const key = keyOf(source.name, task);
        const spans = held.get(key);
        if (!spans) return;
        for (const span of [spans.task, spans.run]) {
          span?.setAttribute("actp.task.outcome", outcome.kind);
          if (span && "error" in outcome) tracing.fail(span, outcome.error);
        }
        spans.run?.end();
        spans.run = undefined;
        // Nobody wants that outcome any more.
        if (stopReason === "lost" && outcome.kind !== "done") end(key, "lost");
        else spans.settle = tracing.start("settle", { parent: spans.task, startTime: clock.now() });
      },
      settled(source, settlements, answers) {
        settlements.forEach(({ task }, i) => end(keyOf(source, task), answers[i] ?? "unknown"));
      },
    },
    close() {
      for (const key of [...held.keys()]) end(key, "unknown");
    },
  };
}

/** The journal knows claims by the same. */
function keyOf(source: string, { id, token }: Pick<Task, "id" | "token">): string {
  return `${source} ${id} ${token}`;
}
