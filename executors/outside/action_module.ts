/** A heartbeat action that is a module of the owner's own. */
import { z } from "zod";
import { defineAction, type HeartbeatAction } from "../../lib/schedule/actions/action.ts";
import { ACTION_NAME } from "./action_manifest.ts";
import { importMade } from "./module.ts";

/** What a module's function is given; a file outside the worker cannot import these. */
export interface ActionToolkit {
  readonly defineAction: typeof defineAction;
  readonly z: typeof z;
}

const TOOLKIT: ActionToolkit = { defineAction, z };

/**
 * Loads a module whose default export is an action, or a function that makes one of the toolkit.
 * @throws Error with what is wrong, in one line
 */
export function loadActionModule(file: string, compiled = Deno.build.standalone): Promise<HeartbeatAction> {
  return importMade(file, TOOLKIT, asAction, compiled);
}

/** Checks the parts that the worker will use; missing options mean that there are none. */
export function asAction(made: unknown): HeartbeatAction {
  if (typeof made !== "object" || made === null) {
    throw new Error("its default export is neither an action nor a function that makes one");
  }
  const { name, description, defaultCron, options, run } = made as Partial<HeartbeatAction>;
  if (typeof name !== "string" || !ACTION_NAME.test(name)) {
    throw new Error("its name must be lower-case letters, digits and dashes");
  }
  if (typeof defaultCron !== "string" || defaultCron.trim() === "") {
    throw new Error("its defaultCron must be a cron expression");
  }
  if (options !== undefined && typeof options.safeParse !== "function") {
    throw new Error("its options must be a zod schema");
  }
  if (typeof run !== "function") throw new Error("its run must be a function");
  const own = made as HeartbeatAction;
  return {
    name,
    description: typeof description === "string" ? description : "",
    defaultCron,
    options: options ?? z.strictObject({}),
    run: async (options, context) => await own.run(options, context),
  };
}
