// Agents: how they fare, what they cost, and starting, stopping and restarting them.
import { agentDetail, giveGoal } from "./agent_detail.js";
import { ask, said } from "./api.js";
import { confirm } from "./dialogs.js";
import { h } from "./dom.js";
import { count, duration, money, oneLine, relative } from "./format.js";
import { button, chip, empty, facts, failure, meter, plainButton, when } from "./parts.js";
import { changed, since, state, withItem } from "./store.js";

/** The view. */
export function agents() {
  const { agents: list, route } = state;
  if (list === null) return h("div", { class: "card" }, empty("This worker has no agents."));
  if (!list) return h("div", { class: "card skeleton tall" });
  return [
    list.length === 0 &&
    h(
      "div",
      { class: "card" },
      empty("There are no agents. Declare your own in config.json, see ", "actp-worker agents list"),
    ),
    h("div", { class: "cards" }, [...list].sort(byActivity).map(agentCard)),
    route.id && agentDetail(route.id, controls),
  ];
}

const rank = ({ enabled, status }) => status === "crashed" ? 0 : enabled || status !== "stopped" ? 1 : 2;
const byActivity = (a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1);

/** How an agent fares, in a word. */
function agentChip({ enabled, status, activity }) {
  if (status === "stopped") return chip(enabled ? "stopped" : "disabled");
  if (status !== "running") return chip(status);
  return activity === "busy" ? chip("working") : chip("on", "running");
}

/** One agent in a list of them. */
export function agentLine(agent) {
  return h(
    "li",
    { key: agent.agent_id, class: "line" },
    agentChip(agent),
    h("a", { href: `#/agents/${agent.agent_id}`, class: "strong" }, agent.name),
    h("span", { class: "quiet grow" }, oneLine(agent.run?.goal ?? agent.reason ?? "", 80)),
    agent.cost_today_usd > 0 && h("span", { class: "quiet number" }, `${money(agent.cost_today_usd)} today`),
  );
}

function agentCard(agent) {
  const id = agent.agent_id;
  return h(
    "article",
    { class: "card agent", key: id, "aria-labelledby": `agent-${id}` },
    h(
      "div",
      { class: "row" },
      h("h2", { id: `agent-${id}`, class: "grow" }, h("a", { href: `#/agents/${id}` }, agent.name)),
      agentChip(agent),
    ),
    h("p", { class: "quiet mono id" }, id),
    agent.reason && h("p", { class: agent.status === "crashed" ? "error" : "quiet" }, agent.reason),
    agent.health?.status === "unhealthy" &&
      h("p", { class: "error" }, `Unhealthy${agent.health.reason ? `: ${agent.health.reason}` : ""}`),
    agent.run &&
      h("p", null, h("span", { class: "quiet" }, "Works on "), oneLine(agent.run.goal ?? agent.run.id, 140)),
    facts(agentFacts(agent)),
    budget(agent, "day", "Today"),
    budget(agent, "month", "This month"),
    h("div", { class: "row" }, controls(agent, "card"), plainButton("Give a goal", () => giveGoal(agent))),
    failure(`card ${id}`),
  );
}

/** What is known of its process. */
export function agentFacts(agent) {
  return [
    ["Up for", agent.uptime === null ? "–" : duration(Math.round(agent.uptime + since(agent)))],
    ["Crashes, 24 h", count(agent.error_count)],
    ["Last run", agent.last_run_at ? when(agent.last_run_at) : "never"],
    agent.memory_mb !== null && ["Memory", `${count(Math.round(agent.memory_mb))} MB`],
    agent.restart_at && ["Starts again", relative(agent.restart_at)],
    agent.held_by && ["Runs on", agent.held_by],
  ];
}

const spent = (agent, span) =>
  typeof (span === "day" ? agent.cost_today_usd : agent.cost_month_usd) === "number";

function budget(agent, span, label) {
  if (!spent(agent, span)) return undefined;
  const [used, limit] = span === "day"
    ? [agent.cost_today_usd, agent.budget_day_usd]
    : [agent.cost_month_usd, agent.budget_month_usd];
  const known = typeof limit === "number";
  if (used === 0 && !known) return undefined;
  return h(
    "div",
    { class: "budget", key: span },
    h("span", { class: "quiet" }, label),
    h("span", { class: "number" }, known ? `${money(used)} of ${money(limit)}` : money(used)),
    known && meter(`${label}: cost against the budget of ${agent.name}`, used, limit),
  );
}

/** Start, stop and restart, as the state allows. */
export function controls(agent, place) {
  const id = agent.agent_id;
  const off = agent.status === "stopped" || agent.status === "crashed";
  const name = (word) => ({ "aria-label": `${word} ${agent.name}` });
  const at = `${place} ${id}`;
  if (off) {
    return button(at, "Start", () => tell(agent, "start"), {
      ...name("Start"),
      class: agent.enabled ? "primary" : "",
    });
  }
  const asked = (word, text) =>
    agent.run
      ? plainButton(word, () =>
        confirm({
          heading: `${word} ${agent.name}?`,
          text: `It is at work. ${text}`,
          yes: `${word} it`,
          danger: true,
          work: () => tell(agent, word.toLowerCase()),
        }), name(word))
      : button(at, word, () => tell(agent, word.toLowerCase()), name(word));
  return [
    asked("Restart", "It may finish its step and starts anew; its goal goes back into the queue."),
    agent.status !== "stopping" &&
    asked("Stop", "It may finish its step; its goal goes back into the queue."),
  ];
}

async function tell(agent, word) {
  const post = async (word) => {
    const told = await ask("POST", `/agents/${encodeURIComponent(agent.agent_id)}/${word}`, {});
    state.agents = withItem(state.agents, { ...told, seenAt: Date.now() }, "agent_id");
    changed();
  };
  await post(word);
  const done = { start: "is starting", stop: "is stopping", restart: "is restarting" }[word];
  const back = { start: "stop", stop: "start" }[word];
  said(`${agent.name} ${done}.`, back && (() => post(back)));
}
