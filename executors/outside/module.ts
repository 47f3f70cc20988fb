/** An executor that is a module of the owner's own. */
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { systemClock, within } from "../../lib/clock.ts";
import { defineExecutor, type Executor, ReleaseError, TaskError } from "../../lib/task/task.ts";
import { TYPE_PATTERN } from "./manifest.ts";
import { strippedUrl } from "./strip_types.ts";

/**
 * What a module's function is given. A file outside the worker cannot import these: the worker is one program, and its
 * packages are inside.
 */
export interface Toolkit {
  readonly defineExecutor: typeof defineExecutor;
  readonly z: typeof z;
  readonly TaskError: typeof TaskError;
  readonly ReleaseError: typeof ReleaseError;
}

const TOOLKIT: Toolkit = { defineExecutor, z, TaskError, ReleaseError };
const LOAD_TIMEOUT_MS = 10_000;

/**
 * Loads a module whose default export is an executor, or a function that makes one of the toolkit.
 * @param compiled whether this is the compiled program, in which Deno imports JavaScript only
 * @throws Error with what is wrong, in one line
 */
export function loadModule(file: string, compiled = Deno.build.standalone): Promise<Executor> {
  return importMade(file, TOOLKIT, asExecutor, compiled);
}

/**
 * Imports a module's default export, gives it the toolkit where it is a function, and has the result checked.
 * @throws Error with what is wrong, in one line
 */
export async function importMade<T>(
  file: string,
  toolkit: object,
  check: (made: unknown) => T,
  compiled = Deno.build.standalone,
): Promise<T> {
  try {
    return await within(systemClock, LOAD_TIMEOUT_MS, undefined, async () => {
      const typed = /\.m?ts$/.test(file);
      const url = typed && compiled ? await strippedUrl(file) : pathToFileURL(file).href;
      const made = await (await import(url)).default; // it may be a promise, whose failure would end the worker
      return check(typeof made === "function" ? await made(toolkit) : made);
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const shown = message.replaceAll(/data:text\/javascript,\S*?(?=(:\d+)*("|\s|$))/g, file);
    throw new Error(shown.split("\n")[0]!.slice(0, 1000), { cause: error });
  }
}

/** Checks the parts that the worker will use; a missing `check` means that it can always work. */
export function asExecutor(made: unknown): Executor {
  if (typeof made !== "object" || made === null) {
    throw new Error("its default export is neither an executor nor a function that makes one");
  }
  const { type, description, input, check, plan, run } = made as Partial<Executor>;
  if (typeof type !== "string" || !TYPE_PATTERN.test(type)) {
    throw new Error("its type must be lower-case letters, digits and underscores");
  }
  if (typeof input?.safeParse !== "function") throw new Error("its input must be a zod schema");
  if (typeof run !== "function") throw new Error("its run must be a function");
  if (check !== undefined && typeof check !== "function") throw new Error("its check must be a function");
  if (plan !== undefined && typeof plan !== "function") throw new Error("its plan must be a function");
  const own = made as Executor;
  return {
    type,
    input,
    description: typeof description === "string" ? description : "",
    check: async () => check === undefined ? { available: true } : await own.check(),
    ...plan === undefined ? {} : { plan: async (input: unknown) => await own.plan!(input) },
    run: async (input, context) => await own.run(input, context),
  };
}
