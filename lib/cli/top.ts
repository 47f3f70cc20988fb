/** `top`: the control room at a terminal, for people on ssh. */
import type { Command } from "commander";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { Wakeup } from "../wakeup.ts";
import { askDaemon, type CliContext, type GlobalOptions, readConfig, requestDaemon } from "./context.ts";
import { EXIT, ExitError } from "./exit.ts";
import { readTop, type TopData } from "./top_data.ts";
import { topScreen } from "./top_screen.ts";
import { type RawTerminal, withRawTerminal } from "./top_terminal.ts";
import { FIRST_UI, type KeyEffect, onKey, type TopAct, type TopUi } from "./top_ui.ts";

interface TopOptions extends GlobalOptions {
  readonly once?: boolean;
  /** Seconds. */
  readonly interval: number;
}

const STREAM_WIDTH = 120;
/** However much happens: more often than this nobody can read. */
const LEAST_PAUSE_MS = 250;
const EVENTS_AGAIN_MS = 10_000;

/** Seconds, as people type them. @throws ExitError 2 */
function interval(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 3600) return Number(text);
  throw new ExitError(EXIT.usage, `--interval "${text}" is not a whole number of seconds from 1 to 3600`);
}

/** Adds the command. */
export function addTop(program: Command, context: CliContext): void {
  program.command("top")
    .description("watch tasks, agents and queues at a terminal, and steer them by keys")
    .option("--once", "print it once and end; so it is where the output is no terminal")
    .option("--interval <seconds>", "ask at least this often (2)", interval, 2)
    .addHelpText(
      "after",
      `
Examples:
  $ actp-worker top
  $ ssh studio actp-worker top --once
  $ actp-worker top --json | jq '.tasks[] | select(.status == "failed") | .error'

Keys: f state, / search, c cancel, r retry or restart, s start or stop, p pause or resume, ? help, q quit.`,
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<TopOptions>();
      const { config } = await readConfig(context, options);
      if (options.json || options.once || !Deno.stdout.isTerminal() || !Deno.stdin.isTerminal()) {
        return await printOnce(context, config, options);
      }
      await new Top(config, context.terminal.color, options.interval * 1000, systemClock).run();
    });
}

async function printOnce({ terminal }: CliContext, config: Config, options: TopOptions): Promise<void> {
  const data = await readTop(config, FIRST_UI.filter);
  if (options.json) return terminal.out(JSON.stringify(data));
  const columns = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : STREAM_WIDTH;
  const screen = { columns, rows: undefined, color: terminal.color };
  for (const line of topScreen(data, FIRST_UI, screen)) terminal.out(line);
}

/** The screen, from the first look to the last key. */
class Top {
  readonly #stopping = new AbortController();
  readonly #news = new Wakeup();
  #ui: TopUi = FIRST_UI;
  #data: TopData | undefined;
  #terminal: RawTerminal | undefined;
  /** What was asked for by keys and has not been done yet. */
  readonly #acts: TopAct[] = [];
  /** The last look failed, and the notice says why. */
  #blind = false;

  constructor(
    private readonly config: Config,
    private readonly color: boolean,
    private readonly intervalMs: number,
    private readonly clock: Clock,
  ) {}

  /** @throws ExitError where the worker does not answer at the start */
  async run(): Promise<void> {
    this.#data = await readTop(this.config, this.#ui.filter);
    await withRawTerminal({
      onKey: (key) => this.#onKey(key),
      onResize: () => this.#draw(),
      onStop: () => this.#stopping.abort(),
    }, async (terminal) => {
      this.#terminal = terminal;
      this.#draw();
      await Promise.all([this.#watch(), this.#listen()]);
    });
  }

  #draw(): void {
    if (!this.#data || !this.#terminal) return;
    const { columns, rows } = this.#terminal.size();
    this.#terminal.draw(topScreen(this.#data, this.#ui, { columns, rows, color: this.color }));
  }

  #onKey(key: string): void {
    const effect: KeyEffect = onKey(this.#ui, key, this.#data!);
    this.#ui = effect.ui;
    this.#draw();
    if (effect.quit) this.#stopping.abort();
    if (effect.act) this.#acts.push(effect.act);
    if (effect.refresh || effect.act) this.#news.wake();
  }

  /** Asks whenever something has happened, and now and then besides. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#news.wait(this.intervalMs, this.clock, signal);
      if (signal.aborted) return;
      for (const act of this.#acts.splice(0)) await this.#do(act);
      await this.#look();
      await this.clock.sleep(LEAST_PAUSE_MS, signal);
    }
  }

  async #do({ path, body, told }: TopAct): Promise<void> {
    const failure = await failureOf(() => askDaemon(this.config, "POST", path, { body }));
    this.#ui = { ...this.#ui, notice: failure ?? told };
  }

  /** A worker that restarts must not end the screen. */
  async #look(): Promise<void> {
    const failure = await failureOf(async () => {
      this.#data = await readTop(this.config, this.#ui.filter);
    });
    if (failure !== undefined || this.#blind) this.#ui = { ...this.#ui, notice: failure ?? "" };
    this.#blind = failure !== undefined;
    this.#draw();
  }

  /** Wakes the watch with every event; a worker without them is only asked. */
  async #listen(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const response = await requestDaemon(this.config, "GET", "/events", { signal });
        if (!response.ok) await response.body?.cancel();
        else for await (const _chunk of response.body ?? []) this.#news.wake();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ExitError) && !(error instanceof TypeError)) throw error;
      }
      await this.clock.sleep(EVENTS_AGAIN_MS, signal);
    }
  }
}

/** Why the work failed, for a person; undefined where it did not. */
async function failureOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof ExitError) return error.message;
    // The connection broke or the time was over while the answer came.
    if (error instanceof TypeError || error instanceof DOMException) {
      return `The worker does not answer: ${error.message}`;
    }
    throw error;
  }
}
