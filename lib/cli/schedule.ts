/** `schedule`: routines, when they fire, and how they fared. */
import { userInfo } from "node:os";
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import {
  type RoutineRow,
  type RoutineRun,
  type RoutineView,
  scheduleText,
  viewRoutines,
} from "../schedule/view.ts";
import { type CliContext, type GlobalOptions, readConfig, withDatabase } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { paint, printable, table, type Terminal } from "./terminal.ts";

const ASK_MS = 500;
const OVER = ["succeeded", "failed", "timed_out", "cancelled", "lost", "skipped", "missed"];

/** Adds the command group. */
export function addSchedule(program: Command, context: CliContext): void {
  const schedule = program.command("schedule").description("routines: what fires by itself, and when");
  schedule.command("list")
    .description("all routines with their next and last runs")
    .action((_options, command: Command) => list(context, command.optsWithGlobals()));
  schedule.command("run <id>")
    .description("run one now, on a worker that has it")
    .option("--wait", "until it has ended; exit 1 unless it succeeded")
    .action((id: string, { wait }: { wait?: boolean }, command: Command) =>
      run(context, id, wait === true, command.optsWithGlobals())
    );
  for (const [word, on] of [["enable", true], ["disable", false]] as const) {
    schedule.command(`${word} <id>`)
      .description(on ? "let it fire again, on all workers" : "let it fire no more, on any worker")
      .option("--reason <text>", "shown by `schedule list`")
      .action((id: string, { reason }: { reason?: string }, command: Command) =>
        switchRoutine(context, id, on, reason, command.optsWithGlobals())
      );
  }
  schedule.command("history [id]")
    .description("past runs, newest first")
    .option("--status <status>", `${["waiting", "running", ...OVER].join(", ")}`)
    .option("--limit <count>", "at most so many", "20")
    .action((id: string | undefined, options: { status?: string; limit: string }, command: Command) =>
      history(context, id, options, command.optsWithGlobals())
    );
}

/** One row for each routine. */
export function routineRows(terminal: Terminal, routines: readonly RoutineView[]): string[][] {
  return routines.map((routine) => [
    printable(routine.id),
    stateText(terminal, routine),
    printable(scheduleText(routine)),
    shortTime(routine.next_run_time),
    lastText(terminal, routine),
    String(routine.counts.missed),
  ]);
}

/** One row for each run. */
export function runRows(terminal: Terminal, runs: readonly RoutineRun[]): string[][] {
  return runs.map((run) => [
    shortTime(run.due_at),
    printable(run.routine_id),
    statusText(terminal, run),
    secondsText(run),
    run.worker_id === null ? "" : printable(run.worker_id),
    printable(run.error ?? (run.by_hand ? `by hand (${run.requested_by ?? "somebody"})` : "")),
  ]);
}

async function list(context: CliContext, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const rows = await withDatabase(config, (database) => database.call<RoutineRow[]>("actp_list_routines"));
  const routines = viewRoutines(rows);
  if (options.json) return terminal.out(JSON.stringify(routines));
  if (routines.length === 0) return terminal.err("there are no routines");
  const head = ["ID", "STATE", "SCHEDULE", "NEXT (UTC)", "LAST (UTC)", "MISSED"];
  for (const line of table(head, routineRows(terminal, routines))) terminal.out(line);
}

async function run(context: CliContext, id: string, wait: boolean, options: GlobalOptions): Promise<void> {
  const { terminal } = context;
  const { config } = await readConfig(context, options);
  const ended = await withDatabase(config, async (database) => {
    const asked = { p_id: id, p_by: userInfo().username };
    const run = await database.call<RoutineRun>("actp_run_routine", asked);
    return wait ? await untilOver(database, run) : run;
  });
  if (options.json) terminal.out(JSON.stringify(ended));
  else if (wait) terminal.out(`${id}: ${ended.status}${ended.error ? `: ${printable(ended.error)}` : ""}`);
  else terminal.out(`${id} runs on the next worker that has it (run ${ended.id})`);
  if (wait && ended.status !== "succeeded") {
    throw new ExitError(EXIT.failed, `The run of ${id} ended as ${ended.status}.`);
  }
}

async function untilOver(database: Database, run: RoutineRun): Promise<RoutineRun> {
  let now = run;
  while (!OVER.includes(now.status)) {
    await systemClock.sleep(ASK_MS);
    now = await database.call<RoutineRun>("actp_get_routine_run", { p_id: run.id });
  }
  return now;
}

async function switchRoutine(
  context: CliContext,
  id: string,
  on: boolean,
  reason: string | undefined,
  options: GlobalOptions,
): Promise<void> {
  const { config } = await readConfig(context, options);
  const row = await withDatabase(config, (database) =>
    database.call<RoutineRow>("actp_switch_routine", {
      p_id: id,
      p_on: on,
      p_by: userInfo().username,
      p_reason: reason ?? null,
    }));
  const routine = viewRoutines([row])[0]!;
  const next = routine.next_run_time ? `, next at ${routine.next_run_time}` : "";
  context.terminal.out(options.json ? JSON.stringify(routine) : `${id} is ${on ? "on" : "off"}${next}`);
}

async function history(
  context: CliContext,
  id: string | undefined,
  { status, limit }: { status?: string; limit: string },
  options: GlobalOptions,
): Promise<void> {
  const { terminal } = context;
  const statuses = ["waiting", "running", ...OVER];
  if (status !== undefined && !statuses.includes(status)) {
    throw new ExitError(EXIT.usage, `--status must be one of ${statuses.join(", ")}`);
  }
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 500) {
    throw new ExitError(EXIT.usage, "--limit must be 1 to 500");
  }
  const { config } = await readConfig(context, options);
  const runs = await withDatabase(
    config,
    (database) =>
      database.call<RoutineRun[]>("actp_list_routine_runs", {
        p_routine_id: id ?? null,
        p_status: status ?? null,
        p_limit: Number(limit),
      }),
  );
  if (options.json) return terminal.out(JSON.stringify(runs));
  if (runs.length === 0) return terminal.err("there is none");
  const head = ["DUE (UTC)", "ROUTINE", "STATUS", "TOOK", "WORKER", ""];
  for (const line of table(head, runRows(terminal, runs))) terminal.out(line);
}

function stateText(terminal: Terminal, routine: RoutineView): string {
  const { state, switched, switched_by, switched_reason, rests_until, now } = routine;
  if (state === "nowhere") return paint(terminal, "grey", "no worker");
  if (state === "off") {
    const why = switched === false
      ? ` by ${switched_by ?? "somebody"}${switched_reason ? `: ${switched_reason}` : ""}`
      : "";
    return paint(terminal, "yellow", printable(`off${why}`));
  }
  if (routine.open_runs.some(({ status }) => status === "running")) {
    return paint(terminal, "green", "running");
  }
  const rests = rests_until !== null && Date.parse(rests_until) > Date.parse(now);
  return rests ? paint(terminal, "yellow", `rests until ${shortTime(rests_until)}`) : "on";
}

function lastText(terminal: Terminal, { last_run }: RoutineView): string {
  return last_run === null ? "" : `${shortTime(last_run.due_at)} ${statusText(terminal, last_run)}`;
}

function statusText(terminal: Terminal, { status, missed_count = 1 }: RoutineRun): string {
  const text = status === "missed" && missed_count > 1
    ? `missed ${missed_count} times`
    : status.replace("_", " ");
  const good = ["succeeded", "running", "waiting"].includes(status);
  return good ? text : paint(terminal, ["skipped", "missed"].includes(status) ? "yellow" : "red", text);
}

function secondsText({ started_at, ended_at }: RoutineRun): string {
  if (started_at === null || ended_at === null) return "";
  return `${((Date.parse(ended_at) - Date.parse(started_at)) / 1000).toFixed(1)} s`;
}

function shortTime(iso: string | null): string {
  return iso === null ? "" : new Date(iso).toISOString().slice(0, 19).replace("T", " ");
}
