/** The events of the control API: what happens here, and what others change, to everybody who reads `/events`. */
import type { AgentRunEvent } from "../../agent/run_events.ts";
import { aborted, type Clock } from "../../clock.ts";
import type { Database } from "../../database/database.ts";
import { logger } from "../../log.ts";
import { redactor } from "../../log/redaction.ts";
import type { TaskNews } from "../../queue/task_news.ts";
import type { Service } from "../../service.ts";
import type { AgentStatus } from "../../supervisor/agent_status.ts";
import { Broadcast } from "./broadcast.ts";
import type { Alert, ControlEvent } from "./event.ts";
import { Watcher } from "./watcher.ts";

/** What the hub is made of. */
export interface EventHubOptions {
  readonly clock: Clock;
  readonly database: Database;
  /** As `GET /status` tells it. */
  readonly status: () => Promise<unknown>;
  /** As `GET /agents` tells of them; none where this worker has none. */
  readonly agents?: () => readonly AgentStatus[];
  /** The worker's queues, as `GET /queues` tells of them. */
  readonly queues?: () => Promise<readonly unknown[]>;
  /** As `GET /alerts` tells of them; each is told once as an event. */
  readonly alerts?: () => Promise<readonly Alert[]>;
  /** Values that must not appear in what is told of runs. */
  readonly secrets: readonly string[];
}

/** See above. Everything but the service itself returns at once and never throws. */
export interface EventHub extends Service {
  /** Whether anybody reads; who must do something for an event may ask. */
  readonly active: boolean;
  publish(event: ControlEvent): void;
  /**
   * The answer to a request for the events. Ends when `stillHolds` says so.
   * @throws ApiError 503 when too many read
   */
  stream(request: Request, stillHolds?: () => boolean): Response;
  /** Something may have been changed in the database, perhaps this task. */
  look(taskId?: string): void;
  /** What this worker does with tasks. */
  task(news: TaskNews): void;
  /** An agent may be seen to be another than before. */
  agent(status: () => AgentStatus): void;
  /** Something happened in an agent's run. */
  agentRun(agentId: string, runId: string, event: AgentRunEvent): void;
}

const STATUS_MS = 1000;
const ALERTS_MS = 5000;
const SNAPSHOT_MS = 5000;
/** What one agent's run may tell within a second. */
const RUN_EVENTS_A_SECOND = 50;
/** Fields that are another with every look; they are told with the next change. */
const RESTLESS = /^uptime$|_seconds$/;

/** Makes the hub. It works while its service runs, and then only while somebody reads. */
export function createEventHub(options: EventHubOptions): EventHub {
  const { clock, database } = options;
  const clean = redactor(options.secrets);
  const watcher = new Watcher({ database, clock, publish: (event) => broadcast.publish(event) });
  const told = new Told();
  const broadcast: Broadcast = new Broadcast({
    clock,
    snapshot: async () => {
      const [status, state, queues] = await Promise.all([
        options.status().catch(complain),
        watcher.state(SNAPSHOT_MS),
        options.queues?.().catch(complain),
      ]);
      return {
        status: status ?? null,
        agents: options.agents?.() ?? [],
        tasks: state?.tasks ?? null,
        approvals: state?.approvals ?? null,
        jobs: state?.jobs ?? null,
        queues: { queues: queues ?? [], limits: state?.limits ?? null },
      };
    },
    async whileRead(signal) {
      await Promise.all([
        watcher.run(signal),
        every(STATUS_MS, signal, async () => {
          const data = await options.status();
          if (told.isNews("status", data)) broadcast.publish({ type: "status", data });
        }),
        every(ALERTS_MS, signal, async () => {
          for (const data of await options.alerts?.() ?? []) {
            if (told.isNews(`alert ${data.id}`, data)) broadcast.publish({ type: "alert", data });
          }
        }),
      ]);
      told.clear();
    },
  });

  async function every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await work().catch(complain);
      await clock.sleep(ms, signal);
    }
  }

  const runs = new RateLimit(RUN_EVENTS_A_SECOND, clock);
  return {
    name: "events",
    async run(signal) {
      await aborted(signal);
      await broadcast.close();
    },
    get active() {
      return broadcast.active;
    },
    publish: (event) => broadcast.publish(event),
    stream(request, stillHolds) {
      const body = broadcast.read(request.headers.get("last-event-id") ?? undefined, stillHolds);
      return new Response(body, {
        headers: { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" },
      });
    },
    look(taskId) {
      if (broadcast.active) watcher.look(taskId);
    },
    task({ kind, source, task, progress }) {
      // What other queues hold is not in the table, and is told by the status.
      if (!broadcast.active || source !== "workflow") return;
      if (kind === "progress") watcher.progressed(task.id, progress);
      else watcher.look(task.id);
    },
    agent(status) {
      if (!broadcast.active) return;
      const data = status();
      if (told.isNews(`agent ${data.agent_id}`, data)) broadcast.publish({ type: "agent", data });
    },
    agentRun(agent_id, run_id, event) {
      if (!broadcast.active || !runs.allows(agent_id)) return;
      const at = new Date(clock.now()).toISOString();
      broadcast.publish({
        type: "agent_run",
        data: { ...clean.value(event) as AgentRunEvent, agent_id, run_id, at },
      });
    },
  };
}

function complain(error: Error): undefined {
  logger("control").debug`an event could not be made: ${error.message}`;
}

/** What has been told last, to tell only what is news. */
class Told {
  readonly #last = new Map<string, string>();

  isNews(what: string, data: unknown): boolean {
    const text = JSON.stringify(data, (name, value) => RESTLESS.test(name) ? undefined : value);
    if (this.#last.get(what) === text) return false;
    this.#last.set(what, text);
    return true;
  }

  clear(): void {
    this.#last.clear();
  }
}

/** At most so many within a second, for each name. */
class RateLimit {
  readonly #counts = new Map<string, number>();
  #second = -1;

  constructor(private readonly most: number, private readonly clock: Clock) {}

  allows(name: string): boolean {
    const second = Math.floor(this.clock.monotonic() / 1000);
    if (second !== this.#second) this.#counts.clear();
    this.#second = second;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count <= this.most;
  }
}
