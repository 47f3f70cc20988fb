// What the page knows of the worker, and telling those who draw it that it has changed.

/** Everything; `undefined` is not known yet, `null` is not to be had from this worker. */
export const state = {
  signedOut: false,
  reachable: undefined,
  /** Whether events come by themselves; else the worker is asked. */
  live: false,
  status: undefined,
  stats: { hour: undefined, day: undefined },
  running: undefined,
  agents: undefined,
  approvals: undefined,
  jobs: undefined,
  queues: undefined,
  workers: undefined,
  alerts: undefined,
  problem: undefined,
  toasts: [],
  /** The view and what is open in it, from the address. */
  route: { view: "overview", id: undefined, query: new URLSearchParams() },
};

const watchers = new Set();
let drawing = false;

/** Calls `draw` after every change, at most once a frame. */
export function onChange(draw) {
  watchers.add(draw);
}

/** Something in {@link state} is new. */
export function changed() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    for (const draw of watchers) draw();
  });
}

/** A list with one item put in place of the one of the same id, or in front. */
export function withItem(list, item, id = "id") {
  const at = (list ?? []).findIndex((other) => other[id] === item[id]);
  if (at < 0) return [item, ...(list ?? [])];
  return list.with(at, { ...list[at], ...item });
}

/** A list without the item of that id. */
export function without(list, key, id = "id") {
  return (list ?? []).filter((item) => item[id] !== key);
}

/** Seconds since this was heard of. */
export function since({ seenAt }) {
  return seenAt ? (Date.now() - seenAt) / 1000 : 0;
}
