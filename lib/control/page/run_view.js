// One run of an agent: what it says, the tools it calls, what it costs; as it happens where it is in progress.
import { ask } from "./api.js";
import { h } from "./dom.js";
import { duration, millis, money, oneLine } from "./format.js";
import { block, chip, failure, part, when } from "./parts.js";
import { changed } from "./store.js";

const AGAIN_MS = 3000;
const MOST_EVENTS = 400;
let shown = { id: undefined, run: undefined, readAt: 0 };
let reading = false;
/** What came as events, by run. */
const heard = new Map();

/** Keeps what an agent has just done. */
export function listen(event) {
  const events = heard.get(event.run_id) ?? [];
  const last = events.at(-1);
  if (event.kind === "text" && last?.kind === "text") {
    events[events.length - 1] = { ...last, text: `${last.text}${event.text}`.slice(-8000) };
  } else events.push(event);
  heard.delete(event.run_id);
  heard.set(event.run_id, events.slice(-MOST_EVENTS));
  if (heard.size > 10) heard.delete(heard.keys().next().value);
  if (event.kind === "ended" && shown.id === event.run_id) shown.readAt = 0;
}

async function load(agent, id, inProgress) {
  if (shown.id !== id) shown = { id, readAt: 0 };
  const wait = inProgress || shown.run?.status === "running" ? AGAIN_MS : Infinity;
  if (reading || Date.now() - shown.readAt < wait) return;
  reading = true;
  shown.readAt = Date.now();
  try {
    const run = await ask("GET", `/agents/${encodeURIComponent(agent)}/runs/${id}`);
    if (shown.id === id) shown = { ...shown, run, error: undefined };
  } catch (error) {
    if (error instanceof Error) throw error;
    // A worker without this route still tells by events.
    if (shown.id === id) shown = { ...shown, error: error.status === 404 ? undefined : error.message };
  } finally {
    reading = false;
  }
  changed();
}

/** A part of the agent's panel. */
export function runView(agent, id, inProgress) {
  void load(agent, id, inProgress);
  const { run, error } = shown.id === id ? shown : {};
  const events = heard.get(id) ?? [];
  const cost = Number(run?.cost_usd ?? 0) ||
    Number(events.findLast(({ cost_usd }) => cost_usd !== undefined)?.cost_usd ?? 0);
  return part(
    inProgress ? "At work now" : "This run",
    failure(`run ${id}`),
    error && h("p", { class: "failure", role: "alert" }, error),
    run && h("p", { class: "goal" }, run.goal),
    h(
      "p",
      { class: "quiet dotted number" },
      [
        run && chip(run.status),
        run?.started_at && h("span", null, "began ", when(run.started_at)),
        run?.duration_ms && h("span", null, `took ${duration(run.duration_ms / 1000)}`),
        cost > 0 && h("span", null, `${money(cost)} so far`),
        run?.model && h("span", null, run.model),
      ],
    ),
    run?.error && h("p", { class: "error" }, run.error),
    steps(run, events),
    run?.outcome &&
      h(
        "div",
        { class: "outcome" },
        h("h4", null, "What it reports"),
        h("p", null, oneLine(run.outcome, 4000)),
      ),
  );
}

/** Calls are in the database with their results; what it says and does at this moment comes by events. */
function steps(run, events) {
  const calls = run?.tool_calls ?? [];
  const since = calls.length > 0 ? Date.parse(calls.at(-1).called_at) : 0;
  const fresh = events.filter(({ kind, at }) =>
    kind === "text" || (kind === "tool_call" && Date.parse(at) > since)
  );
  const all = [
    ...calls.map((call) => ({ at: call.called_at, call })),
    ...fresh.map((event) => ({ at: event.at, event })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  if (all.length === 0) return h("p", { class: "empty" }, "It has called no tool yet.");
  return h(
    "ol",
    { class: "steps" },
    all.map(({ at, call, event }, index) =>
      call ? callStep(call, index) : eventStep(event, `${at} ${index}`)
    ),
  );
}

function callStep(call, index) {
  return h(
    "li",
    { key: `call ${index}`, "data-state": call.success === false ? "failed" : "succeeded" },
    h(
      "details",
      null,
      h(
        "summary",
        null,
        h("span", { class: "mono strong" }, call.tool_name),
        h("span", { class: "quiet grow" }, oneLine(call.tool_input, 90)),
        h("span", { class: "quiet number" }, millis(call.duration_ms)),
      ),
      block(`Input of ${call.tool_name}`, call.tool_input),
      block(`Result of ${call.tool_name}`, call.tool_result ?? "no result"),
    ),
  );
}

function eventStep(event, key) {
  if (event.kind === "text") return h("li", { key, class: "said" }, event.text);
  return h(
    "li",
    { key, "data-state": "running" },
    h("span", { class: "mono strong" }, event.name ?? event.tool ?? event.tool_name ?? "tool"),
    h("span", { class: "quiet" }, " ", oneLine(event.input ?? event.tool_input, 120)),
  );
}
