/** `top` as text: the whole screen from what is known and what a person has chosen. Pure. */
import { progressLine, resultText, type TaskRow } from "./task_view.ts";
import { duration, paint, type Terminal } from "./terminal.ts";
import type { TopAgent, TopData, TopStats, TopType } from "./top_data.ts";
import { type Cell, fill, line } from "./top_text.ts";
import { chosenRow, rowsOf, shortId, STATES, type TopRow, type TopUi } from "./top_ui.ts";

/** What the screen is drawn on. */
export interface Screen {
  readonly columns: number;
  /** Everything, where there is no screen but a stream. */
  readonly rows: number | undefined;
  readonly color: boolean;
}

type Color = Cell["color"];
const KEYS =
  "↑↓ choose  tab section  f state  / search  c cancel  r retry/restart  s start/stop  p pause  ? help  q quit";
const HELP = [
  "↑ ↓, k j       choose a line",
  "tab            go to the next section",
  "f              show only tasks in one state, then the next",
  "/              search tasks: type, id, error, key; enter searches, escape leaves",
  "escape         show all tasks",
  "c              cancel the chosen task",
  "r              retry the chosen task, or restart the chosen agent",
  "s              start or stop the chosen agent",
  "p              pause or resume the chosen task type, or the type of the chosen task",
  "space          ask again now",
  "q, ctrl-c      leave",
  "",
  "any key goes back",
];

/** The lines of the screen, none of them longer than it is wide; not more of them than it is high. */
export function topScreen(data: TopData, ui: TopUi, screen: Screen): string[] {
  const head = headLines(data, screen);
  if (ui.help) return fit([...head, ...HELP.map((text) => row([{ text }], screen))], screen);
  const foot = screen.rows === undefined ? [] : footLines(ui, screen);
  const rows = rowsOf(data);
  const body = bodyLines(data, ui, rows, screen);
  if (screen.rows === undefined) return [...head, ...body.map(({ text }) => text)];
  const room = Math.max(1, screen.rows - head.length - foot.length);
  const chosen = body.findIndex(({ key }) => key !== undefined && key === chosenRow(rows, ui)?.key);
  const start = Math.max(0, Math.min(chosen - Math.floor(room / 2), body.length - room));
  const shown = body.slice(start, start + room).map(({ text }) => text);
  return fit([...head, ...shown, ...Array(Math.max(0, room - shown.length)).fill(""), ...foot], screen);
}

function fit(lines: readonly string[], { rows }: Screen): string[] {
  return lines.slice(0, rows);
}

function row(cells: readonly Cell[], { columns, color }: Screen): string {
  return line(cells, columns, { color });
}

function headLines(data: TopData, screen: Screen): string[] {
  const { status } = data;
  const overall = overallOf(data);
  return [
    row([
      { text: overall, color: OVERALL_COLORS[overall] ?? "yellow" },
      { text: `  ${status.worker_id}`, color: "bold" },
      { text: `  up ${duration(status.uptime_seconds * 1000)}  v${status.version}  ${status.database}` },
    ], screen),
    ...status.overall_reasons.map(({ message, fix }) =>
      row([{ text: `! ${message}`, color: "yellow" }, { text: fix ? `  ${fix}` : "", color: "grey" }], screen)
    ),
    row(figures(data), screen),
    ...data.approvals?.length ? [row(approvalCells(data.approvals), screen)] : [],
    "",
  ];
}

const OVERALL_COLORS: Readonly<Record<string, Color>> = {
  healthy: "green",
  degraded: "yellow",
  critical: "red",
};

function overallOf({ status }: TopData): string {
  return status.status === "draining" ? "draining" : status.overall;
}

function figures({ status, stats }: TopData): Cell[] {
  const running: Cell[] = [{ text: `${status.active_tasks} of ${status.max_concurrent} running` }];
  if (!stats) {
    return [...running, {
      text: `, ${status.tasks_completed ?? "?"} done and ${status.tasks_failed ?? "?"} failed in all`,
    }];
  }
  const sum = (of: (bucket: TopStats["buckets"][number]) => number) =>
    stats.buckets.reduce((all, bucket) => all + of(bucket), 0);
  const failed = sum((bucket) => bucket.failed + bucket.timed_out);
  const slowest = Math.max(-1, ...stats.buckets.map((bucket) => bucket.run_ms_p95 ?? -1));
  return [
    ...running,
    {
      text: `, ${stats.by_status.pending ?? 0} waiting; last hour ${
        sum(({ succeeded }) => succeeded)
      } succeeded, `,
    },
    { text: `${failed} failed`, color: failed > 0 ? "red" : undefined },
    { text: slowest < 0 ? "" : `, 95 % within ${duration(slowest)}` },
  ];
}

function approvalCells(approvals: NonNullable<TopData["approvals"]>): Cell[] {
  const [first] = approvals;
  const more = approvals.length > 1 ? ` and ${approvals.length - 1} more` : "";
  return [{ text: `? waits for you: ${first!.summary}${more}`, color: "yellow" }, {
    text: "  (actp-worker approvals list)",
    color: "grey",
  }];
}

interface BodyLine {
  readonly text: string;
  readonly key?: string;
}

function bodyLines(data: TopData, ui: TopUi, rows: readonly TopRow[], screen: Screen): BodyLine[] {
  const chosen = screen.rows === undefined ? undefined : chosenRow(rows, ui)?.key;
  const of = (kind: TopRow["kind"]): BodyLine[] =>
    rows.filter((row) => row.kind === kind).map((one) => ({
      key: one.key,
      text: row([{ text: one.key === chosen ? "> " : "  ", color: "bold" }, ...cellsOf(one, data)], screen),
    }));
  const heading = (text: string): BodyLine => ({ text: row([{ text, color: "bold" }], screen) });
  const note = (text: string): BodyLine => ({ text: row([{ text: `  ${text}`, color: "grey" }], screen) });
  return [
    heading(`TASKS${filterText(ui)}`),
    ...data.tasks.length > 0 ? of("task") : [note(noTasks(ui))],
    ...data.agents === null ? [] : [{ text: "" }, heading("AGENTS"), ...of("agent")],
    ...data.queues === null ? [] : [
      { text: "" },
      heading("QUEUES"),
      ...data.queues.map(({ name, state, reason }) => ({
        text: row([
          {
            text: `  ${fill(state.replace("_", " "), 11)} `,
            color: state === "running" ? "green" : "yellow",
          },
          { text: name },
          { text: reason ? `  ${reason}` : "", color: "grey" },
        ], screen),
      })),
    ],
    ...data.types?.length
      ? [...data.queues === null ? [{ text: "" }, heading("QUEUES")] : [], ...of("type")]
      : [],
  ];
}

function noTasks({ filter }: TopUi): string {
  return filter.status || filter.text
    ? "no task matches (escape shows all)"
    : "there are no tasks yet: actp-worker enqueue TYPE --input '{…}'";
}

function filterText({ filter }: TopUi): string {
  const state = STATES.find(({ status }) => status === filter.status)?.name ?? filter.status;
  return `${filter.status ? `  ${state}` : ""}${filter.text ? `  matching "${filter.text}"` : ""}`;
}

function cellsOf(one: TopRow, data: TopData): Cell[] {
  if (one.kind === "task") return taskCells(one.task, Date.parse(data.at));
  return one.kind === "agent" ? agentCells(one.agent) : typeCells(one.type);
}

const TASK_COLORS: Readonly<Record<string, Color>> = {
  succeeded: "green",
  failed: "red",
  timed_out: "red",
  cancelled: "yellow",
  running: "blue",
  claimed: "blue",
};

function taskCells(task: TaskRow, now: number): Cell[] {
  const runs = task.status === "running" || task.status === "claimed";
  const began = task.started_at ?? task.claimed_at;
  const ended = task.completed_at ? Date.parse(task.completed_at) : now;
  const took = runs || task.completed_at ? began : null;
  const stopping = runs && task.cancel_requested_at !== null;
  return [
    {
      text: fill((stopping ? "stopping" : task.status).replace("_", " "), 11),
      color: stopping ? "yellow" : TASK_COLORS[task.status],
    },
    { text: ` ${fill(task.task_type, 20)} ` },
    { text: fill(shortId(task.id), 8), color: "grey" },
    { text: fill(`${task.attempts}/${task.max_attempts}`, 6, "right") },
    { text: fill(took ? duration(Math.max(0, ended - Date.parse(took))) : "", 9, "right") },
    {
      text: `  ${
        runs || task.status === "pending"
          ? progressLine(task, now).split("  ").slice(2).join("  ")
          : resultText(task, 300)
      }`,
    },
  ];
}

function agentCells(agent: TopAgent): Cell[] {
  const { status, enabled, uptime, error_count: crashes, run, reason } = agent;
  const word = status === "stopped" && !enabled ? "disabled" : status;
  const spent = typeof agent.cost_today_usd === "number" ? `$${agent.cost_today_usd.toFixed(2)}` : "";
  const budget = typeof agent.budget_day_usd === "number" ? ` of $${agent.budget_day_usd.toFixed(2)}` : "";
  return [
    {
      text: fill(word, 11),
      color: status === "running"
        ? "green"
        : status === "crashed"
        ? "red"
        : status === "stopped"
        ? "grey"
        : "yellow",
    },
    { text: ` ${fill(agent.agent_id, 20)} ` },
    { text: fill(uptime === null ? "" : duration(uptime * 1000), 9, "right") },
    { text: `  ${fill(crashes > 0 ? `${crashes} crashes` : "", 10)}`, color: "red" },
    { text: ` ${fill(spent + budget, 15)}` },
    { text: `  ${run ? `works on: ${run.goal ?? run.id}` : reason ?? ""}` },
  ];
}

function typeCells({ pattern, running, waiting, max_running, paused, reason }: TopType): Cell[] {
  return [
    { text: fill(paused ? "paused" : "open", 11), color: paused ? "yellow" : "green" },
    { text: ` ${fill(pattern, 20)} ` },
    { text: `${running} running` },
    { text: waiting === null ? "" : `, ${waiting} waiting` },
    { text: max_running === null ? "" : `, at most ${max_running}` },
    { text: reason ? `  ${reason}` : "", color: "grey" },
  ];
}

function footLines(ui: TopUi, screen: Screen): string[] {
  const terminal: Pick<Terminal, "color"> = screen;
  if (ui.typing !== undefined) {
    return [row([{ text: `search: ${ui.typing}`, color: "bold" }, { text: "▏" }], screen)];
  }
  if (ui.asked) return [row([{ text: `${ui.asked.question} y/n`, color: "yellow" }], screen)];
  if (ui.notice) return [row([{ text: ui.notice, color: "yellow" }], screen)];
  return [paint(terminal, "grey", fill(KEYS, screen.columns).trimEnd())];
}
