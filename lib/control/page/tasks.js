// Tasks: by state, searched, page by page, each with what can be done about it.
import { ask } from "./api.js";
import { h } from "./dom.js";
import { count, duration, oneLine, shortId } from "./format.js";
import { onTask } from "./live.js";
import { newTask } from "./new_task.js";
import { bar, chip, empty, failure, plainButton, table, UNSEEN, when } from "./parts.js";
import { changed, state, withItem } from "./store.js";
import { loadTask, taskDetail } from "./task_detail.js";
import {
  cancelButton,
  isInProgress,
  placeOf,
  progressOf,
  remark,
  retryButton,
  secondsOf,
} from "./task_parts.js";

const STATUSES = ["pending", "claimed,running", "succeeded", "failed,timed_out", "cancelled"];
const NAMES = {
  "": "All",
  "pending": "Waiting",
  "claimed,running": "Running",
  "succeeded": "Succeeded",
  "failed,timed_out": "Failed",
  "cancelled": "Cancelled",
};
const PAGE = 50;
const TYPING_MS = 300;

let shown = { key: undefined, tasks: undefined, next: null, error: undefined };
/** The cursors of the pages before this one. */
let trail = [];
let reading = false;
let again = false;
let typing;

/** The view. */
export function tasks() {
  if (shown.key !== keyOf()) void load();
  return [toolbar(), list(), state.route.id && taskDetail(state.route.id)];
}

const filters = () => ({
  status: state.route.query.get("status") ?? "",
  q: state.route.query.get("q") ?? "",
  type: state.route.query.get("type") ?? "",
});
const keyOf = () => JSON.stringify([filters(), trail.at(-1)]);

/** Puts the filter into the address, where it can be kept and sent. */
function filter(change) {
  const query = new URLSearchParams(Object.entries({ ...filters(), ...change }).filter(([, value]) => value));
  trail = [];
  location.replace(`#/tasks${query.size > 0 ? `?${query}` : ""}`);
}

async function load() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const key = keyOf();
  const { status, q, type } = filters();
  const query = new URLSearchParams({ limit: PAGE });
  for (const [name, value] of Object.entries({ status, q, type, cursor: trail.at(-1) })) {
    if (value) query.set(name, value);
  }
  const before = shown;
  if (before.key !== key) shown = { ...before, key };
  try {
    const page = await ask("GET", `/tasks?${query}`);
    shown = { key, tasks: page.tasks, next: page.next_cursor, error: undefined };
  } catch (error) {
    if (error instanceof Error) throw error;
    shown = { ...shown, key, error: error.message };
  } finally {
    reading = false;
  }
  changed();
  if (again || key !== keyOf()) {
    again = false;
    void load();
  }
}

let waiting;

/** Those on show are changed in place; new ones and those that leave are found by asking, at most once a second. */
onTask((task, here) => {
  if (state.route.view !== "tasks") return;
  if (task && shown.tasks?.some(({ id }) => id === task.id)) shown.tasks = withItem(shown.tasks, task);
  if (here) void load();
  waiting ??= setTimeout(() => {
    waiting = undefined;
    void load();
  }, 1000);
  if (state.route.id && (!task || task.id === state.route.id)) void loadTask(state.route.id, task);
});

function toolbar() {
  const { status, q, type } = filters();
  const by = state.stats.hour?.by_status;
  const types = (state.stats.hour?.by_type ?? []).map(({ task_type }) => task_type);
  const counted = (value) => value && by && value.split(",").reduce((all, name) => all + (by[name] ?? 0), 0);
  return h(
    "div",
    { class: "toolbar", key: "toolbar" },
    h(
      "div",
      { class: "segments", role: "group", "aria-label": "State" },
      ["", ...STATUSES].map((value) =>
        h(
          "button",
          {
            type: "button",
            key: value || "all",
            "aria-pressed": String(sameSet(value, status)),
            onclick: () => filter({ status: value }),
          },
          NAMES[value],
          counted(value) > 0 && h("span", { class: "count" }, count(counted(value))),
        )
      ),
    ),
    h("input", {
      type: "search",
      class: "grow",
      "aria-label": "Search tasks",
      placeholder: "Search type, id, error, key",
      value: q,
      maxlength: 200,
      oninput: ({ target }) => {
        const { value } = target;
        clearTimeout(typing);
        typing = setTimeout(() => filter({ q: value.trim() }), TYPING_MS);
      },
    }),
    h(
      "select",
      { "aria-label": "Task type", onchange: ({ target }) => filter({ type: target.value }) },
      h("option", { value: "", selected: type === "" }, "Every type"),
      [...new Set([...type ? [type] : [], ...types, ...state.status?.capabilities ?? []])].sort().map((
        name,
      ) => h("option", { key: name, value: name, selected: name === type }, name)),
    ),
    plainButton("New task", () => newTask(), { class: "primary" }),
  );
}

function sameSet(a, b) {
  return a.split(",").sort().join() === b.split(",").sort().join();
}

function list() {
  const { tasks, error } = shown;
  if (error) return h("p", { class: "failure", role: "alert" }, error);
  if (!tasks) return h("div", { class: "card skeleton tall" });
  if (tasks.length === 0) return h("div", { class: "card" }, nothing());
  const head = [
    ["State"],
    ["Task"],
    ["What happens"],
    ["Attempt", { class: "number" }],
    ["Time", { class: "number" }],
    ["Added", { class: "number" }],
    UNSEEN,
  ];
  return h(
    "div",
    { key: "list" },
    h("div", { class: "card flush" }, table("Tasks", head, tasks.map(row))),
    h(
      "nav",
      { class: "row end pages", "aria-label": "Pages of tasks" },
      trail.length > 0 && h("span", { class: "quiet grow" }, `Page ${trail.length + 1}`),
      plainButton("Newer", () => turn(trail.slice(0, -1)), { disabled: trail.length === 0 }),
      plainButton("Older", () => turn([...trail, shown.next]), { disabled: !shown.next }),
    ),
  );
}

function turn(to) {
  trail = to;
  scrollTo({ top: 0 });
  changed();
}

function nothing() {
  const { status, q, type } = filters();
  if (status || q || type) {
    return [
      empty("No task matches."),
      plainButton("Show all tasks", () => filter({ status: "", q: "", type: "" })),
    ];
  }
  return empty("There are no tasks yet. Add one here or with ", "actp-worker enqueue TYPE --input '{…}'");
}

function row(task) {
  const runs = isInProgress(task);
  return [task.id, [
    chip(task.cancel_requested_at && runs ? "stopping" : task.status),
    [
      h("a", { href: addressOf(task.id), class: "strong" }, task.task_type),
      h("span", { class: "quiet mono id" }, shortId(task.id)),
    ],
    [
      runs && bar(`Progress of ${task.task_type}`, progressOf(task)),
      h(
        "span",
        { class: task.status === "failed" || task.status === "timed_out" ? "error" : "quiet" },
        oneLine(remark(task)),
      ),
      failure(placeOf(task, "list")),
    ],
    `${task.attempts} / ${task.max_attempts}`,
    task.status === "pending" ? "–" : duration(secondsOf(task)),
    when(task.created_at),
    [cancelButton(task, "list"), retryButton(task, "list")],
  ]];
}

function addressOf(id) {
  const { query } = state.route;
  return `#/tasks/${id}${query.size > 0 ? `?${query}` : ""}`;
}
