// Everything about one task.
import { ask } from "./api.js";
import { h } from "./dom.js";
import { duration, millis, words } from "./format.js";
import { bar, block, chip, facts, failure, part, when } from "./parts.js";
import { changed } from "./store.js";
import { panel } from "./panel.js";
import {
  cancelButton,
  isInProgress,
  placeOf,
  progressOf,
  progressText,
  retryButton,
  secondsOf,
} from "./task_parts.js";

let shown = { id: undefined, task: undefined, log: undefined, error: undefined };
let reading = false;
let again = false;

/** Reads it, once at a time; `news` is what an event has just told. */
export async function loadTask(id, news) {
  if (shown.id === id && shown.task && news) shown.task = { ...shown.task, ...news };
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  if (shown.id !== id) shown = { id };
  try {
    const [task, log] = await Promise.all([
      ask("GET", `/tasks/${id}`),
      ask("GET", `/tasks/${id}/log`).catch(() => undefined),
    ]);
    if (shown.id === id) shown = { id, task, log: log?.lines };
  } catch (error) {
    if (error instanceof Error) throw error;
    if (shown.id === id) shown = { ...shown, error: error.message };
  } finally {
    reading = false;
  }
  changed();
  if (again) {
    again = false;
    void loadTask(shown.id);
  }
}

/** The panel of a task. */
export function taskDetail(id) {
  if (shown.id !== id) void loadTask(id);
  const { task, error } = shown.id === id ? shown : {};
  if (error && !task) return panel("Task", [h("p", { class: "failure", role: "alert" }, error)]);
  if (!task) return panel("Task", [h("div", { class: "skeleton tall" })]);
  return panel(
    task.task_type,
    [
      isInProgress(task) &&
      part(
        "Progress",
        bar(`Progress of ${task.task_type}`, progressOf(task)),
        h("p", { class: "quiet number" }, progressText(task) || "It has not said how far it is."),
      ),
      task.error && part("Error", h("p", { class: "error" }, task.error)),
      about(task),
      part("Input", block("Input", task.input_data)),
      task.output_data !== null && part("Output", block("Output", task.output_data)),
      attempts(task),
      log(task),
    ],
    [
      chip(task.cancel_requested_at && isInProgress(task) ? "stopping" : task.status),
      cancelButton(task, "detail"),
      retryButton(task, "detail"),
      failure(placeOf(task, "detail")),
    ],
  );
}

function about(task) {
  return part(
    "About",
    facts([
      ["Id", h("span", { class: "mono" }, task.id)],
      ["Attempts", `${task.attempts} of ${task.max_attempts}`],
      ["Priority", String(task.priority)],
      ["Worker", task.claimed_by],
      ["Added", when(task.created_at)],
      task.status === "pending" && ["Due", when(task.run_at)],
      task.claimed_at && [task.completed_at ? "Took" : "Runs for", duration(secondsOf(task))],
      task.completed_at && ["Ended", when(task.completed_at)],
      task.timeout_minutes && ["Time limit", `${task.timeout_minutes} min`],
      task.idempotency_key && ["Idempotency key", h("span", { class: "mono" }, task.idempotency_key)],
      task.execution_id && ["Execution", h("span", { class: "mono" }, task.execution_id)],
      task.cancel_reason && ["Cancelled because", task.cancel_reason],
      task.reward && ["Reward", `${task.reward} ${task.currency ?? ""}`],
      task.deadline && ["Deadline", when(task.deadline)],
    ]),
  );
}

function attempts({ history = [] }) {
  if (history.length === 0) return undefined;
  return part(
    "Attempts that did not succeed",
    h(
      "ol",
      { class: "list attempts" },
      history.map((attempt, index) =>
        h(
          "li",
          { key: attempt.token ?? index },
          h(
            "div",
            { class: "row" },
            h("span", { class: "strong" }, `Attempt ${attempt.attempt}`),
            chip(attempt.outcome),
            h(
              "span",
              { class: "quiet number grow" },
              [attempt.duration_ms !== null && millis(attempt.duration_ms), attempt.worker_id].filter(Boolean)
                .join(" · "),
            ),
            h("span", { class: "quiet" }, when(attempt.ended_at)),
          ),
          attempt.error && h("p", { class: "error" }, attempt.error),
          attempt.log_tail && block(`Log of attempt ${attempt.attempt}`, attempt.log_tail),
          attempt.late_report &&
            h(
              "p",
              { class: "quiet" },
              `Refused: ${attempt.late_report.worker_id} reported ${
                words(attempt.late_report.outcome)
              } after it had lost the task.`,
            ),
        )
      ),
    ),
  );
}

/** The attempts show their own tails: what says no more than they is left out. */
function log({ history = [] }) {
  const lines = shown.log ?? [];
  const tails = history.map(({ log_tail }) => log_tail ?? "").join("\n");
  if (lines.every((line) => tails.includes(line.replace(/^attempt \d+: /, "")))) return undefined;
  return part("Log, its end", block("Log", lines.join("\n")));
}
