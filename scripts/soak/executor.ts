/** The soak run's own executor, which lies in the worker's folder of executors: waits, fails when told to, writes. */
import type { defineExecutor, TaskError } from "../../mod.ts";
import type { z } from "zod";

interface Tools {
  readonly defineExecutor: typeof defineExecutor;
  readonly z: typeof z;
  readonly TaskError: typeof TaskError;
}

/** `workMs` in ms; so many attempts fail as `failures` says. */
export default ({ defineExecutor, z, TaskError }: Tools) =>
  defineExecutor({
    type: "soak_wait",
    description: "waits, and fails when told to",
    input: z.strictObject({ workMs: z.number(), failures: z.int().default(0) }),
    check: () => Promise.resolve({ available: true as const }),
    async run({ workMs, failures }, { task, signal, tempDir, progress, log }) {
      await Deno.writeTextFile(`${tempDir}/note`, task.id);
      progress({ percent: 50, message: "half of it" });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, workMs);
        signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
      });
      if (signal.aborted) throw signal.reason;
      if (task.attempt <= failures) throw new TaskError("told to fail", { retry: true });
      log.debug("done");
      return { note: await Deno.readTextFile(`${tempDir}/note`) };
    },
  });
