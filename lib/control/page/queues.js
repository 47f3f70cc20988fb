// Queues and how much of them may run, and the workers that do it.
import { ask, said } from "./api.js";
import { confirm } from "./dialogs.js";
import { h } from "./dom.js";
import { count, duration, words } from "./format.js";
import { refresh } from "./live.js";
import { button, card, chip, empty, failure, plainButton, table, UNSEEN, when } from "./parts.js";
import { state } from "./store.js";

/** The view. */
export function queues() {
  return [sources(), types(), workers()];
}

function sources() {
  const list = state.queues?.queues;
  if (!list) return undefined;
  return card(
    "sources",
    "Queues",
    undefined,
    list.length === 0 ? empty("This worker claims from no queue. See ", "actp-worker config show") : h(
      "ul",
      { class: "list" },
      list.map(({ name, state: word, since, reason }) =>
        h(
          "li",
          { key: name, class: "line" },
          chip(word === "running" ? "on" : word, words(word)),
          h("span", { class: "strong" }, name),
          h("span", { class: "grow quiet" }, reason ?? ""),
          since &&
            h(
              "span",
              { class: "quiet number", title: since },
              `for ${duration((Date.now() - Date.parse(since)) / 1000)}`,
            ),
        )
      ),
    ),
  );
}

/** Every type that waits or runs, and every pattern with a limit or a pause. */
function rowsOf() {
  const limits = state.queues?.limits ?? [];
  const known = new Set(limits.map(({ pattern }) => pattern));
  const busy = (state.stats.hour?.by_type ?? []).filter(({ task_type }) => !known.has(task_type));
  return [
    ...limits.map((limit) => ({ ...limit, reason: limit.paused_reason ?? limit.reason })),
    ...busy.map(({ task_type, running, pending }) => ({
      pattern: task_type,
      running,
      waiting: pending,
      max_running: null,
      paused: false,
    })),
  ];
}

function types() {
  if (state.queues === null) return undefined;
  if (!state.queues) return h("div", { class: "card skeleton tall" });
  const rows = rowsOf();
  const head = [
    ["State"],
    ["Task type"],
    ["Running", { class: "number" }],
    ["Waiting", { class: "number" }],
    ["At most", { class: "number" }],
    UNSEEN,
  ];
  return card(
    "types",
    "Task types",
    [
      plainButton("Pause a type", () => pauseSome()),
      plainButton("Limit a type", () => limit({ max_running: null })),
    ],
    rows.length === 0
      ? empty("Nothing waits, runs or is limited. The same at a terminal: ", "actp-worker queues list")
      : table("Task types", head, rows.map(row)),
  );
}

function row(type) {
  const { pattern, running, waiting, max_running, paused, reason, paused_at } = type;
  const at = `type ${pattern}`;
  return [pattern, [
    chip(paused ? "paused" : "on", paused ? "paused" : "open"),
    [
      h("span", { class: "strong mono" }, pattern),
      paused &&
      h(
        "span",
        { class: "quiet below" },
        reason ?? "",
        reason && paused_at && " · ",
        paused_at && when(paused_at),
      ),
      failure(at),
    ],
    count(running),
    count(waiting),
    max_running === null || max_running === undefined ? "–" : count(max_running),
    [
      paused
        ? button(at, "Resume", () => turn(pattern, false), { "aria-label": `Resume ${pattern}` })
        : button(at, "Pause", () => turn(pattern, true), { "aria-label": `Pause ${pattern}` }),
      plainButton("Limit", () => limit(type), { "aria-label": `Limit ${pattern}` }),
    ],
  ]];
}

async function turn(pattern, pause, reason) {
  const post = async (pause) => {
    await ask("POST", pause ? "/queues/pause" : "/queues/resume", {
      pattern,
      ...pause && reason ? { reason } : {},
    });
    await refresh("queues");
  };
  await post(pause);
  said(`${pattern} is ${pause ? "paused" : "resumed"}.`, () => post(!pause));
}

const typesHere = () => state.status?.capabilities ?? [];
const PATTERN = "A type, or all that begin so: safari_*";

function pauseSome() {
  confirm({
    heading: "Pause a type",
    text: "No worker claims more of it until it is resumed. What runs goes on.",
    fields: [
      { name: "pattern", label: "Task type", required: true, list: typesHere(), hint: PATTERN },
      { name: "reason", label: "Why", hint: "Shown to whoever asks why nothing runs." },
    ],
    yes: "Pause it",
    work: ({ pattern, reason }) => turn(pattern.trim(), true, reason.trim()),
  });
}

function limit({ pattern, max_running }) {
  confirm({
    heading: pattern ? `Limit ${pattern}` : "Limit a type",
    text: "So many run at once, over all workers. Empty: as many as there is room for.",
    fields: [
      ...pattern
        ? []
        : [{ name: "pattern", label: "Task type", required: true, list: typesHere(), hint: PATTERN }],
      { name: "most", label: "At most", kind: "number", value: max_running ?? "" },
    ],
    yes: "Set it",
    work: async (values) => {
      const type = pattern ?? values.pattern.trim();
      const set = async (max) => {
        await ask("POST", "/queues/limit", { pattern: type, max_running: max });
        await refresh("queues");
      };
      await set(values.most === "" ? null : Number(values.most));
      said(
        values.most === "" ? `${type} is not limited.` : `At most ${values.most} of ${type} run at once.`,
        () => set(max_running ?? null),
      );
    },
  });
}

function workers() {
  const list = state.workers;
  if (list === null) return undefined;
  if (!list) return h("div", { class: "card skeleton tall" });
  return card(
    "workers",
    "Workers",
    h("span", { class: "quiet" }, `${count(list.filter(isAlive).length)} alive`),
    h("div", { class: "cards inner" }, [...list].sort((a, b) => isAlive(b) - isAlive(a)).map(worker)),
  );
}

const isAlive = ({ alive, status }) => alive ?? !["dead", "offline"].includes(status);

function worker(one) {
  const info = one.system_info ?? {};
  const machine = [
    info.os ?? info.platform,
    info.arch,
    info.cpus && `${info.cpus} cores`,
    info.memory_mb && `${count(info.memory_mb)} MB`,
  ].filter((part) => typeof part === "string");
  return h(
    "article",
    { class: "worker", key: one.worker_id, "aria-label": one.worker_id },
    h(
      "div",
      { class: "row" },
      h("h3", { class: "grow" }, one.worker_id),
      one.worker_id === state.status?.worker_id && h("span", { class: "quiet" }, "this one"),
      chip(one.status),
    ),
    h(
      "p",
      { class: "quiet dotted" },
      [one.hostname, `version ${one.version}`, ...machine].filter(Boolean).map((text) =>
        h("span", null, text)
      ),
    ),
    h("p", { class: "quiet dotted number" }, [
      h("span", null, `${count((one.current ?? []).length)} of ${count(one.max_concurrent)} running`),
      h("span", null, `${count(one.jobs_completed)} done`),
      h("span", null, `${count(one.jobs_failed)} failed`),
      one.started_at && isAlive(one)
        ? h("span", null, `up ${duration((Date.now() - Date.parse(one.started_at)) / 1000)}`)
        : h("span", null, "heard of ", when(one.last_heartbeat)),
    ]),
    h(
      "ul",
      { class: "tags", "aria-label": "Capabilities" },
      (one.capabilities ?? []).map((type) => h("li", { key: type }, type)),
    ),
  );
}
