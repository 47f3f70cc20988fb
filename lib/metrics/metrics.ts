/** All metrics of a worker: what listens, and the text that Prometheus reads. */
import type { Clock } from "../clock.ts";
import type { RequestObserver } from "../control/observed_requests.ts";
import type { CallObserver } from "../database/observed.ts";
import type { DeliveryObserver } from "../notify/outbox.ts";
import type { QueueObserver } from "../queue/observer.ts";
import type { RoutineObserver } from "../schedule/run_keeper.ts";
import type { SchedulerStatus } from "../schedule/scheduler.ts";
import type { Service } from "../service.ts";
import type { WorkerFigures } from "../status.ts";
import type { AgentStatus } from "../supervisor/agent_status.ts";
import type { AgentObserver } from "../supervisor/supervised_agent.ts";
import { agentMetrics } from "./agent_metrics.ts";
import { databaseMetrics } from "./database_metrics.ts";
import { httpMetrics } from "./http_metrics.ts";
import { createInstruments } from "./instruments.ts";
import { processMetrics } from "./process_metrics.ts";
import { notificationMetrics, routineMetrics } from "./routine_metrics.ts";
import { taskMetrics } from "./task_metrics.ts";

/** What is read when the metrics are asked for. */
export interface MetricsSources {
  figures(): WorkerFigures;
  agents(): readonly AgentStatus[];
  /** Undefined where this worker fires no routines. */
  scheduler(): SchedulerStatus | undefined;
}

/** The metrics of one worker. */
export interface Metrics {
  readonly queue: QueueObserver;
  readonly call: CallObserver;
  readonly agents: AgentObserver;
  readonly routines: RoutineObserver;
  readonly deliveries: DeliveryObserver;
  readonly requests: RequestObserver;
  /** Runs beside the rest, for what only shows in time. */
  readonly service: Service;
  /** All of them in the text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
  text(sources: MetricsSources): Promise<string>;
}

/** Makes them; they count from now on. */
export async function createMetrics(clock: Clock): Promise<Metrics> {
  const instruments = await createInstruments();
  const tasks = taskMetrics(instruments);
  const agents = agentMetrics(instruments);
  const routines = routineMetrics(instruments);
  const own = processMetrics(instruments, clock);
  return {
    queue: tasks.observer,
    call: databaseMetrics(instruments),
    agents: agents.observer,
    routines: routines.observer,
    deliveries: notificationMetrics(instruments),
    requests: httpMetrics(instruments),
    service: own.lag,
    text(sources) {
      tasks.show(sources.figures());
      agents.show(sources.agents());
      const status = sources.scheduler();
      if (status) routines.show(status);
      own.show();
      return instruments.registry.metrics();
    },
  };
}
