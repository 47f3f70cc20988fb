/** The migrations as text, embedded in the program: nothing is read from disk, so every way of shipping has them. */
import tables from "./migrations/20261120000100_actp_tables.sql" with { type: "text" };
import taskFunctions from "./migrations/20261120000200_actp_task_functions.sql" with { type: "text" };
import enqueue from "./migrations/20261120000220_actp_enqueue.sql" with { type: "text" };
import taskViews from "./migrations/20261120000250_actp_task_views.sql" with { type: "text" };
import workerFunctions from "./migrations/20261120000300_actp_worker_functions.sql" with { type: "text" };
import access from "./migrations/20261120000400_actp_access.sql" with { type: "text" };
import queuePolicy from "./migrations/20261120000500_actp_queue_policy.sql" with { type: "text" };
import presence from "./migrations/20261120000600_actp_presence.sql" with { type: "text" };
import outwardActs from "./migrations/20261120000650_actp_outward_acts.sql" with { type: "text" };
import jobs from "./migrations/20261120000700_actp_jobs.sql" with { type: "text" };
import agentRegistry from "./migrations/20261120000800_actp_agent_registry.sql" with { type: "text" };
import agentRuns from "./migrations/20261120000810_actp_agent_runs.sql" with { type: "text" };
import agentGoals from "./migrations/20261120000812_actp_agent_goals.sql" with { type: "text" };
import agentActs from "./migrations/20261120000814_actp_agent_acts.sql" with { type: "text" };
import agentDomain from "./migrations/20261120000820_actp_agent_domain.sql" with { type: "text" };
import agentContent from "./migrations/20261120000822_actp_agent_content.sql" with { type: "text" };
import agentSales from "./migrations/20261120000824_actp_agent_sales.sql" with { type: "text" };
import schedule from "./migrations/20261120000900_actp_schedule.sql" with { type: "text" };
import scheduleViews from "./migrations/20261120000910_actp_schedule_views.sql" with { type: "text" };
import notify from "./migrations/20261120000950_actp_notify.sql" with { type: "text" };
import disputes from "./migrations/20261120000960_actp_disputes.sql" with { type: "text" };
import taskWatch from "./migrations/20261120000970_actp_task_watch.sql" with { type: "text" };
import orderedIds from "./migrations/20261129000100_actp_ordered_ids.sql" with { type: "text" };
import taskSearch from "./migrations/20261129000200_actp_task_search.sql" with { type: "text" };
import requests from "./migrations/20261129000210_actp_requests.sql" with { type: "text" };
import agentViews from "./migrations/20261129000220_actp_agent_views.sql" with { type: "text" };
import attention from "./migrations/20261129000230_actp_attention.sql" with { type: "text" };
import watch from "./migrations/20261129000300_actp_watch.sql" with { type: "text" };
import claimExcept from "./migrations/20261129000600_actp_claim_except.sql" with { type: "text" };
import history from "./migrations/20261129000700_actp_history.sql" with { type: "text" };
import tasksAwaiting from "./migrations/20261129000710_actp_tasks_awaiting.sql" with { type: "text" };
import claimRoutines from "./migrations/20261129000720_actp_claim_routines.sql" with { type: "text" };

/** One step of the schema. `version` is 14 digits, as `supabase db push` names its files. */
export interface Migration {
  readonly version: string;
  readonly name: string;
  readonly sql: string;
}

/** All steps, oldest first. Steps that have been released are never edited: add another. */
export const MIGRATIONS: readonly Migration[] = [
  { version: "20261120000100", name: "actp_tables", sql: tables },
  { version: "20261120000200", name: "actp_task_functions", sql: taskFunctions },
  { version: "20261120000220", name: "actp_enqueue", sql: enqueue },
  { version: "20261120000250", name: "actp_task_views", sql: taskViews },
  { version: "20261120000300", name: "actp_worker_functions", sql: workerFunctions },
  { version: "20261120000400", name: "actp_access", sql: access },
  { version: "20261120000500", name: "actp_queue_policy", sql: queuePolicy },
  { version: "20261120000600", name: "actp_presence", sql: presence },
  { version: "20261120000650", name: "actp_outward_acts", sql: outwardActs },
  { version: "20261120000700", name: "actp_jobs", sql: jobs },
  { version: "20261120000800", name: "actp_agent_registry", sql: agentRegistry },
  { version: "20261120000810", name: "actp_agent_runs", sql: agentRuns },
  { version: "20261120000812", name: "actp_agent_goals", sql: agentGoals },
  { version: "20261120000814", name: "actp_agent_acts", sql: agentActs },
  { version: "20261120000820", name: "actp_agent_domain", sql: agentDomain },
  { version: "20261120000822", name: "actp_agent_content", sql: agentContent },
  { version: "20261120000824", name: "actp_agent_sales", sql: agentSales },
  { version: "20261120000900", name: "actp_schedule", sql: schedule },
  { version: "20261120000910", name: "actp_schedule_views", sql: scheduleViews },
  { version: "20261120000950", name: "actp_notify", sql: notify },
  { version: "20261120000960", name: "actp_disputes", sql: disputes },
  { version: "20261120000970", name: "actp_task_watch", sql: taskWatch },
  { version: "20261129000100", name: "actp_ordered_ids", sql: orderedIds },
  { version: "20261129000200", name: "actp_task_search", sql: taskSearch },
  { version: "20261129000210", name: "actp_requests", sql: requests },
  { version: "20261129000220", name: "actp_agent_views", sql: agentViews },
  { version: "20261129000230", name: "actp_attention", sql: attention },
  { version: "20261129000300", name: "actp_watch", sql: watch },
  { version: "20261129000600", name: "actp_claim_except", sql: claimExcept },
  { version: "20261129000700", name: "actp_history", sql: history },
  { version: "20261129000710", name: "actp_tasks_awaiting", sql: tasksAwaiting },
  { version: "20261129000720", name: "actp_claim_routines", sql: claimRoutines },
];
