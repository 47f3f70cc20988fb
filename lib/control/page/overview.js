// At a glance: is it well, what runs, what waits for a person.
import { agentLine } from "./agents.js";
import { actLine } from "./approvals.js";
import { taskCharts } from "./chart.js";
import { h } from "./dom.js";
import { count, duration, millis, relative, title } from "./format.js";
import { bar, card, chip, empty, segments, when } from "./parts.js";
import { nextRoutines } from "./schedule.js";
import { changed, since, state } from "./store.js";
import { cancelButton, progressOf, progressText } from "./task_parts.js";

let span = "hour";

/** The view. */
export function overview() {
  if (!state.status) {
    return [h("div", { class: "card skeleton tall" }), h("div", { class: "card skeleton tall" })];
  }
  return [
    hero(),
    alerts(),
    tiles(),
    charts(),
    h("div", { class: "columns" }, running(), waiting()),
    h("div", { class: "columns" }, agents(), routines()),
  ];
}

/** healthy, degraded, critical; draining while it stops; unreachable and so on where nothing can be known. */
export function overallState() {
  const { status } = state;
  if (state.signedOut) return "signed out";
  if (state.reachable === false) return "unreachable";
  if (!status) return "connecting";
  if (status.status === "draining") return "draining";
  return status.overall ?? (status.status === "online" ? "healthy" : "degraded");
}

const WORD_OF = {
  healthy: "All is well",
  degraded: "Needs a look",
  critical: "Not working",
  draining: "Stopping: what runs may finish",
  unreachable: "The worker does not answer",
};

function hero() {
  const { status } = state;
  const overall = overallState();
  const facts = [
    status.worker_id,
    `up ${duration(Math.round(status.uptime_seconds + since(status)))}`,
    status.database,
    `version ${status.version}`,
  ];
  return h(
    "section",
    { class: "card hero", key: "hero", "data-state": overall, "aria-labelledby": "hero-title" },
    h("span", { class: "lamp", "aria-hidden": "true" }),
    h(
      "div",
      { class: "hero-text" },
      h("h2", { id: "hero-title" }, WORD_OF[overall] ?? title(overall)),
      h("p", { class: "quiet dotted" }, facts.map((fact) => h("span", null, fact))),
      reasons(),
    ),
  );
}

/** Every reason with what to do about it. */
function reasons() {
  const { status } = state;
  const told = status.overall_reasons ?? status.reasons.map((message) => ({ message, severity: "degraded" }));
  const all = state.problem && !told.some(({ message }) => message.includes("unreachable"))
    ? [...told, { message: state.problem, severity: "degraded" }]
    : told;
  const own = state.reachable === false
    ? [{ message: "What you see is as it was last known.", severity: "critical", fix: "actp-worker status" }]
    : all;
  if (own.length === 0) return undefined;
  return h(
    "ul",
    { class: "reasons", "aria-label": "What is wrong" },
    own.map(({ message, fix, severity, code }) =>
      h(
        "li",
        { key: `${code} ${message}`, "data-severity": severity },
        h("span", null, message),
        fix && h("span", { class: "fix" }, fix),
      )
    ),
  );
}

/** What is told elsewhere on this view is not told twice. */
function alerts() {
  const reasons = new Set((state.status.overall_reasons ?? []).map(({ code }) => code));
  const told = (state.alerts ?? []).filter(({ kind }) => !reasons.has(kind) && kind !== "approvals_open");
  if (told.length === 0) return undefined;
  return card(
    "alerts",
    "Alerts",
    h("span", { class: "quiet" }, count(told.length)),
    h(
      "ul",
      { class: "list" },
      told.slice(0, 8).map(({ id, at, severity, message, details }) =>
        h(
          "li",
          { key: id, class: "line" },
          chip(severity),
          h(
            "span",
            { class: "grow" },
            message,
            details?.fix && h("span", { class: "fix below" }, details.fix),
          ),
          h("span", { class: "quiet" }, when(at)),
        )
      ),
    ),
  );
}

function tiles() {
  const { status } = state;
  const hour = state.stats.hour;
  const sum = (...names) =>
    hour?.buckets.reduce((all, bucket) => all + names.reduce((sum, name) => sum + (bucket[name] ?? 0), 0), 0);
  const inMinutes = (minutes, name) =>
    hour?.buckets.slice(-minutes).reduce((all, bucket) => all + (bucket[name] ?? 0), 0);
  const slowest = hour && Math.max(-1, ...hour.buckets.map((bucket) => bucket.run_ms_p95 ?? -1));
  const all = [
    [
      "Running",
      count(status.active_tasks),
      `of ${count(status.max_concurrent)} at once`,
      "#/tasks?status=claimed,running",
      status.active_tasks > 0 ? "accent" : "",
    ],
    hour && ["Waiting", count(hour.by_status.pending ?? 0), "in the queue", "#/tasks?status=pending"],
    hour &&
    [
      "Succeeded",
      count(sum("succeeded")),
      `${count(inMinutes(5, "succeeded"))} in the last 5 min`,
      "#/tasks?status=succeeded",
      sum("succeeded") > 0 ? "good" : "",
    ],
    hour &&
    [
      "Failed",
      count(sum("failed", "timed_out")),
      "in the last hour",
      "#/tasks?status=failed,timed_out",
      sum("failed", "timed_out") > 0 ? "bad" : "",
    ],
    hour && ["Run time", slowest < 0 ? "–" : millis(slowest), "95 %, worst minute", undefined],
    !hour && ["Done", count(status.tasks_completed), "in all"],
    !hour && ["Failed", count(status.tasks_failed), "in all"],
    status.unreported_outcomes > 0 &&
    ["Not yet reported", count(status.unreported_outcomes), "kept in the journal", undefined, "warn"],
  ].filter(Boolean);
  return h(
    "div",
    { class: "tiles", key: "tiles" },
    all.map(([name, figure, more, href, tone]) =>
      h(
        href ? "a" : "div",
        { class: "card tile", key: name, href, "data-tone": tone },
        h("span", { class: "tile-name" }, name),
        h("strong", null, figure),
        h("span", { class: "quiet" }, more),
      )
    ),
  );
}

function charts() {
  const stats = state.stats[span];
  if (stats === null) return undefined;
  const choose = (value) => {
    span = value;
    changed();
  };
  return h(
    "section",
    { class: "charts", key: "charts", "aria-label": "Throughput and latency" },
    h(
      "div",
      { class: "row" },
      h("h2", { class: "grow" }, "Activity"),
      segments("Time span", [["hour", "Hour"], ["day", "Day"]], span, choose),
    ),
    h(
      "div",
      { class: "columns" },
      stats
        ? taskCharts(stats)
        : [h("div", { class: "card skeleton tall" }), h("div", { class: "card skeleton tall" })],
    ),
  );
}

function running() {
  const tasks = [...state.running ?? []].sort((a, b) => (a.claimed_at ?? "") < (b.claimed_at ?? "") ? -1 : 1);
  return card(
    "running",
    "Running now",
    tasks.length > 0 && h("span", { class: "quiet" }, count(tasks.length)),
    tasks.length === 0
      ? empty("Nothing is running. Add a task: ", "actp-worker enqueue TYPE --input '{…}'")
      : h(
        "ul",
        { class: "list" },
        tasks.slice(0, 12).map((task) =>
          h(
            "li",
            { key: task.id, class: "running" },
            h("a", { href: `#/tasks/${task.id}`, class: "strong" }, task.task_type),
            h(
              "span",
              { class: "quiet number" },
              task.started_at ?? task.claimed_at
                ? duration((Date.now() - Date.parse(task.started_at ?? task.claimed_at)) / 1000)
                : "",
            ),
            cancelButton(task, "running"),
            bar(`Progress of ${task.task_type}`, progressOf(task)),
            h("span", { class: "quiet number wide" }, progressText(task)),
          )
        ),
      ),
  );
}

function waiting() {
  const open = state.approvals ?? [];
  if (state.approvals === null) return undefined;
  return card(
    "waiting",
    "Waits for you",
    open.length > 0 && h("a", { href: "#/approvals" }, `All ${count(open.length)}`),
    open.length === 0
      ? empty("Nothing waits for your word. What posts, messages or spends is shown here first.")
      : h("ul", { class: "list" }, open.slice(0, 5).map(actLine)),
  );
}

function agents() {
  if (state.agents === null) return undefined;
  const enabled = (state.agents ?? []).filter(({ enabled, status }) => enabled || status !== "stopped");
  return card(
    "agents",
    "Agents",
    h("a", { href: "#/agents" }, "All agents"),
    enabled.length === 0
      ? empty("No agent is enabled. Choose some: ", "actp-worker start --agents content,revenue")
      : h("ul", { class: "list" }, enabled.map(agentLine)),
  );
}

function routines() {
  if (state.jobs === null) return undefined;
  const next = nextRoutines(6);
  return card(
    "next",
    "Next routines",
    h("a", { href: "#/schedule" }, "Whole schedule"),
    next.length === 0 ? empty("No routine is due. See ", "actp-worker schedule list") : h(
      "ul",
      { class: "list" },
      next.map((job) =>
        h(
          "li",
          { key: job.id, class: "line" },
          h("a", { href: `#/schedule/${job.id}`, class: "grow strong" }, job.id),
          h(
            "span",
            { class: "quiet number" },
            h("time", { datetime: job.next_run_time }, relative(job.next_run_time)),
          ),
        )
      ),
    ),
  );
}
