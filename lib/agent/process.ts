/** The life of an agent's process: it looks for goals, runs them one at a time, and tells its supervisor how it fares. */
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { logger } from "../log.ts";
import { runServices, type Service } from "../service.ts";
import { Wakeup } from "../wakeup.ts";
import type { ActRunner } from "./act_runner.ts";
import type { AgentDefinition } from "./agent.ts";
import type { Goals, HeldGoal, StopReason } from "./goals.ts";
import { ErrorStreak } from "./health.ts";
import type { SupervisorLink } from "./link.ts";
import { type AgentHealth, HEARTBEAT_MS, type RunUsage } from "./protocol.ts";
import { readSpending, spentBudget, usd } from "./records.ts";
import type { FinishedRun, RunGoal } from "./run.ts";
import type { AgentSettings } from "./settings.ts";

/** What the process is made from. */
export interface AgentProcessOptions {
  readonly agent: AgentDefinition;
  readonly settings: AgentSettings;
  readonly database: Database;
  readonly goals: Goals;
  readonly acts: ActRunner;
  readonly link: SupervisorLink;
  readonly clock: Clock;
  /** Runs a goal; never rejects. */
  readonly run: (
    goal: RunGoal,
    signal: AbortSignal,
    onStart: (runId: string) => void,
  ) => Promise<FinishedRun>;
}

/** Room for reporting a released goal before the supervisor kills, in ms. */
const RELEASE_MS = 3_000;
/** How often a budget that is used up is looked at, in ms. */
const BUDGET_POLL_MS = 60_000;

/** One agent at work. */
export class AgentProcess {
  readonly #options: AgentProcessOptions;
  readonly #log;
  readonly #wakeup = new Wakeup();
  readonly #errors = new ErrorStreak();
  /** No new goal. */
  readonly #stop = new AbortController();
  /** The run in progress gives its goal back. */
  readonly #release = new AbortController();
  #running: { readonly id: string; readonly goal: string } | undefined;
  #budget: string | undefined;
  #monthUsd: number | undefined;
  #alerted = false;

  constructor(options: AgentProcessOptions) {
    this.#options = options;
    this.#log = logger("agent");
  }

  /** Works until it is told to stop or the supervisor is gone. */
  async run(): Promise<void> {
    const { goals, acts, link } = this.#options;
    const gone = link.listen(({ type }) => type === "drain" ? this.drain() : this.wake()).finally(() =>
      this.stopNow()
    );
    gone.catch((error: Error) => this.#log.error(`The supervisor cannot be heard: ${error.message}`));
    const over = new AbortController();
    const stopped = AbortSignal.any([this.#stop.signal, over.signal]);
    const beats: Service = { name: "heartbeats", run: (signal) => this.#beat(signal) };
    const work: Service = {
      name: "goals",
      run: async () => {
        try {
          await goals.rescue(this.#stop.signal);
          link.report({ type: "ready" });
          await this.#work();
        } finally {
          over.abort();
        }
      },
    };
    const approved: Service = { name: acts.name, run: () => acts.run(stopped) };
    try {
      await runServices([work, beats, approved], over.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    } finally {
      this.stopNow();
    }
  }

  /** Takes no new goal; the run in progress may finish, for as long as there is time. */
  drain(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    const { clock, settings } = this.#options;
    void clock.sleep(Math.max(settings.drainMs - RELEASE_MS, 0), this.#release.signal).then(() =>
      this.#release.abort()
    );
  }

  /** Takes no new goal and gives the one in progress back. */
  stopNow(): void {
    this.#stop.abort();
    this.#release.abort();
  }

  /** Looks at once for goals, for approved acts, and whether the goal in progress was cancelled. */
  wake(): void {
    this.#wakeup.wake();
    this.#options.goals.check();
    this.#options.acts.wake();
  }

  async #work(): Promise<void> {
    const { goals, agent, clock } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (await this.#budgetLeft(signal)) {
          const goal = await goals.claim(signal);
          if (goal) {
            await this.#do(goal);
            continue;
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn(`Cannot look for goals: ${(error as Error).message}`);
      }
      await this.#wakeup.wait(this.#budget ? BUDGET_POLL_MS : agent.pollSeconds * 1000, clock, signal);
    }
  }

  async #do(held: HeldGoal): Promise<void> {
    const { goals, link, run } = this.#options;
    const stop = new AbortController();
    const stopRun = (why: StopReason) => stop.abort(why);
    const release = () => stopRun("released");
    this.#release.signal.addEventListener("abort", release, { once: true });
    if (this.#release.signal.aborted) release();
    const over = new AbortController();
    const kept = goals.keep(held, stopRun, over.signal);
    try {
      const goal = { text: held.goal, context: held.context, taskId: held.id };
      const finished = await run(goal, stop.signal, (id) => {
        this.#running = { id, goal: held.goal };
        link.report({ type: "run_started", run: this.#running });
      });
      const { stop: outcome, error, costUsd } = finished;
      this.#log.info("run ended: {outcome}, {cost}", { outcome, cost: usd(costUsd), error });
      if (this.#running) {
        link.report({
          type: "run_ended",
          run: { id: this.#running.id },
          outcome,
          error,
          usage: usageOf(finished),
        });
      }
      await this.#judge(finished);
      over.abort();
      await kept;
      if (await goals.settle(held, finished) === "lost") {
        this.#log.warn("a goal was another's before its run ended", { goal: held.id });
      }
    } finally {
      over.abort();
      this.#release.signal.removeEventListener("abort", release);
      this.#running = undefined;
    }
  }

  /** After too many errors in a row it asks for a restart. */
  async #judge(finished: FinishedRun): Promise<void> {
    if (!this.#errors.add(finished)) return;
    const reason = this.#errors.reason!;
    this.#log.error(`unhealthy: ${reason}; asking for a restart`);
    try {
      await this.#options.database.call("actp_set_agent_needs_restart", {
        p_agent_id: this.#options.agent.id,
        p_needs_restart: true,
        p_reason: reason,
      });
    } catch (error) {
      this.#log.error(`Cannot ask for a restart: ${(error as Error).message}`);
    }
  }

  /** Whether the day's and the month's budgets leave anything. */
  async #budgetLeft(signal: AbortSignal): Promise<boolean> {
    const { database, agent, settings } = this.#options;
    const spent = await readSpending(database, agent.id, signal);
    this.noteMonthCost(spent.month_usd);
    const before = this.#budget;
    this.#budget = spentBudget(settings.budgets, spent);
    if (this.#budget && !before) this.#log.warn(`no goals are taken: ${this.#budget}`);
    if (before && !this.#budget) this.#log.info("goals are taken again: there is a new budget");
    return this.#budget === undefined;
  }

  /** Takes what all agents have spent this month, in US dollars; warns once when it is near its limit. */
  noteMonthCost(usdSpent: number): void {
    const { alertUsd } = this.#options.settings;
    this.#monthUsd = usdSpent;
    if (usdSpent < alertUsd) this.#alerted = false;
    else if (!this.#alerted) {
      this.#alerted = true;
      this.#log.warn("the agents have cost {spent} this month, the alert is at {alert}", {
        spent: usd(usdSpent),
        alert: usd(alertUsd),
      });
    }
  }

  #health(): AgentHealth {
    const { reason } = this.#errors;
    return {
      status: reason ? "unhealthy" : "healthy",
      ...reason ? { reason } : this.#budget ? { reason: this.#budget } : {},
      errors_in_a_row: this.#errors.count,
      ...this.#monthUsd !== undefined && { month_usd: this.#monthUsd },
    };
  }

  async #beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const state = this.#stop.signal.aborted ? "draining" : this.#running ? "busy" : "idle";
      this.#options.link.report({ type: "heartbeat", state, health: this.#health(), run: this.#running });
      await this.#options.clock.sleep(HEARTBEAT_MS, signal);
    }
  }
}

function usageOf({ use, costUsd }: FinishedRun): RunUsage {
  return {
    input_tokens: use.input,
    output_tokens: use.output,
    cache_read_tokens: use.cacheRead,
    cache_write_tokens: use.cacheWrite,
    cost_usd: costUsd,
  };
}
