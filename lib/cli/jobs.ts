/** `jobs`: WDL jobs on a jobs server: submit, get, wait, cancel, list. */
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../clock.ts";
import { onStopSignals } from "../daemon/signals.ts";
import type { Job, JobLine, JobsClient } from "../jobs/client.ts";
import { isFinal, JOB_STATES, type JobState, runId } from "../jobs/protocol.ts";
import { readWdl } from "../jobs/wdl_imports.ts";
import { type CliContext, type GlobalOptions, readConfig, readJsonArgument } from "./context.ts";
import { integer } from "./enqueue.ts";
import { EXIT, ExitError } from "./exit.ts";
import { followJob } from "./jobs_follow.ts";
import { jobsExit, jobsTarget } from "./jobs_target.ts";
import { timeSpan } from "./tasks.ts";
import { duration, paint, printable, table, type Terminal } from "./terminal.ts";

interface WaitOptions extends GlobalOptions {
  /** Seconds. */
  readonly timeout?: number;
}

interface SubmitOptions extends WaitOptions {
  readonly inputs?: string;
  readonly baseDir?: string;
  readonly runId?: string;
  readonly task?: string;
  readonly priority?: number;
  readonly maxAttempts?: number;
  readonly timeoutMinutes?: number;
  readonly wait?: boolean;
}

interface CancelOptions extends GlobalOptions {
  readonly reason?: string;
  readonly within?: number;
}

interface ListOptions extends GlobalOptions {
  readonly state?: string[];
  readonly worker?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Adds the command group. */
export function addJobs(program: Command, context: CliContext): void {
  const jobs = program.command("jobs").description("submit WDL jobs to a jobs server, and look at them");
  const add = (usage: string, description: string) => jobs.command(usage).description(description);
  const waiting = (command: Command) =>
    command.option("--timeout <time>", "wait at most so long: 30s, 5m, 1h; the job goes on", timeSpan);

  waiting(add("submit <wdl>", "put in a job; local imports are sent along"))
    .option("-i, --inputs <file>", "the inputs, by `<workflow>.<name>`: a JSON file, or - for standard input")
    .option("--base-dir <folder>", "where the worker looks for input files with relative names")
    .option("--run-id <id>", "the job's name; the same name with the same job makes it only once")
    .option("--task <name>", "run this task and not the workflow")
    .option("--priority <n>", "higher runs first", integer("--priority"))
    .option(
      "--max-attempts <n>",
      "how often it is tried when workers are lost (3)",
      integer("--max-attempts"),
    )
    .option("--timeout-minutes <n>", "the hard limit of one attempt (1440)", integer("--timeout-minutes"))
    .option("-w, --wait", "show its changes and wait for its end; exit 1 unless it succeeds")
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker jobs submit align.wdl -i inputs.json --base-dir /data --wait
  $ actp-worker jobs submit align.wdl --run-id align-2026-11-20 --server https://jobs.example.org`,
    )
    .action((wdl: string, _options, command: Command) => submit(context, wdl, command.optsWithGlobals()));
  add("get <id>", "where a job stands, and what came of it")
    .action((id: string, _options, command: Command) =>
      ask(context, command.optsWithGlobals(), async (client) => {
        const job = await client.get(name(id));
        return { data: job, lines: detail(context.terminal, job) };
      })
    );
  waiting(add("wait <id>", "show a job's changes and wait for its end; exit 1 unless it succeeds"))
    .action((id: string, _options, command: Command) => {
      const options = command.optsWithGlobals<WaitOptions>();
      return withServer(context, options, (client) => wait(context.terminal, client, name(id), options));
    });
  add("cancel <id>", "cancel a job: at once when it waits, within one heartbeat when it runs")
    .option("--reason <text>", "kept with the job")
    .option("--within <time>", "cancel it where its worker has not stopped by then: 30s, 5m, 1h", timeSpan)
    .action((id: string, _options, command: Command) => {
      const options = command.optsWithGlobals<CancelOptions>();
      return ask(context, options, async (client) => {
        const data = await client.cancel(name(id), { reason: options.reason, withinSeconds: options.within });
        const asked = data.cancel_requested && !isFinal(data.state)
          ? "; its worker has been asked to stop"
          : "";
        return { data, lines: [`${data.run_id} is ${data.state}${asked}`] };
      });
    });
  add("list", "the newest jobs, newest first")
    .option("-s, --state <state...>", `only these: ${JOB_STATES.join(" ")}`)
    .option("--worker <id>", "only those that this worker holds or held last")
    .option("-n, --limit <n>", "how many (20)", integer("--limit"), 20)
    .option("--cursor <cursor>", "go on after an earlier page (its next_cursor in --json)")
    .action((_options, command: Command) => list(context, command.optsWithGlobals()));
}

async function submit(context: CliContext, path: string, options: SubmitOptions): Promise<void> {
  const { terminal } = context;
  if (options.runId !== undefined) name(options.runId);
  const source = await readWdl(resolve(context.cwd, path)).catch((error) => {
    throw new ExitError(EXIT.usage, (error as Error).message, { cause: error });
  });
  const inputs = options.inputs === undefined ? undefined : await readJsonArgument(
    context,
    "--inputs",
    options.inputs === "-" ? "-" : `@${options.inputs}`,
  );
  if (inputs !== undefined && (typeof inputs !== "object" || inputs === null || Array.isArray(inputs))) {
    throw new ExitError(EXIT.usage, "--inputs must hold a JSON object");
  }
  await withServer(context, options, async (client) => {
    const { run_id, created } = await client.submit({
      wdl: source.wdl,
      inputs: inputs as Record<string, unknown> | undefined,
      options: {
        task: options.task,
        run_id: options.runId,
        base_dir: options.baseDir && resolve(context.cwd, options.baseDir),
      },
      // Not an empty one: servers that do not know imports take the rest.
      ...(Object.keys(source.imports).length > 0 && { imports: source.imports }),
      priority: options.priority,
      max_attempts: options.maxAttempts,
      timeout_minutes: options.timeoutMinutes,
    });
    if (created === false) terminal.err(`${run_id} was submitted before; nothing was added`);
    if (options.wait) return await wait(terminal, client, run_id, options);
    terminal.out(options.json ? JSON.stringify({ run_id, created }) : run_id);
    terminal.err(`wait for ${basename(path)} with: actp-worker jobs wait ${run_id}`);
  });
}

async function wait(terminal: Terminal, client: JobsClient, id: string, options: WaitOptions): Promise<void> {
  const interrupted = new AbortController();
  const stopListening = onStopSignals(() => interrupted.abort());
  const late = new AbortController();
  if (options.timeout !== undefined) {
    void systemClock.sleep(options.timeout * 1000, interrupted.signal).then(() => late.abort());
  }
  try {
    const signal = AbortSignal.any([interrupted.signal, late.signal]);
    const job = await followJob(client, id, {
      changed: (line) => terminal.err(line),
      progress: (line) => terminal.status(line),
    }, { clock: systemClock, signal });
    terminal.endStatus();
    if (!job || !isFinal(job.state)) {
      const state = job ? `is ${job.state}` : "has not been seen";
      const why = interrupted.signal.aborted ? "No longer waiting" : `Not done after ${options.timeout} s`;
      throw new ExitError(
        EXIT.failed,
        `${why}: job ${id} ${state} and goes on. See \`actp-worker jobs wait ${id}\`, or cancel it with \`jobs cancel\`.`,
      );
    }
    if (options.json) terminal.out(JSON.stringify(job));
    else if (job.result?.type === "success") {
      terminal.out(JSON.stringify(job.result.response?.outputs ?? {}, null, 2));
    }
    if (job.state !== "Succeeded") throw new ExitError(EXIT.failed, failureText(job));
  } finally {
    interrupted.abort(); // ends the timer
    stopListening();
  }
}

function failureText(job: Job): string {
  if (job.result?.type !== "failure") return `Job ${job.run_id} is ${job.state}`;
  const { message, exit_code, stderr } = job.result;
  const code = typeof exit_code === "number" ? ` (exit code ${exit_code})` : "";
  const tail = (stderr ?? "").trimEnd().split("\n").slice(-20).map((line) => `    ${printable(line)}`);
  return [
    `Job ${job.run_id} ${job.state}: ${printable(message).slice(0, 2000)}${code}`,
    ...(stderr ? tail : []),
  ].join("\n");
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const states = options.state?.map((word): JobState => {
    const state = JOB_STATES.find((known) => known.toLowerCase() === word.toLowerCase());
    if (state) return state;
    throw new ExitError(EXIT.usage, `--state "${word}" is none of ${JOB_STATES.join(" ")}`);
  });
  await ask(context, options, async (client) => {
    const page = await client.list({
      states,
      workerId: options.worker,
      limit: options.limit,
      cursor: options.cursor,
    });
    const now = Date.now();
    const lines = page.jobs.length === 0 ? [] : table(
      ["ID", "STATE", "TRIES", "AGE", "WORKER"],
      page.jobs.map((job) => row(context.terminal, job, now)),
    );
    if (!options.json && lines.length === 0) context.terminal.err("no jobs");
    if (!options.json && page.next_cursor) context.terminal.err(`more: --cursor '${page.next_cursor}'`);
    return { data: page, lines };
  });
}

function row(terminal: Terminal, job: JobLine, now: number): string[] {
  return [
    job.run_id,
    stateText(terminal, job.state),
    `${job.attempt ?? "?"}/${job.max_attempts ?? "?"}`,
    job.created_at ? duration(now - Date.parse(job.created_at)) : "?",
    printable(job.worker_id ?? ""),
  ];
}

function detail(terminal: Terminal, job: Job): string[] {
  const line = (label: string, value: string) => `${paint(terminal, "grey", label.padEnd(10))}${value}`;
  const { result } = job;
  return [
    line("job", job.run_id),
    line("state", stateText(terminal, job.state)),
    ...(job.task_id ? [line("task", job.task_id)] : []),
    ...(job.attempt === undefined ? [] : [line("attempts", `${job.attempt} of ${job.max_attempts}`)]),
    line("worker", printable(job.worker_id ?? "–")),
    ...(job.created_at ? [line("created", job.created_at)] : []),
    ...(job.completed_at ? [line("completed", job.completed_at)] : []),
    ...(job.attempts ?? []).map(({ attempt, worker_id, outcome, message }) =>
      printable(`attempt ${attempt}: ${outcome} on ${worker_id ?? "?"}${message ? `: ${message}` : ""}`)
    ),
    ...(result?.type === "failure" ? failureText(job).split("\n") : []),
    ...(result?.type === "success" ? [JSON.stringify(result.response?.outputs ?? {}, null, 2)] : []),
  ];
}

function stateText(terminal: Terminal, state: JobState): string {
  const colors = {
    Running: "blue",
    Succeeded: "green",
    Failed: "red",
    TimedOut: "red",
    Canceled: "yellow",
  } as const;
  return state === "Pending" ? state : paint(terminal, colors[state], state);
}

/** Asks once and prints the answer. */
async function ask(
  context: CliContext,
  options: GlobalOptions,
  question: (client: JobsClient) => Promise<{ data: unknown; lines: string[] }>,
): Promise<void> {
  await withServer(context, options, async (client) => {
    const { data, lines } = await question(client);
    for (const line of options.json ? [JSON.stringify(data)] : lines) context.terminal.out(line);
  });
}

async function withServer(
  context: CliContext,
  options: GlobalOptions,
  work: (client: JobsClient) => Promise<void>,
): Promise<void> {
  const client = await jobsTarget(await readConfig(context, options));
  try {
    await work(client);
  } catch (error) {
    throw jobsExit(error);
  }
}

function name(text: string): string {
  const parsed = runId.safeParse(text);
  if (parsed.success) return text;
  throw new ExitError(
    EXIT.usage,
    `"${printable(text.slice(0, 100))}" is not a job's name: it ${parsed.error.issues[0].message}`,
  );
}
