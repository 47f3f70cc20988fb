/**
 * What an embedding program needs: make a worker with executors of its own, and run it.
 *
 * ```ts
 * import { createWorker, defineExecutor, loadConfig } from "actp-worker";
 * const { config } = await loadConfig({ env: Deno.env.toObject(), cwd: Deno.cwd() });
 * const worker = await createWorker({ config, executors: [myExecutor] });
 * Deno.addSignalListener("SIGTERM", () => worker.stop());
 * await worker.run();
 * await worker.database.close();
 * ```
 */
export { createWorker, type Worker, type WorkerOptions } from "./lib/worker.ts";
export { type Config, ConfigError, loadConfig, type LoadedConfig } from "./lib/config.ts";
export { type Database, DatabaseError } from "./lib/database/database.ts";
export { openDatabase } from "./lib/database/open.ts";
export type { WorkerStatus } from "./lib/status.ts";
export type { Exception, Exceptions } from "./lib/task/exception.ts";
export {
  type Availability,
  defineExecutor,
  type ExecutionContext,
  type Executor,
  type Heartbeat,
  type HeartbeatAnswer,
  type Outcome,
  type Progress,
  type SettleAnswer,
  type Settlement,
  SourceError,
  type Task,
  TaskError,
  type TaskSource,
  type Wake,
} from "./lib/task/task.ts";
export type { Clock } from "./lib/clock.ts";
export type { Service } from "./lib/service.ts";
