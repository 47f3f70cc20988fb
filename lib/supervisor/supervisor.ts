/** Starts the agents of this worker, watches over them, and stops them. */
import type { AgentRunEvent } from "../agent/run_events.ts";
import type { Clock } from "../clock.ts";
import { logger } from "../log.ts";
import type { Service } from "../service.ts";
import type { AgentStatus } from "./agent_status.ts";
import { startAgentProcess, type StartProcess } from "./agent_process.ts";
import { type MemoryRow, readMemory, treeMemoryMb } from "./memory.ts";
import type { AgentRegistry } from "./registry.ts";
import { RegistrySync } from "./registry_sync.ts";
import {
  type AgentListener,
  type AgentObserver,
  type AgentSpec,
  type AgentTiming,
  SupervisedAgent,
} from "./supervised_agent.ts";

/** What a supervisor is made of. */
export interface SupervisorOptions {
  readonly agents: readonly AgentSpec[];
  readonly registry: AgentRegistry;
  readonly clock: Clock;
  readonly timing: AgentTiming;
  /** How often the agents are looked after, in ms. */
  readonly watchMs: number;
  /** How often the database is told how they fare, in ms; 30,000 unless told. */
  readonly heartbeatMs?: number;
  /** Values that must not appear in what is told of an agent. */
  readonly secrets: readonly string[];
  readonly observer?: AgentObserver;
  /** Told whenever an agent may be seen to be another than before. */
  readonly onSeen?: (status: () => AgentStatus) => void;
  /** Told what happens in the agents' runs. */
  readonly onRun?: (agentId: string, runId: string, event: AgentRunEvent) => void;
  readonly startProcess?: StartProcess;
  readonly readMemory?: () => Promise<MemoryRow[]>;
}

/** There is no agent of this name. */
export class UnknownAgentError extends Error {
  override readonly name = "UnknownAgentError";
}

/** The agent cannot be started here. */
export class AgentRefusedError extends Error {
  override readonly name = "AgentRefusedError";
}

/** A look at the agents that comes so much later than it should tells that this process could not run, in ms. */
const LATE_MS = 10_000;

/** See above. One for each worker. */
export class Supervisor implements Service {
  readonly name = "supervisor";
  readonly #options: SupervisorOptions;
  readonly #log = logger("supervisor");
  readonly #agents: ReadonlyMap<string, SupervisedAgent>;
  readonly #sync: RegistrySync;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    const { agents, registry, clock, watchMs, timing, secrets, observer, heartbeatMs = 30_000 } = options;
    this.#options = options;
    this.#sync = new RegistrySync({ registry, clock, watchMs, heartbeatMs });
    const startProcess = options.startProcess ?? startAgentProcess;
    const listener = this.#listener();
    const make = (spec: AgentSpec) =>
      new SupervisedAgent(spec, { timing, clock, startProcess, secrets, observer, listener });
    this.#agents = new Map(agents.map((spec) => [spec.id, make(spec)]));
  }

  /** Runs the enabled agents until the signal aborts; then lets them drain, and returns when all are gone. */
  async run(signal: AbortSignal): Promise<void> {
    const enabled = this.#all().filter(({ spec }) => spec.enabled && spec.problem === undefined);
    if (enabled.length > 0) await this.#sync.add(enabled, signal);
    if (!signal.aborted) {
      for (const agent of enabled) if (agent.heldBy === undefined) agent.start();
    }
    const over = new AbortController();
    const syncing = this.#sync.run(over.signal);
    await this.#watch(signal);
    this.#stopping = true;
    for (const agent of this.#all()) agent.stop();
    await Promise.all(this.#all().map((agent) => agent.settled()));
    over.abort();
    await syncing;
    await this.#sync.sayGoodbye();
  }

  /** Ends all processes without letting them drain; for a stop that is in a hurry. */
  killAll(): void {
    this.#stopping = true;
    for (const agent of this.#all()) {
      agent.stop();
      agent.kill();
    }
  }

  /**
   * A person's start: at once, and earlier crashes are forgotten.
   * @throws {@link UnknownAgentError}; {@link AgentRefusedError} where it cannot run or runs on another worker
   */
  async start(id: string): Promise<AgentStatus> {
    const agent = this.#mayStart(id);
    await this.#register(agent);
    agent.start({ byPerson: true });
    return agent.status();
  }

  /** Returns at once; the agent drains. @throws {@link UnknownAgentError} */
  stop(id: string): AgentStatus {
    const agent = this.#find(id);
    agent.stop("stopped by a person");
    return agent.status();
  }

  /** As a stop and a start, which begin before it returns. @throws as {@link start} */
  async restart(id: string): Promise<AgentStatus> {
    const agent = this.#mayStart(id);
    await this.#register(agent);
    agent.restart("restarted by a person");
    return agent.status();
  }

  /** Tells the agent that there may be a goal for it. */
  wake(id: string): void {
    this.#agents.get(id)?.wake();
  }

  wakeAll(): void {
    for (const agent of this.#all()) agent.wake();
  }

  /** All agents, those that do not run included. */
  status(): AgentStatus[] {
    return this.#all().map((agent) => agent.status());
  }

  /** @throws {@link UnknownAgentError} */
  statusOf(id: string): AgentStatus {
    return this.#find(id).status();
  }

  /** The enabled agents that cannot run. */
  blocked(): string[] {
    return this.#all().filter(({ spec }) => spec.enabled && spec.problem !== undefined).map(({ spec }) =>
      spec.id
    );
  }

  /** The registry is told, and whoever watches. */
  #listener(): AgentListener {
    const { onSeen, onRun } = this.#options;
    const sync = this.#sync;
    const seen = (agent: SupervisedAgent) => onSeen?.(() => agent.status());
    return {
      changed(agent) {
        sync.changed(agent);
        seen(agent);
      },
      crashed: (crash) => sync.crashed(crash),
      abandoned: (agentId) => sync.abandoned(agentId),
      cleared: (agentId) => sync.cleared(agentId),
      seen,
      ran: onRun,
    };
  }

  #all(): SupervisedAgent[] {
    return [...this.#agents.values()];
  }

  #find(id: string): SupervisedAgent {
    const agent = this.#agents.get(id);
    if (agent) return agent;
    const known = [...this.#agents.keys()].join(", ");
    throw new UnknownAgentError(`there is no agent ${JSON.stringify(id.slice(0, 60))}; there are ${known}`);
  }

  #mayStart(id: string): SupervisedAgent {
    const agent = this.#find(id);
    const { problem } = agent.spec;
    if (problem !== undefined) throw new AgentRefusedError(`${id} cannot run: ${problem}`);
    if (this.#stopping) throw new AgentRefusedError(`${id} is not started: the worker stops`);
    return agent;
  }

  /** Without the database it may run: it is told later. */
  async #register(agent: SupervisedAgent): Promise<void> {
    if (agent.state !== "stopped") return;
    await this.#sync.add([agent]);
    if (agent.heldBy !== undefined) {
      throw new AgentRefusedError(`${agent.spec.id} runs on the worker ${agent.heldBy}; stop it there first`);
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, watchMs } = this.#options;
    let last = clock.monotonic();
    while (!signal.aborted) {
      await clock.sleep(watchMs, signal);
      if (signal.aborted) break;
      const late = clock.monotonic() - last > watchMs + LATE_MS;
      last = clock.monotonic();
      for (const agent of this.#all()) {
        // This process itself has slept, and with it perhaps the machine.
        if (late) agent.forgiveSilence();
        agent.watchSilence();
      }
      await this.#watchMemory();
    }
  }

  async #watchMemory(): Promise<void> {
    const agents = this.#all().filter((agent) => agent.status().pid !== null);
    if (agents.length === 0) return;
    try {
      const rows = await (this.#options.readMemory ?? readMemory)();
      for (const agent of agents) agent.watchMemory((pid) => treeMemoryMb(rows, pid));
    } catch (error) {
      this.#log.warn`the agents' memory could not be read: ${(error as Error).message}`;
    }
  }
}
