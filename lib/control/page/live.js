// Keeps what the page knows up to date: by the worker's events where they come, by asking where they do not, and not
// at all while nobody looks.
import { ask } from "./api.js";
import { changed, state, withItem, without } from "./store.js";

const list = (name) => (answer) => Array.isArray(answer) ? answer : answer[name];

/** What counts on by itself is told only now and then: those who show it add the time since. */
const seen = (item) => ({ ...item, seenAt: Date.now() });

/** What is asked for; `quick`: only while no events come. */
const RESOURCES = {
  status: { path: "/status", pick: seen, quick: true },
  running: { path: "/tasks?status=running,claimed&limit=50", pick: list("tasks"), quick: true },
  agents: { path: "/agents", pick: (answer) => list("agents")(answer).map(seen), quick: true },
  approvals: { path: "/approvals", pick: list("approvals"), quick: true },
  jobs: { path: "/scheduler/jobs", pick: list("jobs"), quick: true },
  queues: { path: "/queues", quick: true },
  workers: { path: "/workers", pick: list("workers") },
  alerts: { path: "/alerts", pick: list("alerts") },
  hour: { path: "/tasks/stats?window=hour", store: (answer) => state.stats.hour = answer },
  day: { path: "/tasks/stats?window=day", store: (answer) => state.stats.day = answer },
};
const QUICK_MS = 2000;
const SLOW_MS = 10_000;
/** Events may be lost between two processes; nothing on the page is older than this. */
const SAFETY_MS = 30_000;
const MISSING_MS = 60_000;
const TICK_MS = 500;

const due = new Map();
const asking = new Map();
const taskWatchers = new Set();
const runWatchers = new Set();
let source;
let reconnectAt = 0;
let reconnectMs = 1000;

/** Calls `told` with every task that changes, and with undefined when any may have; `here`: it was changed on this page. */
export function onTask(told) {
  taskWatchers.add(told);
}

/** Calls `told` with what agents do in their runs. */
export function onRun(told) {
  runWatchers.add(told);
}

/** Asks for it now. */
export function refresh(...names) {
  return Promise.all(names.map((name) => read(name)));
}

/** Asks for it soon, however often this is called. */
export function soon(...names) {
  for (const name of names) due.set(name, Math.min(due.get(name) ?? Infinity, Date.now() + 700));
}

/** Starts; never ends. */
export async function watch() {
  while (true) {
    if (document.hidden) {
      disconnect();
      await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
      due.clear();
      tellTasks();
    }
    const now = Date.now();
    if (!source && !state.signedOut && now >= reconnectAt) connect();
    const names = state.signedOut ? ["status"] : Object.keys(RESOURCES);
    for (const name of names) if (now >= (due.get(name) ?? 0)) void read(name);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

function read(name) {
  if (!asking.has(name)) asking.set(name, readOnce(name).finally(() => asking.delete(name)));
  return asking.get(name);
}

async function readOnce(name) {
  const { path, pick = (answer) => answer, store, quick } = RESOURCES[name];
  const keep = store ?? ((answer) => state[name] = answer);
  due.set(name, Date.now() + (!quick ? SLOW_MS : state.live ? SAFETY_MS : QUICK_MS));
  try {
    keep(pick(await ask("GET", path)));
    if (name === "status") answers();
    else if (name === "running") state.problem = undefined;
    if (name === "running" && !state.live) tellTasks();
  } catch (error) {
    if (error.status === 404 || error.status === 400) {
      keep(null);
      due.set(name, Date.now() + MISSING_MS);
    } else {
      due.set(name, Date.now() + QUICK_MS);
      failed(name, error);
    }
  }
  changed();
}

function answers() {
  const again = state.signedOut || state.reachable === false;
  state.signedOut = false;
  state.reachable = true;
  if (!again) return;
  due.clear();
  due.set("status", Date.now() + QUICK_MS);
  reconnectAt = 0;
  tellTasks();
}

/** The worker may be well while its database is not: each part goes on showing what it has. */
function failed(name, error) {
  if (error.status === 401) {
    state.signedOut = true;
    disconnect();
  } else if (error.status === 0) state.reachable = false;
  else if (name === "running") state.problem = error.message;
  else if (error instanceof Error) throw error;
}

function connect() {
  source = new EventSource("/events");
  source.onopen = () => {
    state.live = true;
    reconnectMs = 1000;
    changed();
  };
  source.onerror = () => {
    const closed = source?.readyState === EventSource.CLOSED;
    state.live = false;
    soon("status");
    changed();
    if (!closed) return; // the browser tries again by itself
    disconnect();
    reconnectAt = Date.now() + reconnectMs;
    reconnectMs = Math.min(reconnectMs * 2, MISSING_MS);
  };
  for (const [name, apply] of Object.entries(EVENTS)) {
    source.addEventListener(name, ({ data }) => {
      apply(JSON.parse(data));
      changed();
    });
  }
}

function disconnect() {
  source?.close();
  source = undefined;
  state.live = false;
}

function tellTasks(task, here = false) {
  for (const told of taskWatchers) told(task, here);
}

/** A task was changed on this page: nobody wants to wait for the event. */
export function touched(id) {
  tellTasks({ id }, true);
  soon("running", "hour");
}

const known = ({ agent_id }) => state.agents?.find((agent) => agent.agent_id === agent_id);

const EVENTS = {
  snapshot(all) {
    if (all.status) state.status = seen(all.status);
    // What they cost is not told by events.
    if (all.agents) state.agents = all.agents.map((agent) => ({ ...known(agent), ...seen(agent) }));
    soon("agents", "alerts");
    for (const name of ["approvals", "jobs"]) if (all[name]) state[name] = all[name];
    answers();
    // It has the newest tasks, while running ones may be older.
    soon("running", "hour", "queues");
    tellTasks();
  },
  status(status) {
    state.status = seen(status);
  },
  task(task) {
    const runs = task.status === "running" || task.status === "claimed";
    state.running = runs ? withItem(state.running, task) : without(state.running, task.id);
    tellTasks(task);
    if (!runs) soon("hour", "day");
  },
  agent(agent) {
    state.agents = withItem(state.agents, seen(agent), "agent_id");
  },
  agent_run(event) {
    for (const told of runWatchers) told(event);
    if (event.kind === "model_call") soon("agents");
  },
  approval(act) {
    const open = act.status === "proposed";
    state.approvals = open ? withItem(state.approvals, act) : without(state.approvals, act.id);
    soon("alerts");
  },
  routine(routine) {
    state.jobs = withItem(state.jobs, routine);
  },
  queue() {
    soon("queues");
  },
  alert() {
    soon("alerts", "status");
  },
};
