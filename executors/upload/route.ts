/** By which way posts go to a platform, and whether there is any on this machine now. */
import type { Uploader } from "../../lib/config/uploaders.ts";
import { findProgram } from "../../lib/process.ts";
import { type Availability, TaskError } from "../../lib/task/task.ts";
import { templateProblem } from "./arguments.ts";
import type { Platform } from "./input.ts";
import { requestJson } from "./json_request.ts";
import { platformName } from "./limits.ts";

/** What decides on the way. */
export interface RouteSettings {
  readonly safariUploaders: Readonly<Partial<Record<Platform, Uploader>>>;
  /** Without a slash at its end. */
  readonly safariServiceUrl?: string;
  readonly ffprobePath: string;
}

/** One way to a platform. */
export type Route =
  | { readonly kind: "program"; readonly uploader: Uploader }
  | { readonly kind: "service"; readonly url: string };

const SERVICE_CHECK_MS = 2_000;

/** Whether posts can be made to at least one platform; takes 2 s at the most. */
export async function availability(settings: RouteSettings): Promise<Availability> {
  const problems: string[] = [];
  let ways = 0;
  for (const [platform, uploader] of Object.entries(settings.safariUploaders)) {
    const problem = templateProblem(uploader) ??
      (await findProgram(uploader.program) ? undefined : `${uploader.program} was not found`);
    if (problem === undefined) ways++;
    else problems.push(`safariUploaders.${platform}: ${problem}`);
  }
  if (ways === 0 && settings.safariServiceUrl !== undefined) {
    const problem = await serviceProblem(settings.safariServiceUrl);
    if (problem === undefined) ways++;
    else problems.push(problem);
  }
  if (ways === 0) {
    return problems.length > 0
      ? {
        available: false,
        reason: problems.join("; "),
        fix: "install what is missing or correct config.json",
      }
      : {
        available: false,
        reason: "no upload program and no Safari command service is configured",
        fix: "set safariUploaders in config.json, or SAFARI_SERVICE_URL",
      };
  }
  if (await findProgram(settings.ffprobePath) === undefined) {
    return {
      available: false,
      reason: `${settings.ffprobePath} was not found, so that videos cannot be checked`,
      fix: "install ffmpeg (apt-get install ffmpeg, brew install ffmpeg) or set FFPROBE_PATH",
    };
  }
  return { available: true };
}

async function serviceProblem(url: string): Promise<string | undefined> {
  try {
    const signal = new AbortController().signal;
    const { status } = await requestJson({
      url: `${url}/health`,
      method: "GET",
      signal,
      timeoutMs: SERVICE_CHECK_MS,
    });
    return status < 500 ? undefined : `the Safari command service answers with status ${status}`;
  } catch (error) {
    return `the Safari command service does not answer (${
      (error as Error).message
    }); start it or check SAFARI_SERVICE_URL`;
  }
}

/**
 * Which way a platform's posts go: its upload program, else the service.
 * @throws TaskError without retry where nothing is configured for the platform, or badly
 */
export function routeFor(platform: Platform, settings: RouteSettings): Route {
  const uploader = settings.safariUploaders[platform];
  if (uploader !== undefined) {
    const problem = templateProblem(uploader);
    if (problem === undefined) return { kind: "program", uploader };
    throw new TaskError(`safariUploaders.${platform} in config.json is wrong: ${problem}`, { retry: false });
  }
  if (settings.safariServiceUrl !== undefined) return { kind: "service", url: settings.safariServiceUrl };
  throw new TaskError(
    `nothing is configured to post to ${platformName(platform)}; ` +
      `set safariUploaders.${platform} in config.json, or SAFARI_SERVICE_URL`,
    { retry: false },
  );
}
