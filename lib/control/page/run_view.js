// One run of an agent: what it says, the tools it calls, what it costs; as it happens where it is in progress.
import { ask } from "./api.js";
import { h } from "./dom.js";
import { count, duration, millis, money, oneLine } from "./format.js";
import { block, chip, failure, part, when } from "./parts.js";
import { changed } from "./store.js";

const AGAIN_MS = 3000;
const MOST_STEPS = 300;
const MOST_TEXT = 8000;
let shown = { id: undefined, run: undefined, readAt: 0 };
let reading = false;
/** What came as events, by run: since when, the steps, the cost so far. */
const heard = new Map();

/** Keeps what an agent has just done. */
export function listen(event) {
  const run = heard.get(event.run_id) ?? { since: event.at, steps: [], cost: 0 };
  heard.delete(event.run_id);
  heard.set(event.run_id, { ...run, ...after(run, event) });
  if (heard.size > 10) heard.delete(heard.keys().next().value);
  if (event.kind === "ended" && shown.id === event.run_id) shown.readAt = 0;
}

function after({ steps }, event) {
  const last = steps.at(-1);
  const text = last?.kind === "text" ? last : undefined;
  switch (event.kind) {
    case "text": {
      const grown = {
        kind: "text",
        at: text?.at ?? event.at,
        text: `${text?.text ?? ""}${event.text}`.slice(-MOST_TEXT),
      };
      return { steps: [...text ? steps.slice(0, -1) : steps, grown].slice(-MOST_STEPS) };
    }
    case "retry": // what it has written since the last call is void
      return { steps: text ? steps.slice(0, -1) : steps };
    case "tool_call":
      return {
        steps: [...steps, {
          kind: "call",
          at: event.at,
          id: event.call_id,
          tool: event.tool,
          input: event.input,
        }].slice(-MOST_STEPS),
      };
    case "tool_result": {
      const { call_id, result, failed, duration_ms } = event;
      return {
        steps: steps.map((step) => step.id === call_id ? { ...step, result, failed, ms: duration_ms } : step),
      };
    }
    case "model_call":
      return { cost: event.run_cost_usd };
    default:
      return {};
  }
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
  const live = heard.get(id);
  const cost = Math.max(Number(run?.cost_usd ?? 0), live?.cost ?? 0);
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
        run?.input_tokens > 0 &&
        h("span", null, `${count(run.input_tokens)} tokens in, ${count(run.output_tokens)} out`),
      ],
    ),
    run?.error && h("p", { class: "error" }, run.error),
    steps(run, live),
    run?.outcome &&
      h(
        "div",
        { class: "outcome" },
        h("h4", null, "What it reports"),
        h("p", null, oneLine(run.outcome, 4000)),
      ),
  );
}

/** What was done before this page listened is in the database; the rest came as it happened. */
function steps(run, live) {
  const before = (run?.tool_calls ?? []).filter(({ called_at }) =>
    !live || Date.parse(called_at) < Date.parse(live.since)
  )
    .map((call) => ({
      kind: "call",
      at: call.called_at,
      tool: call.tool_name,
      input: call.tool_input,
      result: call.tool_result ?? "no result",
      failed: call.success === false,
      ms: call.duration_ms,
    }));
  const all = [...before, ...live?.steps ?? []];
  if (all.length === 0) return h("p", { class: "empty" }, "It has called no tool yet.");
  return h(
    "ol",
    { class: "steps" },
    all.map((step, index) =>
      step.kind === "text"
        ? h("li", { key: `text ${step.at}`, class: "said" }, step.text)
        : callStep(step, index)
    ),
  );
}

function callStep({ at, id, tool, input, result, failed, ms }, index) {
  const state = result === undefined ? "running" : failed ? "failed" : "succeeded";
  return h(
    "li",
    { key: id ?? `${at} ${index}`, "data-state": state },
    h(
      "details",
      null,
      h(
        "summary",
        null,
        h("span", { class: "mono strong" }, tool),
        h("span", { class: "quiet grow" }, oneLine(input, 90)),
        h("span", { class: "quiet number" }, result === undefined ? "…" : millis(ms)),
      ),
      block(`Input of ${tool}`, input),
      result !== undefined && block(`Result of ${tool}`, result),
    ),
  );
}
