/** What agents have spent, against what they may. */
import type { Clock } from "../../clock.ts";
import type { Database } from "../../database/database.ts";
import { logger } from "../../log.ts";

/** What agents may spend, in US dollars; no limit where one is missing. */
export interface AgentBudgets {
  /** Each agent in a day. */
  readonly dayUsd?: number;
  /** All of them together in a month. */
  readonly monthUsd?: number;
}

/** The part of an agent's status that is about money; null when it is not known, or not limited. */
export interface AgentCost {
  readonly cost_today_usd: number | null;
  readonly budget_day_usd: number | null;
  readonly cost_month_usd: number | null;
  readonly budget_month_usd: number | null;
}

/** What was spent, at one moment. */
export interface Spending {
  of(agentId: string): AgentCost;
  /** Of all agents; null when it is not known. */
  readonly monthUsd: number | null;
}

interface Costs {
  readonly month_usd: number;
  readonly agents: Readonly<Record<string, { readonly day_usd: number; readonly month_usd: number }>>;
}

const READ_MS = 2_000;
const KEEP_MS = 5_000;
const STALE_MS = 60_000;

/** Reads what was spent, at most every 5 s. What is younger than a minute is told at once, and read again meanwhile. */
export class AgentCosts {
  readonly budgets: AgentBudgets;
  readonly #database: Database;
  readonly #clock: Clock;
  #known: { readonly at: number; readonly costs: Costs } | undefined;
  #reading: { readonly at: number; readonly over: Promise<void> } | undefined;

  constructor(database: Database, clock: Clock, budgets: AgentBudgets = {}) {
    this.#database = database;
    this.#clock = clock;
    this.budgets = budgets;
  }

  /** Never throws. */
  async read(): Promise<Spending> {
    const now = this.#clock.monotonic();
    const { dayUsd = null, monthUsd = null } = this.budgets;
    if (!this.#reading || now - this.#reading.at >= KEEP_MS) {
      this.#reading = { at: now, over: this.#refresh(now) };
    }
    if (!this.#known || now - this.#known.at >= STALE_MS) await this.#reading.over;
    const costs = this.#known && now - this.#known.at < STALE_MS ? this.#known.costs : undefined;
    return {
      monthUsd: costs?.month_usd ?? null,
      of: (agentId) => ({
        cost_today_usd: costs ? costs.agents[agentId]?.day_usd ?? 0 : null,
        budget_day_usd: dayUsd,
        cost_month_usd: costs ? costs.agents[agentId]?.month_usd ?? 0 : null,
        budget_month_usd: monthUsd,
      }),
    };
  }

  async #refresh(at: number): Promise<void> {
    try {
      const costs = await this.#database.call<Costs>("actp_agent_costs", {}, { timeoutMs: READ_MS });
      this.#known = { at, costs };
    } catch (error) {
      // What this worker knows by itself is told even while the database is away.
      logger("control").debug`what agents have spent could not be read: ${(error as Error).message}`;
    }
  }
}
