// Routines: when they fire, how they fared; run now, switched on and off.
import { ask, said } from "./api.js";
import { h } from "./dom.js";
import { count, duration, oneLine, schedule as scheduleText } from "./format.js";
import { panel } from "./panel.js";
import { button, chip, empty, facts, failure, part, table, UNSEEN, when } from "./parts.js";
import { changed, state, withItem } from "./store.js";

const AGAIN_MS = 5000;
let shown = { id: undefined, runs: undefined, readAt: 0 };

/** The view. */
export function schedule() {
  const { jobs, route } = state;
  if (jobs === null) return h("div", { class: "card" }, empty("This worker fires no routines."));
  if (!jobs) return h("div", { class: "card skeleton tall" });
  if (jobs.length === 0) {
    return h(
      "div",
      { class: "card" },
      empty("There are no routines. Declare some in config.json; see ", "actp-worker schedule --help"),
    );
  }
  const head = [
    ["State"],
    ["Routine"],
    ["When"],
    ["Next"],
    ["Last run"],
    ["Runs", { class: "number" }],
    UNSEEN,
  ];
  return [
    h("div", { class: "card flush", key: "jobs" }, table("Routines", head, [...jobs].sort(byNext).map(row))),
    route.id && detail(route.id),
  ];
}

const byNext = (a, b) => (a.next_run_time ?? "~") < (b.next_run_time ?? "~") ? -1 : 1;

/** Those that are due next. */
export function nextRoutines(most) {
  return (state.jobs ?? []).filter(({ next_run_time }) => next_run_time).sort(byNext).slice(0, most);
}

function row(job) {
  const last = job.last_run;
  return [job.id, [
    chip(job.rests_until ? "resting" : job.state),
    [
      h("a", { href: `#/schedule/${job.id}`, class: "strong" }, job.id),
      h("span", { class: "quiet below" }, oneLine(job.description ?? "", 100)),
    ],
    plan(job),
    job.next_run_time ? when(job.next_run_time) : "–",
    last
      ? [chip(last.status), " ", h("span", { class: "quiet" }, when(last.started_at ?? last.due_at))]
      : h("span", { class: "quiet" }, "never"),
    h(
      "span",
      { title: `${job.counts.failed} failed, ${job.counts.missed} missed, ${job.counts.skipped} skipped` },
      count(job.counts.runs),
      job.counts.failed > 0 && h("span", { class: "error" }, ` (${count(job.counts.failed)} failed)`),
    ),
    [controls(job, "list"), failure(`list ${job.id}`)],
  ]];
}

function plan({ schedule }) {
  return [
    h("span", { class: "mono" }, scheduleText(schedule)),
    schedule.timeZone && h("span", { class: "quiet below" }, schedule.timeZone),
  ];
}

function controls(job, place) {
  const at = `${place} ${job.id}`;
  const on = job.switched ?? job.configured_on;
  const word = on ? "disable" : "enable";
  return [
    button(at, "Run now", async () => {
      await ask("POST", `/scheduler/jobs/${encodeURIComponent(job.id)}/run`, {});
      shown.readAt = 0;
      said(`${job.id} is run now.`);
    }, { "aria-label": `Run now: ${job.id}`, disabled: job.state === "nowhere" }),
    button(at, on ? "Disable" : "Enable", async () => {
      await turn(job, word);
      said(`${job.id} is ${word}d.`, () => turn(job, on ? "enable" : "disable"));
    }, { "aria-label": `${on ? "Disable" : "Enable"} ${job.id}` }),
  ];
}

async function turn(job, word) {
  const now = await ask("POST", `/scheduler/jobs/${encodeURIComponent(job.id)}/${word}`, {});
  state.jobs = withItem(state.jobs, now);
  changed();
}

async function load(id) {
  if (shown.id !== id) shown = { id, readAt: 0 };
  if (Date.now() - shown.readAt < AGAIN_MS) return;
  shown.readAt = Date.now();
  try {
    const { runs } = await ask("GET", `/scheduler/jobs/${encodeURIComponent(id)}/history?limit=30`);
    if (shown.id === id) shown = { ...shown, runs, error: undefined };
  } catch (error) {
    if (error instanceof Error) throw error;
    shown = { ...shown, error: error.message };
  }
  changed();
}

function detail(id) {
  void load(id);
  const job = state.jobs.find((job) => job.id === id);
  if (!job) return panel(id, [h("p", { class: "failure", role: "alert" }, `There is no routine ${id}.`)]);
  const { runs, error } = shown;
  return panel(
    id,
    [
      job.description && h("p", null, job.description),
      facts([
        ["When", plan(job)],
        ["Next", job.next_run_time ? when(job.next_run_time) : "–"],
        ["Runs", count(job.counts.runs)],
        ["Failed", count(job.counts.failed)],
        ["Missed", count(job.counts.missed)],
        ["Skipped", count(job.counts.skipped)],
        job.rests_until && ["Rests until", when(job.rests_until)],
        job.switched !== null &&
        [
          job.switched ? "Enabled by" : "Disabled by",
          [job.switched_by ?? "somebody", job.switched_reason].filter(Boolean).join(": "),
        ],
        ["Workers", job.workers.join(", ") || "none"],
      ]),
      part(
        "Runs",
        error && h("p", { class: "failure", role: "alert" }, error),
        !runs
          ? h("div", { class: "skeleton" })
          : runs.length === 0
          ? empty("It has not run yet.")
          : h("ul", { class: "list" }, runs.map(run)),
      ),
    ],
    [chip(job.state), controls(job, "detail"), failure(`detail ${id}`)],
  );
}

function run({ id, status, due_at, started_at, ended_at, by_hand, error, result, missed_count }) {
  const took = started_at && ended_at ? duration((Date.parse(ended_at) - Date.parse(started_at)) / 1000) : "";
  return h(
    "li",
    { key: id, class: "line" },
    chip(status),
    h(
      "span",
      { class: error ? "grow error" : "grow quiet" },
      error ? oneLine(error) : missed_count > 1 ? `${missed_count} runs` : oneLine(result ?? "", 100),
    ),
    h("span", { class: "quiet number" }, [by_hand && "by hand", took].filter(Boolean).join(" · ")),
    h("span", { class: "quiet" }, when(started_at ?? due_at)),
  );
}
