/** One worker of a chaos run: `worker.ts TRACE`, everything else from the environment. Ends with its parent. */
import process from "node:process";
import { setUpLogging } from "../../lib/log.ts";
import { createWorker, loadConfig } from "../../mod.ts";
import { chaosExecutor } from "./executor.ts";
import { openTrace } from "./trace.ts";

const { config } = await loadConfig({ env: Deno.env.toObject(), cwd: Deno.cwd() });
const parent = Deno.ppid;
Deno.unrefTimer(setInterval(() => Deno.ppid === parent || process.exit(1), 500));

setUpLogging({ level: config.logLevel, format: "text", secrets: () => [], color: false });
using trace = await openTrace(Deno.args[0]!);
const worker = await createWorker({ config, executors: [chaosExecutor(config.workerId, trace)] });
Deno.addSignalListener("SIGTERM", () => worker.stop());
await worker.run();
await worker.database.close();
