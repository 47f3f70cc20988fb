/** The task type `blotato_upload`: posts through Blotato, its local app first and its cloud service else. */
import { type Clock, systemClock } from "../lib/clock.ts";
import {
  type Availability,
  type ExecutionContext,
  type Executor,
  type OutwardAct,
  TaskError,
} from "../lib/task/task.ts";
import { cloudAvailability } from "./blotato/availability.ts";
import { CloudPublisher } from "./blotato/cloud.ts";
import { CloudCalls, cloudLimits, isUsableKey } from "./blotato/cloud_calls.ts";
import { type BlotatoInput, blotatoInput, destination, mediaSources } from "./blotato/input.ts";
import { LocalPublisher, localStatus } from "./blotato/local.ts";
import { follow, type Publisher, type Submission } from "./blotato/publisher.ts";
import { buildTarget } from "./blotato/target.ts";
import type { FileSettings } from "./ffmpeg/files.ts";
import { shownSource } from "./upload/input.ts";

/** What the executor needs of the configuration. */
export interface BlotatoSettings extends FileSettings {
  /** Without a slash at its end. */
  readonly blotatoLocalUrl?: string;
  readonly blotatoApiKey?: string;
  /** Without a slash at its end. */
  readonly blotatoApiUrl: string;
}

/** A finished task's answer: published, or scheduled for later. Times are ISO 8601. */
export interface BlotatoResult {
  readonly platform: BlotatoInput["platform"];
  readonly post_id: string;
  readonly post_url?: string;
  readonly published_at?: string;
  readonly scheduled_for?: string;
}

/** The ways that the configuration opens. */
interface Ways {
  readonly local?: LocalPublisher;
  readonly cloud?: CloudPublisher;
}

/** Makes the executor; nothing is asked yet. The rate limits are kept by it, so that all its tasks share them. */
export function blotatoUpload(
  settings: BlotatoSettings,
  clock: Clock = systemClock,
): Executor<BlotatoInput, BlotatoResult> {
  const limits = cloudLimits(clock);
  const checkCloud = cloudAvailability(settings, clock);
  const ways = (): Ways => {
    const { blotatoLocalUrl, blotatoApiKey, blotatoApiUrl, inputRoots } = settings;
    const options = { blotatoApiUrl, inputRoots, transferTimeoutMs: settings.downloadTimeoutSeconds * 1_000 };
    return {
      ...blotatoLocalUrl === undefined ? {} : { local: new LocalPublisher({ ...settings, blotatoLocalUrl }) },
      ...blotatoApiKey === undefined || !isUsableKey(blotatoApiKey) ? {} : {
        cloud: new CloudPublisher(new CloudCalls({ blotatoApiUrl, blotatoApiKey }, limits, clock), options),
      },
    };
  };
  return {
    type: "blotato_upload",
    description: "posts to social platforms through the Blotato app or its cloud service",
    input: blotatoInput,
    check: () => check(settings, checkCloud),
    // deno-lint-ignore require-await -- a wrong input must reject, not throw
    plan: async (input) => plan(input, settings),
    run: (input, context) => run(input, settings, ways(), clock, context),
  };
}

async function check(
  settings: BlotatoSettings,
  checkCloud: () => Promise<Availability>,
): Promise<Availability> {
  const { blotatoLocalUrl, blotatoApiKey } = settings;
  let reason = "neither the Blotato app nor its cloud service is configured";
  if (blotatoLocalUrl !== undefined) {
    const status = await localStatus(blotatoLocalUrl, new AbortController().signal);
    if (status.ready) {
      return { available: true, ...status.version === undefined ? {} : { version: status.version } };
    }
    reason = status.reason;
    if (blotatoApiKey === undefined) {
      return { available: false, reason, fix: "start the Blotato app, or check BLOTATO_LOCAL_URL" };
    }
  }
  if (blotatoApiKey === undefined) {
    return { available: false, reason, fix: "set BLOTATO_LOCAL_URL or BLOTATO_API_KEY" };
  }
  return await checkCloud();
}

/** Everything about a task that can be checked without doing anything. */
function prepare(input: BlotatoInput, { blotatoLocalUrl, blotatoApiKey }: BlotatoSettings) {
  const sources = mediaSources(input);
  const { platform, title } = input;
  const target = buildTarget({ platform, target: input.target, title, mediaCount: sources.length });
  if (blotatoLocalUrl === undefined && (blotatoApiKey === undefined || !isUsableKey(blotatoApiKey))) {
    throw new TaskError("Blotato is not configured; set BLOTATO_LOCAL_URL or BLOTATO_API_KEY", {
      retry: true,
    });
  }
  return { sources, target, act: outwardAct(input, target) };
}

function outwardAct(input: BlotatoInput, target: Record<string, unknown>): OutwardAct {
  const { platform, account_id, caption, title, scheduled_time } = input;
  const when = scheduled_time === undefined ? "" : `, at ${scheduled_time}`;
  return {
    kind: "post",
    platform,
    account: account_id,
    alwaysAsk: input.approval === "required",
    summary: `post to ${destination(input)} through Blotato${when}: ${
      caption.replaceAll(/\s+/g, " ").slice(0, 80) || "(no caption)"
    }`,
    preview: {
      caption,
      media: mediaSources(input).map((source) =>
        "file" in source ? source.file : shownSource({ video_url: source.url })
      ),
      ...title === undefined ? {} : { title },
      ...scheduled_time === undefined ? {} : { scheduled_time },
      target,
    },
  };
}

function plan(input: BlotatoInput, settings: BlotatoSettings): string[] {
  const { act, target, sources } = prepare(input, settings);
  const cloud = "Blotato's cloud service";
  const way = settings.blotatoLocalUrl === undefined
    ? cloud
    : `the Blotato app at ${settings.blotatoLocalUrl}${
      settings.blotatoApiKey ? `, or ${cloud} if it is off` : ""
    }`;
  return [
    `ask for approval, unless the queue is trusted: ${act.summary}`,
    `hand ${sources.length} pictures or films to ${way}`,
    `post with target ${JSON.stringify(target)}`,
    input.scheduled_time === undefined
      ? "wait until it is published or has failed"
      : `see that it is scheduled for ${input.scheduled_time}`,
  ];
}

async function run(
  input: BlotatoInput,
  settings: BlotatoSettings,
  ways: Ways,
  clock: Clock,
  context: ExecutionContext,
): Promise<BlotatoResult> {
  const { signal } = context;
  const progress: ExecutionContext["progress"] = (report) => context.progress(report);
  const { sources, target, act } = prepare(input, settings);
  await context.outward.ask(act);
  const publisher = await choose(ways, settings, context);
  await publisher.verify(input, signal);
  const media: string[] = [];
  for (const source of sources) media.push(await publisher.media(source, input, context));
  let submission = await context.outward.perform(act, async (): Promise<Submission> => {
    requireFuture(input, clock);
    if (signal.aborted) throw new TaskError("stopped before the post was handed over", { retry: true });
    const taken = await publisher.submit({ input, target, media }, signal);
    return await follow(publisher, taken, input, { signal, clock, progress });
  });
  // An earlier attempt may have handed the post over without seeing how it fared.
  if (submission.state === "pending" && !signal.aborted) {
    const via = ways[submission.via];
    if (via === undefined) {
      const way = submission.via === "local"
        ? "the app (BLOTATO_LOCAL_URL)"
        : "the cloud service (BLOTATO_API_KEY)";
      throw new TaskError(`post ${submission.id} was handed to Blotato through ${way}, which is off now`, {
        retry: true,
      });
    }
    submission = await follow(via, submission, input, { signal, clock, progress });
  }
  if (submission.state === "pending") {
    signal.throwIfAborted();
    const what = `Blotato took the post to ${
      destination(input)
    } (${submission.id}) but has not published it yet`;
    throw new TaskError(`${what}; trying again looks at the same post`, { retry: true });
  }
  return resultOf(input, submission, clock);
}

/** The app if it answers, else the cloud service. */
async function choose(
  { local, cloud }: Ways,
  settings: BlotatoSettings,
  context: ExecutionContext,
): Promise<Publisher> {
  if (local === undefined && cloud !== undefined) return cloud;
  const status = await localStatus(settings.blotatoLocalUrl!, context.signal);
  if (status.ready) return local!;
  if (cloud === undefined) {
    throw new TaskError(`${status.reason}; start it, or check BLOTATO_LOCAL_URL`, { retry: true });
  }
  context.log.warn("{reason}; using Blotato's cloud service", { reason: status.reason });
  return cloud;
}

/** Blotato publishes at once what is scheduled for the past. */
function requireFuture({ scheduled_time }: BlotatoInput, clock: Clock): void {
  if (scheduled_time !== undefined && Date.parse(scheduled_time) <= clock.now()) {
    throw new TaskError(`scheduled_time ${scheduled_time} has passed; enqueue the post with a new time`, {
      retry: false,
    });
  }
}

function resultOf(
  input: BlotatoInput,
  { id, state, url, scheduledFor }: Submission,
  clock: Clock,
): BlotatoResult {
  const scheduled = scheduledFor ?? input.scheduled_time;
  return {
    platform: input.platform,
    post_id: id,
    ...url === undefined ? {} : { post_url: url },
    ...state === "published" ? { published_at: new Date(clock.now()).toISOString() } : {},
    ...state === "scheduled" && scheduled !== undefined ? { scheduled_for: scheduled } : {},
  };
}
