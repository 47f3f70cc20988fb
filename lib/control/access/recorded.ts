/** Which requests the audit log tells of, and in which words. Pure. */
import { redactor } from "../../log/redaction.ts";
import { isChange } from "./scopes.ts";

/**
 * What people do through the database's own functions, as the commands do beside an embedded database. The rest of
 * /rest/v1 is what workers and agents do all the time.
 */
export const PEOPLES_FUNCTIONS: readonly string[] = [
  "actp_enqueue_tasks",
  "actp_cancel_task",
  "actp_cancel_task_within",
  "actp_cancel_execution",
  "actp_retry_task",
  "actp_retry_tasks",
  "actp_set_task_limit",
  "actp_pause_tasks",
  "actp_resume_tasks",
  "actp_decide_act",
  "actp_run_routine",
  "actp_switch_routine",
  "actp_enqueue_agent_task",
  "actp_cancel_agent_task",
  "actp_set_agent_needs_restart",
  "actp_pause_platform",
  "actp_resume_platform",
  "actp_open_dispute",
  "actp_vote_dispute",
  "actp_resolve_dispute",
  "actp_create_job_token",
  "actp_revoke_job_token",
  "actp_submit_job",
  "actp_cancel_job",
];

/** Whether a request is one that the log tells of, should it be let in. */
export function isRecorded(method: string, path: string): boolean {
  if (!isChange(method, path)) return false;
  if (path.startsWith("/rest/v1/")) return PEOPLES_FUNCTIONS.includes(path.slice("/rest/v1/rpc/".length));
  // Workers that claim and report there have tokens of their own, and are no persons.
  if (path.startsWith("/api/v1/")) return /^\/api\/v1\/jobs(\/[^/]+\/cancel)?$/.test(path);
  return true;
}

/** How much of a body is looked at for its summary, in bytes. */
export const SUMMARY_BYTES = 4_096;
const MAX_SUMMARY = 240;
const MAX_VALUE = 60;
const MAX_PATH = 200;

/** Makes summaries that tell none of these secrets. */
export function summarizer(secrets: readonly string[]): (body: Uint8Array, whole: boolean) => string {
  const { text, value } = redactor(secrets);
  return (body, whole) => {
    if (body.length === 0) return "";
    const raw = new TextDecoder().decode(body);
    if (!whole) return cut(`${SUMMARY_BYTES} bytes or more: ${shortText(text(raw))}`);
    try {
      return cut(inWords(value(JSON.parse(raw)), 0));
    } catch {
      return `${body.length} bytes that are no JSON`;
    }
  };
}

/** A path as it is kept: without its query, and not longer than it need be. */
export function shownPath(path: string): string {
  // deno-lint-ignore no-control-regex
  return path.replace(/[\x00-\x1f\x7f]/g, "?").slice(0, MAX_PATH);
}

/** `task_type=render input_data={3 fields}`: the fields with short values, the size of the rest. */
function inWords(value: unknown, depth: number): string {
  if (typeof value === "string") return depth === 0 ? shortText(value) : quoted(value);
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) {
    if (depth > 0 || value.length === 0) return `[${value.length} items]`;
    return `${value.length} items, the first: ${inWords(value[0], 0)}`;
  }
  const fields = Object.entries(value);
  if (depth > 0) return `{${fields.length} ${fields.length === 1 ? "field" : "fields"}}`;
  return fields.slice(0, 12).map(([name, item]) => `${name.slice(0, 40)}=${inWords(item, depth + 1)}`).join(
    " ",
  );
}

function quoted(text: string): string {
  const short = shortText(text).slice(0, MAX_VALUE);
  return /^[\w./:@+-]+$/.test(short) ? short : JSON.stringify(short);
}

function shortText(text: string): string {
  return text.replace(/\s+/g, " ").slice(0, MAX_SUMMARY);
}

function cut(text: string): string {
  return text.length > MAX_SUMMARY ? `${text.slice(0, MAX_SUMMARY - 1)}…` : text;
}
