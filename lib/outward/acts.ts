/**
 * The gate for outward acts: what posts, messages or spends is proposed, agreed to by a person (or by trust in its
 * queue), done once, and remembered. The rules are in the database (`actp_outward_acts`), where all workers share them.
 */
import { backoffDelay } from "../backoff.ts";
import { type Clock, within } from "../clock.ts";
import { type Database, DatabaseError } from "../database/database.ts";
import { logger } from "../log.ts";
import { type OutwardAct, type OutwardActs, ReleaseError, type Task, TaskError } from "../task/task.ts";
import { actDigest } from "./digest.ts";

/** What the gate knows besides the act. */
export interface GateOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly workerId: string;
  /** Names of the queues whose tasks need no approval. */
  readonly trusted: readonly string[];
  /** How long a proposal waits, in ms. */
  readonly expiresMs: number;
}

/** An act as `actp_request_act` tells of it. */
interface ActRow {
  readonly id: string;
  readonly status: "proposed" | "approved" | "rejected" | "expired" | "begun" | "done" | "uncertain";
  readonly result: unknown;
  readonly expires_at: string;
  readonly decided_by: string | null;
  readonly decision_reason: string | null;
}

const CALL_TIMEOUT_MS = 15_000;
/** When queues that cannot be told of the decision hand the task out again. */
const WAIT_MS = 60_000;
/** How often the end of an act is told to a database that does not answer. */
const END_TRIES = 5;

/** The gate of one attempt of a task of the queue `source`. */
export function outwardActs(
  options: GateOptions,
  source: string,
  task: Pick<Task, "id" | "token">,
  signal: AbortSignal,
): OutwardActs {
  const { database, clock } = options;
  const approved = new Map<string, string>();
  const call = async <T>(fn: string, args: Record<string, unknown>, until?: AbortSignal): Promise<T> => {
    try {
      return await within(clock, CALL_TIMEOUT_MS, until, (signal) => database.call<T>(fn, args, { signal }));
    } catch (error) {
      until?.throwIfAborted();
      throw error;
    }
  };
  /** Before the act nothing is lost by giving the task back: somebody asks again when the database answers. */
  const ready = async <T>(fn: string, args: Record<string, unknown>): Promise<T> => {
    try {
      return await call<T>(fn, args, signal);
    } catch (error) {
      if (error instanceof DatabaseError && !error.transient) throw error;
      signal.throwIfAborted();
      throw new ReleaseError(`Cannot ask for the approval: ${(error as Error).message}`, { cause: error });
    }
  };
  const request = async (act: OutwardAct): Promise<ActRow> => {
    const { alwaysAsk, ...shown } = act;
    const row = await ready<ActRow>("actp_request_act", {
      p_act: { ...shown, source, task_id: task.id, digest: actDigest(act), fence: task.token },
      p_worker_id: options.workerId,
      p_expires_seconds: options.expiresMs / 1000,
      p_trusted: !alwaysAsk && options.trusted.includes(source),
    });
    const refusal = refusalOf(row, act);
    if (refusal) throw refusal;
    approved.set(actDigest(act), row.id);
    return row;
  };

  return {
    async ask(act) {
      if (!approved.has(actDigest(act))) await request(act);
    },
    async perform<T>(act: OutwardAct, work: () => Promise<T>): Promise<T> {
      const row = await request(act);
      if (row.status === "done") return row.result as T;
      if (!await ready<boolean>("actp_begin_act", { p_id: row.id, p_fence: task.token })) {
        throw new ReleaseError("the approval changed while the act was being prepared");
      }
      const end = (done: boolean, told: Record<string, unknown>) =>
        tellEnd(
          clock,
          () => call("actp_end_act", { p_id: row.id, p_fence: task.token, p_done: done, ...told }),
        );
      let result: T;
      try {
        result = await work();
      } catch (error) {
        if (error instanceof TaskError && !error.uncertain) {
          await end(false, { p_error: error.message.slice(0, 4000) });
          throw error;
        }
        throw uncertain(act, row.id, error);
      }
      await end(true, { p_result: result ?? null });
      return result;
    },
  };
}

/** Why the act may not be done (now), if so. */
function refusalOf(row: ActRow, act: OutwardAct): Error | undefined {
  const said = row.decision_reason ? `: ${row.decision_reason}` : "";
  switch (row.status) {
    case "approved":
    case "begun": // by this very attempt
    case "done":
      return undefined;
    case "proposed":
      return new ReleaseError(
        `waits for approval ${row.id} until ${row.expires_at} (actp-worker approvals approve ${row.id}): ${act.summary}`,
        { delayMs: WAIT_MS },
      );
    case "rejected":
      return new TaskError(`rejected by ${row.decided_by ?? "a person"}${said} (approval ${row.id})`, {
        retry: false,
      });
    case "expired":
      return new TaskError(
        `nobody approved it before ${row.expires_at} (approval ${row.id}; retry the task to ask again)`,
        { retry: false },
      );
    case "uncertain":
      return uncertain(act, row.id, undefined);
  }
}

function uncertain(act: OutwardAct, id: string, cause: unknown): TaskError {
  const why = cause instanceof Error ? `${cause.message}; ` : "an earlier attempt broke off; ";
  const where = act.platform ? ` on ${act.platform}` : "";
  return new TaskError(
    `${why}it is not known whether it happened: look${where}, and if it did not, ` +
      `run \`actp-worker approvals approve ${id}\` and retry the task`,
    {
      retry: false,
      uncertain: true,
      cause,
      ...cause instanceof TaskError && cause.logTail ? { logTail: cause.logTail } : {},
    },
  );
}

/**
 * The act is over, whatever the database says now: tries a few times and goes on. What is not told leaves the act
 * begun, and then it is not done again without a person's word.
 */
async function tellEnd(clock: Clock, tell: () => Promise<unknown>): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      await tell();
      return;
    } catch (error) {
      if (tries === END_TRIES) {
        logger("outward").error(`Cannot record how an outward act ended: ${(error as Error).message}`);
        return;
      }
      await clock.sleep(backoffDelay(tries, { firstMs: 500, maxMs: 5000 }));
    }
  }
}
