/**
 * Keeps the registry in the database in step with the agents of this worker, and obeys what is asked for there.
 * Without the database the agents go on: what it has missed is told when it is back.
 */
import type { Clock } from "../clock.ts";
import { logger } from "../log.ts";
import { Wakeup } from "../wakeup.ts";
import type { AgentRegistry, Crash, HeldAgent, RegisteredAgent } from "./registry.ts";
import type { SupervisedAgent } from "./supervised_agent.ts";

/** What it is made of. */
export interface SyncOptions {
  readonly registry: AgentRegistry;
  readonly clock: Clock;
  /** How often restart requests are looked for, in ms. */
  readonly watchMs: number;
  /** How often the agents' health is told, in ms. */
  readonly heartbeatMs: number;
}

/** Crashes that wait for the database; the oldest are forgotten. */
const MAX_WAITING_CRASHES = 1000;

/** See above. */
export class RegistrySync {
  readonly #options: SyncOptions;
  readonly #log = logger("supervisor");
  readonly #wakeup = new Wakeup();
  /** Those that run here or should. */
  readonly #agents = new Map<string, SupervisedAgent>();
  readonly #registered = new Set<string>();
  /** Those whose state the database has not been told. */
  readonly #changed = new Set<string>();
  readonly #cleared = new Set<string>();
  readonly #abandoned = new Set<string>();
  /** With their monotonic time. */
  #crashes: { readonly crash: Crash; readonly at: number }[] = [];
  #beatAt = -Infinity;
  #failing = false;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** Its state or its health is another one. */
  changed(agent: SupervisedAgent): void {
    this.#changed.add(agent.spec.id);
    this.#wakeup.wake();
  }

  crashed(crash: Crash): void {
    this.#crashes = [...this.#crashes, { crash, at: this.#options.clock.monotonic() }].slice(
      -MAX_WAITING_CRASHES,
    );
    this.#wakeup.wake();
  }

  abandoned(agentId: string): void {
    this.#abandoned.add(agentId);
    this.#wakeup.wake();
  }

  cleared(agentId: string): void {
    this.#cleared.add(agentId);
    this.#wakeup.wake();
  }

  /**
   * Registers agents that are to run here, and learns of their earlier crashes.
   * @returns whether the database could be asked; if it could, those that another worker runs know it
   */
  async add(agents: readonly SupervisedAgent[], signal?: AbortSignal): Promise<boolean> {
    for (const agent of agents) this.#agents.set(agent.spec.id, agent);
    return await this.#attempt(async () => {
      await this.#register(agents, signal);
      await this.#learnPast(agents, signal);
    });
  }

  /** Goes on until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, watchMs } = this.#options;
    while (!signal.aborted) {
      await this.#attempt(() => this.#round(signal), signal);
      await this.#wakeup.wait(watchMs, clock, signal);
    }
  }

  /** All agents are stopped. Tells what has not been told yet, and says goodbye. */
  async sayGoodbye(): Promise<void> {
    await this.#attempt(async () => {
      await this.#tellCrashes();
      await this.#releaseGoals();
      await this.#options.registry.deregisterAll();
    });
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { registry, clock, heartbeatMs } = this.#options;
    const beatIsDue = clock.monotonic() - this.#beatAt >= heartbeatMs;
    // Those that another worker runs are asked for again now and then: it may have gone.
    const open = this.#all().filter(({ spec, heldBy }) =>
      !this.#registered.has(spec.id) && (heldBy === undefined || beatIsDue)
    );
    if (open.length > 0) await this.#register(open, signal);
    await this.#tellCrashes(signal);
    await this.#releaseGoals(signal);
    for (const id of [...this.#cleared]) {
      await registry.clearCrashes(id, signal);
      this.#cleared.delete(id);
    }
    await this.#tellChanges(signal);
    for (const { agent_id, reason } of await registry.takeRestartRequests(signal)) {
      this.#log.info`${agent_id}: a restart was asked for in the registry (${reason ?? "no reason given"})`;
      this.#agents.get(agent_id)?.restart(reason ?? "asked for in the registry");
    }
    if (beatIsDue) await this.#beat(signal);
  }

  async #register(agents: readonly SupervisedAgent[], signal?: AbortSignal): Promise<void> {
    const held = await this.#options.registry.registerAll(agents.map(registered), signal);
    const holders = new Map(held.map(({ agent_id, held_by }) => [agent_id, held_by!]));
    for (const agent of agents) {
      const { id } = agent.spec;
      const holder = holders.get(id);
      if (holder !== undefined) {
        agent.yieldTo(holder);
        continue;
      }
      this.#registered.add(id);
      this.#changed.add(id);
      if (agent.heldBy === undefined) continue;
      this.#log.info(`${id} no longer runs on the worker ${agent.heldBy}: it is started here`);
      agent.start();
    }
  }

  async #learnPast(agents: readonly SupervisedAgent[], signal?: AbortSignal): Promise<void> {
    const now = this.#options.clock.now();
    const past = await this.#options.registry.past(agents.map(({ spec }) => spec.id), signal);
    for (const agent of agents) {
      const { crash_ages, cleared_age, last_run_at } = past[agent.spec.id]!;
      agent.remember({
        crashes: crash_ages.map((age) => now - age * 1000),
        clearedAt: cleared_age === null ? undefined : now - cleared_age * 1000,
        lastRunAt: last_run_at === null ? undefined : Date.parse(last_run_at),
      });
    }
  }

  async #tellCrashes(signal?: AbortSignal): Promise<void> {
    const { registry, clock } = this.#options;
    for (let next = this.#crashes[0]; next; next = this.#crashes[0]) {
      await registry.recordCrash({ ...next.crash, ageMs: clock.monotonic() - next.at }, signal);
      this.#crashes.shift();
    }
  }

  async #releaseGoals(signal?: AbortSignal): Promise<void> {
    for (const id of [...this.#abandoned]) {
      const count = await this.#options.registry.releaseGoals(id, signal);
      if (count > 0) this.#log.info(`${id} was ended in the middle of a goal, which is given back`);
      this.#abandoned.delete(id);
    }
  }

  async #tellChanges(signal: AbortSignal): Promise<void> {
    for (const id of [...this.#changed]) {
      const agent = this.#agents.get(id);
      this.#changed.delete(id);
      if (!agent || !this.#registered.has(id)) continue;
      try {
        const ours = await this.#options.registry.setStatus(id, agent.state, agent.reason, signal);
        if (!ours) this.#registered.delete(id);
      } catch (error) {
        this.#changed.add(id);
        throw error;
      }
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { registry, clock } = this.#options;
    const ours = this.#all().filter(({ spec }) => this.#registered.has(spec.id));
    if (ours.length === 0) return void (this.#beatAt = clock.monotonic());
    const lost = await registry.heartbeat(
      ours.map((agent) => ({
        agent_id: agent.spec.id,
        status: agent.state,
        alive: agent.alive,
        health: agent.health ?? null,
      })),
      signal,
    );
    this.#beatAt = clock.monotonic();
    for (const agent of lost) this.#lost(agent);
  }

  #lost({ agent_id, held_by }: HeldAgent): void {
    this.#registered.delete(agent_id);
    // A row without a worker was deleted or given up by hand: the next round registers it anew.
    if (held_by !== null) this.#agents.get(agent_id)?.yieldTo(held_by);
  }

  #all(): SupervisedAgent[] {
    return [...this.#agents.values()];
  }

  /** An outage is told once when it begins, and once when it is over. */
  async #attempt(work: () => Promise<void>, signal?: AbortSignal): Promise<boolean> {
    try {
      await work();
    } catch (error) {
      if (signal?.aborted) return false;
      const message = `the registry of agents was not told or asked: ${(error as Error).message}`;
      if (this.#failing) this.#log.debug`${message}`;
      else this.#log.warn`${message}`;
      this.#failing = true;
      return false;
    }
    if (this.#failing) this.#log.info("the registry of agents can be reached again");
    this.#failing = false;
    return true;
  }
}

function registered({ spec }: SupervisedAgent): RegisteredAgent {
  return {
    agent_id: spec.id,
    name: spec.name,
    entry_point: spec.builtIn ? `actp-worker agent run ${spec.id}` : spec.process.program,
    capabilities: { built_in: spec.builtIn, health: spec.process.health, restart: spec.restart },
  };
}
