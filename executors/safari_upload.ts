/** The task type `safari_upload`: posts a video from the person's own logged-in Safari. */
import { type Clock, systemClock } from "../lib/clock.ts";
import { withMachineLock } from "../lib/process/machine_lock.ts";
import { type ExecutionContext, type Executor, type OutwardAct, TaskError } from "../lib/task/task.ts";
import { uploadArguments } from "./upload/arguments.ts";
import { fullCaption, type Platform, shownSource, type UploadInput, uploadInput } from "./upload/input.ts";
import { platformName, textProblems } from "./upload/limits.ts";
import { type Posted, postWithProgram } from "./upload/program.ts";
import { availability, routeFor, type RouteSettings } from "./upload/route.ts";
import { postWithService } from "./upload/service.ts";
import { bringInVideo, type VideoSettings } from "./upload/video.ts";

/** What the executor needs of the configuration. */
export interface SafariUploadSettings extends VideoSettings, RouteSettings {
  readonly safariUploadSeconds: number;
}

/** Seams for tests. */
export interface SafariUploadOptions {
  readonly clock?: Clock;
  /** See {@link withMachineLock}. */
  readonly lockFolder?: string;
  /** From SIGTERM to SIGKILL. */
  readonly killAfterMs?: number;
}

/** A finished task's answer; of address and id at least one is known. */
export interface SafariUploadResult {
  readonly platform: Platform;
  readonly post_url?: string;
  readonly post_id?: string;
  /** ISO 8601. */
  readonly published_at: string;
}

/** Every Safari automation of the machine takes this lock. */
const LOCK = "safari";

/** Makes the executor; nothing is run yet. */
export function safariUpload(
  settings: SafariUploadSettings,
  options: SafariUploadOptions = {},
): Executor<UploadInput, SafariUploadResult> {
  return {
    type: "safari_upload",
    description: "posts a video to TikTok, Instagram or YouTube from the person's own Safari",
    input: uploadInput,
    check: () => availability(settings),
    // deno-lint-ignore require-await -- a wrong platform must reject, not throw
    plan: async (input) => plan(input, settings),
    run: (input, context) => run(input, settings, options, context),
  };
}

/** Everything about a task that can be checked without doing anything. */
function prepare(input: UploadInput, settings: SafariUploadSettings) {
  const { platform, title, account } = input;
  const route = routeFor(platform, settings);
  const caption = fullCaption(input);
  const problems = textProblems(platform, caption, title);
  if (problems.length > 0) {
    throw new TaskError(`${platformName(platform)} does not take this text: ${problems.join("; ")}`, {
      retry: false,
    });
  }
  const values = { platform, caption, title, account };
  if (route.kind === "program") uploadArguments(route.uploader, { ...values, file: "/" });
  return { route, values, act: outwardAct(input, caption) };
}

function outwardAct(input: UploadInput, caption: string): OutwardAct {
  const { platform, account, title } = input;
  const source = shownSource(input);
  return {
    kind: "post",
    platform,
    alwaysAsk: input.approval === "required",
    ...account === undefined ? {} : { account },
    summary: `post a video to ${platformName(platform)}${account === undefined ? "" : ` as ${account}`}: ${
      caption.replaceAll(/\s+/g, " ").slice(0, 80) || "(no caption)"
    }`,
    preview: {
      video: source,
      caption,
      ...title === undefined ? {} : { title },
    },
  };
}

function plan(input: UploadInput, settings: SafariUploadSettings): string[] {
  const { route, values } = prepare(input, settings);
  const name = platformName(input.platform);
  const way = route.kind === "program"
    ? `run ${
      [route.uploader.program, ...uploadArguments(route.uploader, { ...values, file: "VIDEO" })]
        .map((word) => JSON.stringify(word)).join(" ")
    }`
    : `have the Safari command service at ${route.url} post it`;
  return [
    `ask for approval to post to ${name}, unless the queue is trusted`,
    `${input.video_url === undefined ? "take" : "download"} ${
      shownSource(input)
    } and check it against ${name}'s limits`,
    `wait until no other Safari automation runs on this machine`,
    way,
    `look for the post's address or id in its result`,
  ];
}

async function run(
  input: UploadInput,
  settings: SafariUploadSettings,
  options: SafariUploadOptions,
  context: ExecutionContext,
): Promise<SafariUploadResult> {
  const { route, values, act } = prepare(input, settings);
  const clock = options.clock ?? systemClock;
  await context.outward.ask(act);
  const file = await bringInVideo(input, settings, context);
  const timeoutMs = settings.safariUploadSeconds * 1_000;
  const post = (): Promise<Posted> => {
    context.progress({ message: `posting to ${platformName(input.platform)}` });
    const upload = { values: { ...values, file }, timeoutMs, clock };
    return route.kind === "program"
      ? postWithProgram({ ...upload, uploader: route.uploader, killAfterMs: options.killAfterMs }, context)
      : postWithService({ ...upload, baseUrl: route.url }, context);
  };
  // The lock comes first: whoever waits for it has not begun the act, and may be stopped without a doubt.
  return await withMachineLock(
    LOCK,
    context.signal,
    () =>
      context.outward.perform(act, async (): Promise<SafariUploadResult> => {
        if (context.signal.aborted) throw new TaskError("stopped before the upload began", { retry: true });
        const { url, id } = await post();
        return {
          platform: input.platform,
          ...url === undefined ? {} : { post_url: url },
          ...id === undefined ? {} : { post_id: id },
          published_at: new Date(clock.now()).toISOString(),
        };
      }),
    {
      folder: options.lockFolder,
      clock,
      onWait: () => context.progress({ message: "waiting for another Safari automation on this machine" }),
    },
  );
}
