// The dashboard: which view is on show, signing in, and drawing what has changed.
import { agents } from "./agents.js";
import { ask, dismiss } from "./api.js";
import { approvals } from "./approvals.js";
import { startDialogs } from "./dialogs.js";
import { h, patch } from "./dom.js";
import { count, title } from "./format.js";
import { refresh, watch } from "./live.js";
import { overallState, overview } from "./overview.js";
import { drawPanel, startPanel } from "./panel.js";
import { queues } from "./queues.js";
import { schedule } from "./schedule.js";
import { changed, onChange, state } from "./store.js";
import { tasks } from "./tasks.js";
import { startToasts } from "./toasts.js";

const VIEWS = {
  overview: ["Overview", overview],
  tasks: ["Tasks", tasks],
  agents: ["Agents", agents],
  approvals: ["Approvals", approvals],
  schedule: ["Schedule", schedule],
  queues: ["Queues and workers", queues],
};
/** Relative times and running clocks go on. */
const REDRAW_MS = 1000;
const element = (id) => document.getElementById(id);

/** `#/tasks/ID?status=failed` → the view, what is open in it, and its filters. */
function readRoute() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id] = path.split("/");
  const known = Object.hasOwn(VIEWS, view) ? view : "overview";
  const moved = known !== state.route.view;
  state.route = { view: known, id: id ? decode(id) : undefined, query: new URLSearchParams(query) };
  if (moved) scrollTo({ top: 0 });
  changed();
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function draw() {
  const { view } = state.route;
  const [heading, render] = VIEWS[view];
  drawFrame(heading);
  const tree = state.signedOut ? [] : render();
  patch(element("view"), h("div", { key: view, class: "view" }, tree));
  drawPanel();
}

function drawFrame(heading) {
  const overall = overallState();
  const lamp = element("state");
  if (lamp.dataset.state !== overall) {
    lamp.dataset.state = overall;
    element("state-word").textContent = title(overall);
  }
  setText("heading", heading);
  const open = state.approvals?.length ?? 0;
  document.title = [
    open > 0 && `(${open})`,
    overall !== "healthy" && `${title(overall)} –`,
    heading,
    "· actp-worker",
  ].filter(Boolean).join(" ");
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === state.route.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  badge("approvals", open, "wait for you");
  badge("tasks", state.running?.length ?? 0, "running");
  badge(
    "agents",
    (state.agents ?? []).filter(({ status }) => status === "crashed" || status === "backing off").length,
    "in trouble",
  );
  element("sign-in").hidden = !state.signedOut;
  setText("worker-name", state.status?.worker_id ?? "");
  setText(
    "feed",
    state.signedOut || state.reachable === false ? "" : state.live ? "Live" : "Asking every 2 s",
  );
  element("feed").dataset.live = state.live;
}

function setText(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

function badge(view, number, what) {
  patch(
    element(`badge-${view}`),
    number > 0 ? [count(number), h("span", { class: "unseen" }, ` ${what}`)] : [],
  );
}

/** Trades the one-time code in the address for a session; the code leaves the address and the history first. */
async function signIn() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  try {
    await ask("POST", "/session", { code });
    await refresh("status");
    element("sign-in-failure").hidden = true;
  } catch (error) {
    element("sign-in-failure").textContent = error.message;
    element("sign-in-failure").hidden = false;
  }
}

async function enter() {
  await signIn();
  readRoute();
}

// A new link opened in the same tab changes only the fragment.
addEventListener("hashchange", enter);
addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && !document.querySelector("dialog[open]")) {
    state.toasts.forEach(({ id }) => dismiss(id));
  }
});
startPanel();
startDialogs();
startToasts();
onChange(draw);
await enter();
setInterval(() => document.hidden || changed(), REDRAW_MS);
await watch();
