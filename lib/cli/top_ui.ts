/** What a person has chosen in `top`, and what keys make of it. Pure. */
import { isSettled, type TaskRow } from "./task_view.ts";
import type { TaskFilter, TopAgent, TopData, TopType } from "./top_data.ts";

/** One line that can be chosen. */
export type TopRow =
  | { readonly kind: "task"; readonly key: string; readonly task: TaskRow }
  | { readonly kind: "agent"; readonly key: string; readonly agent: TopAgent }
  | { readonly kind: "type"; readonly key: string; readonly type: TopType };

/** Something to be asked of the control API. */
export interface TopAct {
  /** What it does, for the line that tells of it: `cancelled countdown …a1b2c3`. */
  readonly told: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The question before it, where it cannot be taken back. */
  readonly question?: string;
}

/** The screen's own state. */
export interface TopUi {
  readonly filter: TaskFilter;
  /** The key of the chosen row. */
  readonly chosen: string | undefined;
  /** What is typed into the filter; undefined when nobody types. */
  readonly typing: string | undefined;
  /** Waits for y. */
  readonly asked: TopAct | undefined;
  readonly help: boolean;
  /** What was done, or went wrong. */
  readonly notice: string;
}

/** What a key leads to. */
export interface KeyEffect {
  readonly ui: TopUi;
  readonly act?: TopAct;
  readonly quit?: true;
  /** The filter has changed, or somebody wants it now. */
  readonly refresh?: true;
}

/** Nothing chosen, nothing filtered. */
export const FIRST_UI: TopUi = {
  filter: { status: "", text: "" },
  chosen: undefined,
  typing: undefined,
  asked: undefined,
  help: false,
  notice: "",
};

/** The filters of states, in the order in which `f` goes through them. */
export const STATES: readonly { readonly name: string; readonly status: string }[] = [
  { name: "all", status: "" },
  { name: "waiting and running", status: "pending,claimed,running" },
  { name: "running", status: "claimed,running" },
  { name: "failed", status: "failed,timed_out" },
  { name: "succeeded", status: "succeeded" },
  { name: "cancelled", status: "cancelled" },
];

/** All rows, in the order of the screen. */
export function rowsOf(data: TopData): TopRow[] {
  return [
    ...sortedTasks(data.tasks).map((task) => ({ kind: "task" as const, key: `task ${task.id}`, task })),
    ...(data.agents ?? []).map((agent) => ({
      kind: "agent" as const,
      key: `agent ${agent.agent_id}`,
      agent,
    })),
    ...(data.types ?? []).map((type) => ({ kind: "type" as const, key: `type ${type.pattern}`, type })),
  ];
}

/** Those that run first, then those that wait, then the newest of the others. */
function sortedTasks(tasks: readonly TaskRow[]): TaskRow[] {
  const rank = ({ status }: TaskRow) =>
    status === "running" || status === "claimed" ? 0 : status === "pending" ? 1 : 2;
  return [...tasks].sort((a, b) => rank(a) - rank(b));
}

/** The chosen row; the first one where what was chosen is gone. */
export function chosenRow(rows: readonly TopRow[], ui: TopUi): TopRow | undefined {
  return rows.find(({ key }) => key === ui.chosen) ?? rows[0];
}

/** The end of an id; tasks that are made one after the other begin alike. */
export function shortId(id: string): string {
  return `…${id.slice(-6)}`;
}

/** What the key does. */
export function onKey(ui: TopUi, key: string, data: TopData): KeyEffect {
  if (key === "ctrl-c") return { ui, quit: true };
  if (ui.typing !== undefined) return typed(ui, ui.typing, key);
  if (ui.asked) {
    const { asked } = ui;
    const answered = { ...ui, asked: undefined };
    return key === "y" || key === "Y"
      ? { ui: answered, act: asked }
      : { ui: { ...answered, notice: "not done" } };
  }
  if (ui.help) return { ui: { ...ui, help: false } };
  return command({ ...ui, notice: "" }, key, data);
}

function typed(ui: TopUi, text: string, key: string): KeyEffect {
  switch (key) {
    case "escape":
      return { ui: { ...ui, typing: undefined } };
    case "enter":
      return { ui: { ...ui, typing: undefined, filter: { ...ui.filter, text: text.trim() } }, refresh: true };
    case "backspace":
      return { ui: { ...ui, typing: [...text].slice(0, -1).join("") } };
    default:
      return { ui: [...key].length === 1 ? { ...ui, typing: (text + key).slice(0, 200) } : ui };
  }
}

function command(ui: TopUi, key: string, data: TopData): KeyEffect {
  const rows = rowsOf(data);
  const row = chosenRow(rows, ui);
  switch (key) {
    case "q":
      return { ui, quit: true };
    case "?":
    case "h":
      return { ui: { ...ui, help: true } };
    case "up":
    case "k":
      return { ui: moved(ui, rows, -1) };
    case "down":
    case "j":
      return { ui: moved(ui, rows, 1) };
    case "page-up":
      return { ui: moved(ui, rows, -10) };
    case "page-down":
      return { ui: moved(ui, rows, 10) };
    case "tab":
      return { ui: nextSection(ui, rows) };
    case "/":
      return { ui: { ...ui, typing: ui.filter.text } };
    case "escape":
      return { ui: { ...ui, filter: FIRST_UI.filter }, refresh: true };
    case "f": {
      const at = STATES.findIndex(({ status }) => status === ui.filter.status);
      const { status } = STATES[(at + 1) % STATES.length]!;
      return { ui: { ...ui, filter: { ...ui.filter, status } }, refresh: true };
    }
    case " ":
    case "ctrl-l":
      return { ui, refresh: true };
    default:
      return row ? steered(ui, row, key) : { ui };
  }
}

function moved(ui: TopUi, rows: readonly TopRow[], by: number): TopUi {
  if (rows.length === 0) return ui;
  const at = rows.indexOf(chosenRow(rows, ui)!);
  return { ...ui, chosen: rows[Math.min(rows.length - 1, Math.max(0, at + by))]!.key };
}

function nextSection(ui: TopUi, rows: readonly TopRow[]): TopUi {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  if (kinds.length === 0) return ui;
  const at = kinds.indexOf(chosenRow(rows, ui)!.kind);
  const next = kinds[(at + 1) % kinds.length];
  return { ...ui, chosen: rows.find(({ kind }) => kind === next)!.key };
}

function steered(ui: TopUi, row: TopRow, key: string): KeyEffect {
  const act = actOf(row, key);
  if (act === undefined) return { ui };
  if (typeof act === "string") return { ui: { ...ui, notice: act } };
  return act.question ? { ui: { ...ui, asked: act } } : { ui, act };
}

/** What a key does to a row; a text where it cannot; undefined for keys that mean nothing. */
export function actOf(row: TopRow, key: string): TopAct | string | undefined {
  if (!["c", "r", "s", "p"].includes(key)) return undefined;
  if (row.kind === "task") return taskAct(row.task, key);
  if (row.kind === "agent") return agentAct(row.agent, key);
  return key === "p" ? pauseAct(row.type.pattern, row.type.paused) : "p pauses or resumes a task type";
}

function taskAct(task: TaskRow, key: string): TopAct | string {
  const name = `${task.task_type} ${shortId(task.id)}`;
  const body = {};
  if (key === "p") return pauseAct(task.task_type, false);
  if (key === "c") {
    if (isSettled(task)) return `${name} is ${task.status}: there is nothing to cancel`;
    const question = task.status === "pending" ? undefined : `Cancel ${name}, which runs?`;
    return { told: `${name} is cancelled`, path: `/tasks/${task.id}/cancel`, body, question };
  }
  if (key === "r") {
    if (!isSettled(task) || task.status === "succeeded") {
      return `${name} is ${task.status}: it cannot be retried`;
    }
    return { told: `${name} waits again`, path: `/tasks/${task.id}/retry`, body };
  }
  return "s starts and stops agents";
}

function agentAct(agent: TopAgent, key: string): TopAct | string {
  const off = agent.status === "stopped" || agent.status === "crashed";
  if (key === "c" || key === "p") return `${key} is for tasks; r restarts an agent, s starts and stops it`;
  const word = key === "r" ? "restart" : off ? "start" : "stop";
  const told = { restart: "is restarted", start: "is started", stop: "is stopped" }[word];
  return {
    told: `${agent.agent_id} ${told}`,
    path: `/agents/${encodeURIComponent(agent.agent_id)}/${word}`,
    body: {},
    question: agent.run
      ? `${agent.agent_id} is at work. ${word[0]!.toUpperCase()}${word.slice(1)} it?`
      : undefined,
  };
}

function pauseAct(pattern: string, paused: boolean): TopAct {
  return {
    told: `${pattern} is ${paused ? "resumed" : "paused"}`,
    path: paused ? "/queues/resume" : "/queues/pause",
    body: { pattern },
  };
}
