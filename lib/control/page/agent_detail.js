// Everything about one agent, its runs as they happen, and giving it a goal.
import { ask, said } from "./api.js";
import { confirm } from "./dialogs.js";
import { h } from "./dom.js";
import { count, duration, millis, money, oneLine } from "./format.js";
import { onRun } from "./live.js";
import { panel } from "./panel.js";
import { chip, empty, failure, part, plainButton, when } from "./parts.js";
import { listen, runView } from "./run_view.js";
import { changed, state } from "./store.js";

const AGAIN_MS = 5000;
let shown = { id: undefined, history: undefined, readAt: 0 };
let reading = false;
/** The run that is looked at; undefined: the one in progress, else none. */
let chosen;

onRun((event) => {
  if (event.agent_id !== shown.id) return;
  listen(event);
  if (event.kind === "started" || event.kind === "ended") shown.readAt = 0;
  changed();
});

async function load(id) {
  if (shown.id !== id) {
    shown = { id, readAt: 0 };
    chosen = undefined;
  }
  if (reading || Date.now() - shown.readAt < AGAIN_MS) return;
  reading = true;
  shown.readAt = Date.now();
  try {
    const history = await ask("GET", `/agents/${encodeURIComponent(id)}`);
    if (shown.id === id) shown = { ...shown, history, error: undefined };
  } catch (error) {
    if (error instanceof Error) throw error;
    shown = { ...shown, error: error.message };
  } finally {
    reading = false;
  }
  changed();
}

/** The panel of an agent; `controls` makes its buttons. */
export function agentDetail(id, controls) {
  void load(id);
  const agent = state.agents.find(({ agent_id }) => agent_id === id) ?? shown.history;
  if (!agent) {
    return panel("Agent", [
      shown.error
        ? h("p", { class: "failure", role: "alert" }, shown.error)
        : h("div", { class: "skeleton tall" }),
    ]);
  }
  const { history } = shown;
  const run = chosen ?? agent.run?.id;
  return panel(
    agent.name,
    [
      shown.error && h("p", { class: "failure", role: "alert" }, shown.error),
      agent.reason && h("p", { class: "quiet" }, agent.reason),
      run && runView(id, run, agent.run?.id === run),
      part("Runs", runs(history?.runs, agent.run?.id, run)),
      history?.tools?.length > 0 && part("Tools, last 7 days", tools(history.tools)),
      history?.crashes?.length > 0 &&
      part("Crashes", h("ul", { class: "list" }, history.crashes.slice(0, 10).map(crash))),
    ],
    [
      chip(agent.status),
      controls(agent, "detail"),
      plainButton("Give a goal", () => giveGoal(agent), { class: "primary" }),
      failure(`detail ${id}`),
    ],
  );
}

function runs(list, current, open) {
  if (list === null) return empty("Its history cannot be read while the database is away.");
  if (!list) return h("div", { class: "skeleton" });
  if (list.length === 0) {
    return empty(
      "It has not run yet. Give it a goal, or run it here with ",
      `actp-worker agents run ${shown.id} '…'`,
    );
  }
  return h(
    "ul",
    { class: "list" },
    list.map((run) =>
      h(
        "li",
        { key: run.id, class: "line" },
        chip(run.status),
        h(
          "button",
          {
            type: "button",
            class: "link grow",
            "aria-expanded": String(run.id === open),
            onclick: () => {
              chosen = run.id === open ? (run.id === current ? "" : undefined) : run.id;
              changed();
            },
          },
          oneLine(run.goal ?? run.id, 120),
        ),
        h(
          "span",
          { class: "quiet number" },
          [
            run.duration_ms !== null && millis(run.duration_ms),
            Number(run.cost_usd) > 0 && money(run.cost_usd),
          ].filter(Boolean).join(" · "),
        ),
        h("span", { class: "quiet" }, when(run.started_at)),
      )
    ),
  );
}

function tools(list) {
  return h(
    "table",
    { class: "plain" },
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        ["Tool", "Calls", "Failed", "Average"].map((name, column) =>
          h("th", { scope: "col", class: column > 0 && "number" }, name)
        ),
      ),
    ),
    h(
      "tbody",
      null,
      list.map(({ tool, calls, failed, average_ms }) =>
        h(
          "tr",
          { key: tool },
          h("th", { scope: "row", class: "mono" }, tool),
          h("td", { class: "number" }, count(calls)),
          h("td", { class: "number" }, count(failed)),
          h("td", { class: "number" }, millis(average_ms)),
        )
      ),
    ),
  );
}

function crash({ at, reason, ran_ms }) {
  return h(
    "li",
    { key: at, class: "line" },
    h("span", { class: "grow error" }, reason),
    h("span", { class: "quiet number" }, `after ${duration((ran_ms ?? 0) / 1000)}`),
    h("span", { class: "quiet" }, when(at)),
  );
}

/** Asks for a goal and puts it into the agent's queue. */
export function giveGoal(agent) {
  confirm({
    heading: `A goal for ${agent.name}`,
    text: agent.status === "stopped" ? "It is stopped: the goal waits until it is started." : undefined,
    fields: [
      {
        name: "goal",
        label: "Goal",
        kind: "area",
        required: true,
        hint:
          "What it should achieve, in your words. What it wants to post, send or spend comes to you first.",
      },
      {
        name: "priority",
        label: "Priority",
        kind: "select",
        value: "NORMAL",
        required: true,
        options: [["CRITICAL", "Critical"], ["HIGH", "High"], ["NORMAL", "Normal"], ["LOW", "Low"]],
      },
    ],
    yes: "Give it the goal",
    work: async ({ goal, priority }) => {
      await ask("POST", "/agents/task", { agent_type: agent.agent_id, goal: goal.trim(), priority });
      said(`${agent.name} has a new goal.`);
      shown.readAt = 0;
    },
  });
}
