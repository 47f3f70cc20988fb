/** Writes the audit log beside the requests: changes before they happen, with what they came to; refusals after. */
import type { Context, MiddlewareHandler } from "hono";
import type { GuardedEnv } from "../guard.ts";
import type { AuditLog } from "./audit.ts";
import { isRecorded, shownPath, SUMMARY_BYTES } from "./recorded.ts";

/** What the log is written with. */
export interface AuditOptions {
  readonly audit: AuditLog;
  /** Puts the beginning of a body into a few words; `whole`: it is all of it. */
  readonly summarize: (body: Uint8Array, whole: boolean) => string;
}

/**
 * Stands before the guard: notes who was refused, and what happens without passing all of the guard (signing in, the
 * jobs API). A summary of what was refused is not made: nothing of it was read.
 */
export function auditedAttempts({ audit }: AuditOptions): MiddlewareHandler<GuardedEnv> {
  return async (c, next) => {
    await next();
    if (c.get("audited")) return;
    const { status } = c.res;
    const note = { ...noteOf(c), status, summary: "" };
    if (status === 401 || status === 403) audit.refused({ ...note, summary: await reasonOf(c.res) });
    else if (status < 400 && isRecorded(c.req.method, c.req.path) && !c.get("caller")) {
      audit.begin({ ...note, caller: note.path === "/session" ? "dashboard" : "jobs API" });
    }
  };
}

/** Stands behind the guard: notes every change, before it is made and when it has been. */
export function auditedChanges({ audit, summarize }: AuditOptions): MiddlewareHandler<GuardedEnv> {
  return async (c, next) => {
    if (!isRecorded(c.req.method, c.req.path)) return await next();
    const { raw } = c.req;
    const body = raw.body && !raw.bodyUsed ? overheard(c) : undefined;
    const id = audit.begin({ ...noteOf(c), status: null, summary: "" });
    c.set("audited", true);
    try {
      await next();
    } finally {
      audit.end(id, c.res.status, body && summarize(body.bytes(), body.whole()));
    }
  };
}

function noteOf(c: Context<GuardedEnv>) {
  return { caller: c.get("caller") ?? "unknown", method: c.req.method, path: shownPath(c.req.path) };
}

/** Which of the guard's rules it was. */
async function reasonOf(response: Response): Promise<string> {
  try {
    const { error, code } = await response.clone().json();
    return `refused: ${error?.code ?? code}`;
  } catch {
    return "refused";
  }
}

/** Keeps the beginning of the body as the route reads it. */
function overheard(c: Context<GuardedEnv>): { bytes(): Uint8Array; whole(): boolean } {
  const kept = new Uint8Array(SUMMARY_BYTES);
  let length = 0;
  let size = 0;
  const listening = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const part = chunk.subarray(0, SUMMARY_BYTES - length);
      kept.set(part, length);
      length += part.length;
      size += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const { raw } = c.req;
  // With its end as a signal, and its headers; only the body comes by another way.
  c.req.raw = new Request(raw, { body: raw.body!.pipeThrough(listening) });
  return { bytes: () => kept.subarray(0, length), whole: () => size <= SUMMARY_BYTES };
}
