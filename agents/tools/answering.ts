/** What the failures of services come to: words that the model knows, a pause for the platform, or the end of an act. */
import type { ToolContext } from "../../lib/agent/agent.ts";
import { DatabaseError } from "../../lib/database/database.ts";
import { TaskError } from "../../lib/task/task.ts";
import { ServiceError } from "./service.ts";

type Run<Input> = (input: Input, context: ToolContext) => Promise<unknown>;

/** How long a platform is left alone after it has answered 429. */
export const PAUSE_MINUTES = 60;

/**
 * Makes a tool's `run` answer where a service is not there or has had enough, so that the model goes on with something
 * else: `{error: "service_unavailable"}`, or `{error: "rate_limited"}` after the platform has been paused.
 * @param platform whose limit it is, where it is one's
 */
export function answering<Input>(
  run: Run<Input>,
  platform: (input: Input) => string | undefined = () => undefined,
): Run<Input> {
  return async (input, context) => {
    try {
      return await run(input, context);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.kind === "unavailable") return { error: "service_unavailable", service: error.service };
      if (error.kind !== "rate_limited") throw error;
      return {
        error: "rate_limited",
        service: error.service,
        ...await pause(platform(input), error, context),
      };
    }
  };
}

/**
 * The same for an approved act: it fails in a way that tells whether it may be tried again. Only a {@link TaskError}
 * says that it surely did not happen.
 */
export function acting<Input>(
  run: Run<Input>,
  platform: (input: Input) => string | undefined = () => undefined,
): Run<Input> {
  return async (input, context) => {
    try {
      return await run(input, context);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.kind === "failed") throw error;
      if (error.kind === "rate_limited") await pause(platform(input), error, context);
      throw new TaskError(error.message, { retry: error.kind !== "refused", cause: error });
    }
  };
}

/**
 * What an act needs before it begins: where that fails, surely nothing has happened.
 * @throws TaskError, with a retry where the database was away
 */
export async function beforehand<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TaskError) throw error;
    const retry = error instanceof DatabaseError && error.transient;
    throw new TaskError((error as Error).message, { retry, cause: error });
  }
}

/** Leaves the platform alone, for all agents. That this did not work must not hide why it was to be. */
async function pause(
  platform: string | undefined,
  error: ServiceError,
  { database, log }: ToolContext,
): Promise<Record<string, unknown>> {
  if (!platform) return {};
  try {
    await database.call("actp_pause_platform", {
      p_platform: platform,
      p_minutes: PAUSE_MINUTES,
      p_reason: error.message,
    });
    return { platform, paused_minutes: PAUSE_MINUTES };
  } catch (failure) {
    log.error(`Cannot pause ${platform} after a 429: ${(failure as Error).message}`);
    return { platform };
  }
}
