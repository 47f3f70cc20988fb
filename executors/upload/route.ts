/** By which way posts go to a platform, and whether there is any on this machine now. */
import type { Uploader } from "../../lib/config/uploaders.ts";
import { findProgram } from "../../lib/process.ts";
import { type Availability, TaskError } from "../../lib/task/task.ts";
import { templateProblem } from "./arguments.ts";
import { type Platform, PLATFORMS } from "./input.ts";
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
const UNSET = "no upload program and no Safari command service is configured";

/** Whether posts can be made, and to which platforms not; takes 2 s at the most. */
export async function availability(settings: RouteSettings): Promise<Availability> {
  const service = PLATFORMS.some((platform) => settings.safariUploaders[platform] === undefined)
    ? await serviceProblem(settings.safariServiceUrl)
    : undefined;
  const lacking: { readonly platform: Platform; readonly problem: string }[] = [];
  for (const platform of PLATFORMS) {
    const uploader = settings.safariUploaders[platform];
    const found = uploader && await uploaderProblem(uploader);
    const problem = uploader ? found && `safariUploaders.${platform}: ${found}` : service;
    if (problem !== undefined) lacking.push({ platform, problem });
  }
  const problems = [...new Set(lacking.map(({ problem }) => problem))];
  const set = "set safariUploaders in config.json, or SAFARI_SERVICE_URL";
  const why = {
    reason: problems.join("; "),
    fix: problems.some((problem) => problem !== UNSET)
      ? "install what is missing or correct config.json"
      : set,
  };
  if (lacking.length === PLATFORMS.length) return { available: false, ...why };
  if (await findProgram(settings.ffprobePath) === undefined) {
    return {
      available: false,
      reason: `${settings.ffprobePath} was not found, so that videos cannot be checked`,
      fix: "install ffmpeg (apt-get install ffmpeg, brew install ffmpeg) or set FFPROBE_PATH",
    };
  }
  const values = lacking.map(({ platform }) => platform);
  return { available: true, ...values.length > 0 && { except: { field: "platform", values, ...why } } };
}

async function uploaderProblem(uploader: Uploader): Promise<string | undefined> {
  return templateProblem(uploader) ??
    (await findProgram(uploader.program) ? undefined : `${uploader.program} was not found`);
}

async function serviceProblem(url: string | undefined): Promise<string | undefined> {
  if (url === undefined) return UNSET;
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
