/** The life of one agent: its states, its processes one after another, and what becomes of each. */
import type { AgentReport, RunUsage } from "../agent/protocol.ts";
import type { AgentRunEvent } from "../agent/run_events.ts";
import type { Clock } from "../clock.ts";
import { type Logger, logger } from "../log.ts";
import type { AgentProcess, ProcessEnding, ProcessSpec, StartProcess } from "./agent_process.ts";
import type { AgentStatus } from "./agent_status.ts";
import type { Crash } from "./registry.ts";
import { crashesWithinHour, isFinished, restartDelay, type RestartMode } from "./restart_policy.ts";
import { type AgentEvent, type AgentState, hasProcess, nextState } from "./state.ts";

/** An agent as it is to be supervised. */
export interface AgentSpec {
  readonly id: string;
  readonly name: string;
  readonly builtIn: boolean;
  /** Whether it is started with the worker. */
  readonly enabled: boolean;
  readonly process: ProcessSpec;
  readonly restart: RestartMode;
  /** With more memory, in MiB and with all that it started, it is restarted. */
  readonly maxMemoryMb: number;
  /** Why it cannot run at all, e.g. that its tables are missing. */
  readonly problem?: string;
}

/** Bounds of time, in ms. */
export interface AgentTiming {
  /** How long it may be silent. */
  readonly silenceMs: number;
  /** How long it may take to finish what it does, when it is stopped. */
  readonly drainMs: number;
}

/** Who is told what happens. */
export interface AgentListener {
  changed(agent: SupervisedAgent): void;
  crashed(crash: Crash): void;
  /** Its process was ended before it could finish or give back what it did, and none takes its place. */
  abandoned(agentId: string): void;
  /** A person has started it: earlier crashes are forgotten. */
  cleared(agentId: string): void;
  /** It may be seen to be another than before: its run, its health, its memory. */
  seen?(agent: SupervisedAgent): void;
  /** Something happened in its run. */
  ran?(agentId: string, runId: string, event: AgentRunEvent): void;
}

/** Told what is counted; `agent` is an agent's id. May not throw. */
export interface AgentObserver {
  /** A process was started. */
  started(agent: string): void;
  crashed(agent: string): void;
  runEnded(agent: string, outcome: string, usage: RunUsage | undefined): void;
}

/** What an agent is made with. */
export interface AgentOptions {
  readonly timing: AgentTiming;
  readonly clock: Clock;
  readonly startProcess: StartProcess;
  readonly listener: AgentListener;
  readonly secrets: readonly string[];
  readonly observer?: AgentObserver;
}

const DAY_MS = 86_400_000;

/** One supervised agent. Everything here returns at once; {@link SupervisedAgent.settled} waits. */
export class SupervisedAgent {
  readonly spec: AgentSpec;
  readonly #options: AgentOptions;
  readonly #log: Logger;
  #state: AgentState = "stopped";
  #since: number;
  #reason: string | undefined;
  #process: AgentProcess | undefined;
  #life: Promise<void> = Promise.resolve();
  /** Monotonic. */
  #readyAt: number | undefined;
  #delay: { readonly over: AbortController; readonly dueAt: number } | undefined;
  /** Wall-clock, the last 24 hours. */
  #crashes: number[] = [];
  #clearedAt = -Infinity;
  #beat: (AgentReport & { type: "heartbeat" }) | undefined;
  #run: { readonly id: string; readonly goal?: string } | undefined;
  #lastRunAt: number | undefined;
  #memoryMb: number | undefined;
  #heldBy: string | undefined;
  /** Monotonic: silence before it does not count. */
  #forgivenAt = -Infinity;

  constructor(spec: AgentSpec, options: AgentOptions) {
    this.spec = spec;
    this.#options = options;
    this.#log = logger("agent", spec.id);
    this.#since = options.clock.now();
  }

  get state(): AgentState {
    return this.#state;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  /** The worker that runs it in this one's place. */
  get heldBy(): string | undefined {
    return this.#heldBy;
  }

  /** Whether it has been heard of within the time that it may be silent. */
  get alive(): boolean {
    if (!this.#process || this.#state === "starting") return false;
    return this.spec.process.health === "none" || this.#silence() < this.#options.timing.silenceMs;
  }

  get health(): unknown {
    return this.#beat && { ...this.#beat.health, state: this.#beat.state };
  }

  /** What is known from earlier lives of the worker; times are wall-clock ms. */
  remember(
    past: { readonly crashes: readonly number[]; readonly clearedAt?: number; readonly lastRunAt?: number },
  ): void {
    this.#crashes = [...past.crashes, ...this.#crashes];
    this.#clearedAt = Math.max(this.#clearedAt, past.clearedAt ?? -Infinity);
    this.#lastRunAt ??= past.lastRunAt;
  }

  /**
   * `byPerson`: it starts now even if it has crashed often, and that is forgotten.
   * @throws Error that tells its problem, where it has one
   */
  start(options: { readonly byPerson?: boolean } = {}): void {
    if (this.spec.problem !== undefined) throw new Error(this.spec.problem);
    this.#heldBy = undefined;
    if (options.byPerson) {
      this.#clearedAt = this.#options.clock.now();
      this.#options.listener.cleared(this.spec.id);
    }
    this.#take("start");
  }

  /** Lets it finish what it does, for as long as it may drain. */
  stop(reason?: string): void {
    this.#take("stop", reason);
  }

  /** As a stop and a start. @throws as {@link start} */
  restart(reason?: string): void {
    if (this.spec.problem !== undefined) throw new Error(this.spec.problem);
    this.#heldBy = undefined;
    this.#take("restart", reason);
  }

  /** Another worker runs it: it must not run here. */
  yieldTo(workerId: string): void {
    if (this.#heldBy !== workerId && hasProcess(this.#state)) {
      this.#log.warn(`it runs on the worker ${workerId} now, and is stopped here`);
    }
    this.#heldBy = workerId;
    this.#take("stop", `runs on the worker ${workerId}`);
    this.#reason = `runs on the worker ${workerId}`;
  }

  /** Ends its process at once, without letting it drain. */
  kill(): void {
    this.#process?.kill();
  }

  /** Resolves when it has no process and starts none; for an agent that has been stopped. */
  async settled(): Promise<void> {
    while (hasProcess(this.#state)) await this.#life;
  }

  wake(): void {
    this.#process?.send({ type: "wake" });
  }

  /** Ends a process that has been silent for too long. */
  watchSilence(): void {
    if (this.spec.process.health === "none" || !this.#process) return;
    if (this.#silence() < this.#options.timing.silenceMs) return;
    this.#process.kill(`was silent for ${Math.round(this.#options.timing.silenceMs / 1000)} s`);
  }

  /** The supervisor itself has slept: what the agents said meanwhile has not been read yet. */
  forgiveSilence(): void {
    this.#forgivenAt = this.#options.clock.monotonic();
  }

  /** Ends a process that uses too much; `ofTree` tells the memory of a process and all that it started, in MiB. */
  watchMemory(ofTree: (pid: number) => number | undefined): void {
    const pid = this.#process?.pid;
    this.#memoryMb = pid === undefined ? undefined : ofTree(pid);
    this.#options.listener.seen?.(this);
    if ((this.#memoryMb ?? 0) <= this.spec.maxMemoryMb) return;
    this.#process?.kill(`used ${this.#memoryMb} MB of memory, more than ${this.spec.maxMemoryMb}`);
  }

  /** Everything that is known of it. */
  status(): AgentStatus {
    const { clock } = this.#options;
    const crashes = this.#recentCrashes();
    const readyAt = this.#state === "running" ? this.#readyAt : undefined;
    return {
      agent_id: this.spec.id,
      name: this.spec.name,
      built_in: this.spec.builtIn,
      enabled: this.spec.enabled,
      status: this.#state,
      reason: this.#reason ?? this.spec.problem ?? null,
      since: isoTime(this.#since)!,
      pid: this.#process?.pid ?? null,
      uptime: readyAt === undefined ? null : Math.round((clock.monotonic() - readyAt) / 1000),
      error_count: crashes.length,
      crashes_last_hour: crashesWithinHour(this.#countedCrashes(), clock.now()),
      restart_at: isoTime(this.#delay?.dueAt),
      last_run_at: isoTime(this.#lastRunAt),
      // A run may have begun since the last heartbeat.
      activity: this.#run && this.#beat?.state !== "draining" ? "busy" : this.#beat?.state ?? null,
      run: this.#run ?? null,
      health: this.#beat?.health ?? null,
      memory_mb: this.#memoryMb ?? null,
      held_by: this.#heldBy ?? null,
    };
  }

  /** Lets the event happen, and does what the new state asks for. */
  #take(event: AgentEvent, reason?: string): void {
    const before = this.#state;
    const state = nextState(before, event);
    if (state === before) return;
    this.#state = state;
    this.#reason = reason;
    this.#since = this.#options.clock.now();
    if (state !== "backing off") this.#endDelay();
    if (state === "starting") this.#spawn();
    else if ((state === "stopping" || state === "restarting") && !ENDING.has(before)) this.#drain();
    this.#options.listener.changed(this);
  }

  #spawn(): void {
    const { process } = this.spec;
    this.#beat =
      this.#run =
      this.#memoryMb =
      this.#readyAt =
        undefined;
    this.#forgivenAt = -Infinity;
    const started = this.#options.startProcess(process, {
      log: this.#log,
      secrets: this.#options.secrets,
      clock: this.#options.clock,
      onStart: (pid) => {
        this.#log.debug(`started (pid ${pid})`);
        this.#options.observer?.started(this.spec.id);
        if (process.health === "none") this.#ready();
      },
      onReport: (report) => this.#heard(report),
    });
    this.#process = started;
    this.#life = started.ended.then((end) => this.#ended(end));
  }

  #heard(report: AgentReport): void {
    const { listener, clock } = this.#options;
    const ran = (event: AgentRunEvent, runId: string) => listener.ran?.(this.spec.id, runId, event);
    if (report.type === "run_event") return ran(report.event, report.run.id);
    if (report.type === "run_started") {
      this.#run = report.run;
      this.#lastRunAt = clock.now();
      ran({ kind: "started", goal: report.run.goal ?? null }, report.run.id);
    } else if (report.type === "run_ended") {
      this.#run = undefined;
      this.#options.observer?.runEnded(this.spec.id, report.outcome, report.usage);
      ran({ kind: "ended", outcome: report.outcome, error: report.error ?? null }, report.run.id);
    } else if (report.type === "heartbeat") {
      const worsened = report.health.status !== (this.#beat?.health.status ?? "healthy");
      this.#beat = report;
      this.#run = report.run ?? this.#run;
      if (worsened) listener.changed(this);
    }
    this.#ready();
    listener.seen?.(this);
  }

  #ready(): void {
    if (this.#state !== "starting") return;
    this.#readyAt = this.#options.clock.monotonic();
    this.#take("ready");
    this.#log.info("running");
  }

  #drain(): void {
    const process = this.#process;
    if (!process) return;
    const { clock, timing } = this.#options;
    if (this.spec.process.health === "none") return process.kill(); // SIGTERM is all that it can be told
    process.send({ type: "drain" });
    const over = new AbortController();
    void process.ended.then(() => over.abort());
    void clock.sleep(timing.drainMs, over.signal).then(() => {
      if (over.signal.aborted) return;
      this.#log.warn(`has not finished within ${timing.drainMs / 1000} s, and is ended`);
      process.kill();
    });
  }

  #ended(end: ProcessEnding): void {
    const abandons = this.#state === "stopping" && end.code !== 0 && this.spec.builtIn;
    if (abandons) this.#options.listener.abandoned(this.spec.id);
    this.#process =
      this.#beat =
      this.#run =
      this.#memoryMb =
        undefined;
    if (ENDING.has(this.#state)) {
      return this.#take("ended", this.#state === "stopping" ? this.#reason : undefined);
    }
    if (isFinished(this.spec.restart, end)) {
      this.#log.info`has ended: ${end.reason}`;
      return this.#take("finished", end.reason);
    }
    this.#crashed(end);
  }

  #crashed(end: ProcessEnding): void {
    const { clock, listener, observer } = this.#options;
    observer?.crashed(this.spec.id);
    const now = clock.now();
    this.#crashes = [...this.#recentCrashes(), now];
    listener.crashed({
      id: crypto.randomUUID(),
      agentId: this.spec.id,
      reason: end.reason,
      ranMs: end.ranMs,
      ageMs: 0,
    });
    this.#take("ended", end.reason);
    const delay = restartDelay(this.spec.restart, end, this.#countedCrashes(), now);
    const then = delay === undefined
      ? "is not started again"
      : delay > 0
      ? `starts again in ${delay / 1000} s`
      : "starts again";
    this.#log.error`crashed (${end.reason}) and ${then}`;
    if (delay === undefined) return;
    if (delay === 0) return this.#take("due", end.reason);
    const over = new AbortController();
    this.#delay = { over, dueAt: now + delay };
    this.#take("delay", end.reason);
    void clock.sleep(delay, over.signal).then(() => {
      if (!over.signal.aborted) this.#take("due");
    });
  }

  #endDelay(): void {
    this.#delay?.over.abort();
    this.#delay = undefined;
  }

  #silence(): number {
    const heard = Math.max(this.#process?.heardAt ?? 0, this.#forgivenAt);
    return this.#options.clock.monotonic() - heard;
  }

  #recentCrashes(): number[] {
    const now = this.#options.clock.now();
    return this.#crashes.filter((at) => now - at < DAY_MS);
  }

  /** Those that may delay a restart. */
  #countedCrashes(): number[] {
    return this.#crashes.filter((at) => at > this.#clearedAt);
  }
}

/** The states in which its process has been told to end. */
const ENDING: ReadonlySet<AgentState> = new Set(["stopping", "restarting"]);

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
