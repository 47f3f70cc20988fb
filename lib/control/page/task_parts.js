// What the views of tasks share: progress, and what a person can do about a task.
import { ask, said } from "./api.js";
import { confirm } from "./dialogs.js";
import { duration, relative, shorten, shortId } from "./format.js";
import { touched } from "./live.js";
import { button, plainButton } from "./parts.js";

/** In percent; undefined where it is not known. */
export function progressOf({ progress }) {
  const percent = progress?.percent;
  return typeof percent === "number" ? Math.min(100, Math.max(0, percent)) : undefined;
}

/** Percent, what it does, and how long it still takes. */
export function progressText(task) {
  const { message, remaining_seconds, remainingSeconds } = task.progress ?? {};
  const left = remaining_seconds ?? remainingSeconds;
  const percent = progressOf(task);
  return [
    task.cancel_requested_at && "being cancelled",
    percent !== undefined && `${Math.round(percent)} %`,
    message && shorten(message, 120),
    typeof left === "number" && `${duration(Math.ceil(left))} left`,
  ].filter(Boolean).join(" · ");
}

/** What is to be said of a task in one line. */
export function remark(task) {
  if (isInProgress(task)) return progressText(task) || "in progress";
  if (task.status !== "pending") return task.error ?? task.cancel_reason ?? "";
  const parts = [];
  if (Date.parse(task.run_at) > Date.now()) parts.push(`due ${relative(task.run_at)}`);
  if (task.attempts > 0) {
    parts.push(`attempt ${task.attempts} of ${task.max_attempts}${task.error ? `: ${task.error}` : ""}`);
  }
  return parts.join(" · ");
}

/** Claimed or running. */
export function isInProgress({ status }) {
  return status === "running" || status === "claimed";
}

/** How long it waits, runs or took, in seconds. */
export function secondsOf(task) {
  const start = task.started_at ?? task.claimed_at ?? task.created_at;
  return ((task.completed_at ? Date.parse(task.completed_at) : Date.now()) - Date.parse(start)) / 1000;
}

const name = (task) => `${task.task_type} ${shortId(task.id)}`;

/** Cancel, where there is something to cancel; `place` tells the buttons of one task apart. */
export function cancelButton(task, place) {
  if (task.cancel_requested_at) return undefined;
  const props = { "aria-label": `Cancel ${name(task)}` };
  if (task.status === "pending") {
    return button(placeOf(task, place), "Cancel", async () => {
      await change(task, "cancel", {});
      said(`${name(task)} is cancelled.`, () => change(task, "retry"));
    }, props);
  }
  if (!isInProgress(task)) return undefined;
  return plainButton("Cancel", () =>
    confirm({
      heading: `Cancel ${task.task_type}?`,
      text: "Its program is stopped within seconds, and what it has done so far is thrown away.",
      fields: [{ name: "reason", label: "Why", hint: "Kept with the task." }],
      yes: "Cancel the task",
      danger: true,
      work: async ({ reason }) => {
        await change(task, "cancel", reason ? { reason } : {});
        said(`${name(task)} is being cancelled.`);
      },
    }), props);
}

/** Retry, where the task has ended without success. */
export function retryButton(task, place) {
  if (!["failed", "timed_out", "cancelled"].includes(task.status)) return undefined;
  return button(placeOf(task, place), "Retry", async () => {
    await change(task, "retry");
    said(`${name(task)} waits again.`, () => change(task, "cancel", {}));
  }, { "aria-label": `Retry ${name(task)}` });
}

/** Where its failures are shown. */
export function placeOf(task, place) {
  return `${place} ${task.id}`;
}

async function change(task, word, body) {
  await ask("POST", `/tasks/${task.id}/${word}`, body);
  touched(task.id);
}
