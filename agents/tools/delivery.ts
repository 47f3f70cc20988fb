/** How an approved comment or message goes out: through the platform's local service, or as a task for a machine. */
import { z } from "zod";
import type { ToolContext } from "../../lib/agent/agent.ts";
import { TaskError } from "../../lib/task/task.ts";
import { clip } from "./fields.ts";
import { askService, type Service } from "./service.ts";
import { enqueueTask } from "./tasks.ts";

/** One way out. */
export type Route = { readonly via: "service"; readonly service: Service } | {
  readonly via: "task";
  readonly type: string;
};

/** What is sent. */
export interface Delivery {
  /** For messages: `comment on tiktok`. */
  readonly purpose: string;
  /** The service's route and body. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The task's input, where it goes that way. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** A browser types it. */
const SEND_TIMEOUT_MS = 120_000;

/** What came of it: the service's own words, or the task that does it. */
export type Delivered = { readonly sent: true; readonly answer: Record<string, unknown> } | {
  readonly sent: false;
  readonly task_id: string;
};

/**
 * Sends it once. A service that answers without `success: true` has not done it.
 * @throws ServiceError, or a TaskError where the service says that it did not work
 */
export async function deliver(route: Route, delivery: Delivery, context: ToolContext): Promise<Delivered> {
  if (route.via === "task") {
    const { type } = route;
    const idempotencyKey = await keyOf(context.runId, type, delivery.input);
    // The key makes it safe to try again: there is one task, however often it is put in.
    const task_id = await enqueueTask(context, { type, input: delivery.input, idempotencyKey }).catch(
      (error) => {
        throw new TaskError(`Cannot ${delivery.purpose}: ${error.message}`, { retry: true, cause: error });
      },
    );
    return { sent: false, task_id };
  }
  const { body } = await askService(route.service, {
    method: "POST",
    path: delivery.path,
    body: delivery.body,
    purpose: delivery.purpose,
    signal: context.signal,
    timeoutMs: SEND_TIMEOUT_MS,
  });
  const answer = z.record(z.string(), z.unknown()).safeParse(body);
  if (!answer.success || typeof answer.data.success !== "boolean") {
    throw new Error(`Cannot ${delivery.purpose}: ${route.service.name} did not say whether it worked`);
  }
  if (!answer.data.success) {
    const why = clip(String(answer.data.error ?? "it gave no reason"), 300);
    throw new TaskError(`Cannot ${delivery.purpose}: ${route.service.name} said ${why}`, { retry: true });
  }
  return { sent: true, answer: plain(answer.data) };
}

/** The same for the same thing in the same run. */
async function keyOf(runId: string, type: string, input: object): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([type, input]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `agent-act:${runId}:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** The parts of an answer that are worth keeping. */
function plain(answer: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(answer).slice(0, 20).filter(([, value]) =>
      ["string", "number", "boolean"].includes(typeof value)
    ).map(([name, value]) => [name, typeof value === "string" ? clip(value, 300) : value]),
  );
}
