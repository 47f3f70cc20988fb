/** The task type `remotion_render`: renders a composition to a video, here or with a render service, and stores it. */
import { copyFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { type Clock, systemClock } from "../lib/clock.ts";
import { isLoopback } from "../lib/config/schemas.ts";
import { download } from "../lib/net/download.ts";
import { type Availability, type ExecutionContext, type Executor, TaskError } from "../lib/task/task.ts";
import { CODECS, crfFor } from "./remotion/codec.ts";
import { type RemotionInput, remotionInput } from "./remotion/input.ts";
import { renderLocally } from "./remotion/local_render.ts";
import { findProject, missingTools } from "./remotion/project.ts";
import { fingerprint, readRecord, removeIfEmpty, removeRecord } from "./remotion/record.ts";
import { factsOf, finishVideo, probeVideo, type RenderResult } from "./remotion/result.ts";
import { isAlive, type RenderService } from "./remotion/service.ts";
import { type RenderedRemotely, renderRemotely } from "./remotion/service_render.ts";
import type { RemotionSettings } from "./remotion/settings.ts";
import { resultFolder } from "./task_files.ts";

export type { RemotionSettings } from "./remotion/settings.ts";
export type { RenderResult } from "./remotion/result.ts";

/** Where a video is rendered: the project goes before the service. */
type Place =
  | { readonly kind: "project"; readonly settings: RemotionSettings & { remotionProjectDir: string } }
  | { readonly kind: "service"; readonly service: RenderService }
  | { readonly kind: "none" };

/** Makes the executor; nothing is run yet. */
export function remotionRender(
  settings: RemotionSettings,
  clock: Clock = systemClock,
): Executor<RemotionInput, RenderResult> {
  return {
    type: "remotion_render",
    description: "renders a Remotion composition to a video and stores it",
    input: remotionInput,
    check: () => check(settings, clock),
    plan: (input) => Promise.resolve(plan(input, settings, clock)),
    run: (input, context) => run(input, settings, context, clock),
  };
}

function placeOf(settings: RemotionSettings, clock: Clock): Place {
  const { remotionProjectDir, remotionServiceUrl: url, remotionServiceKey: key } = settings;
  if (remotionProjectDir !== undefined) {
    return { kind: "project", settings: { ...settings, remotionProjectDir } };
  }
  return url === undefined ? { kind: "none" } : { kind: "service", service: { url, key, clock } };
}

const NOWHERE = {
  reason: "no Remotion project is configured",
  fix: "set REMOTION_PROJECT_DIR to a Remotion project, or REMOTION_SERVICE_URL to a render service",
};

async function check(settings: RemotionSettings, clock: Clock): Promise<Availability> {
  const place = placeOf(settings, clock);
  switch (place.kind) {
    case "none":
      return { available: false, ...NOWHERE };
    case "project": {
      const project = await findProject(place.settings);
      if ("reason" in project) return { available: false, ...project };
      return { available: true, ...project.version === undefined ? {} : { version: project.version } };
    }
    case "service": {
      const missing = await missingTools(settings);
      if (missing) return { available: false, ...missing };
      const problem = await isAlive(place.service, new AbortController().signal);
      if (problem === undefined) return { available: true };
      const reason = `the render service does not work: ${problem}`;
      return { available: false, reason, fix: "start it, or correct REMOTION_SERVICE_URL" };
    }
  }
}

function plan(input: RemotionInput, settings: RemotionSettings, clock: Clock): string[] {
  const place = placeOf(settings, clock);
  if (place.kind === "none") return [`cannot render: ${NOWHERE.reason} (${NOWHERE.fix})`];
  const where = place.kind === "project"
    ? `with the Remotion project in ${place.settings.remotionProjectDir}`
    : `with the render service at ${place.service.url}`;
  const crf = crfFor(input.codec, input.platform, input.crf);
  const quality = crf === undefined ? "" : `, CRF ${crf}`;
  const also = input.thumbnail ? " and a thumbnail" : "";
  return [
    `render the composition ${input.composition} ${where}, as ${input.codec}${quality}, ` +
    `within ${settings.remotionTimeoutSeconds} s`,
    `give it ${Object.keys(input.props).length} props`,
    settings.storage
      ? `store the video${also}`
      : `keep the video${also} in the task's folder in ${settings.outputDir}`,
  ];
}

async function run(
  input: RemotionInput,
  settings: RemotionSettings,
  context: ExecutionContext,
  clock: Clock,
): Promise<RenderResult> {
  const place = placeOf(settings, clock);
  if (place.kind === "none") {
    throw new TaskError(`Cannot render: ${NOWHERE.reason} (${NOWHERE.fix})`, { retry: true });
  }
  const folder = await resultFolder(settings.outputDir, context.task.id);
  try {
    return await renderAt(place, folder, input, settings, context, clock);
  } finally {
    await removeIfEmpty(folder);
  }
}

async function renderAt(
  place: Exclude<Place, { kind: "none" }>,
  folder: string,
  input: RemotionInput,
  settings: RemotionSettings,
  context: ExecutionContext,
  clock: Clock,
): Promise<RenderResult> {
  const where = place.kind === "project" ? place.settings.remotionProjectDir : place.service.url;
  const asked = fingerprint([input, where]);
  const finish = (file: string, renderMs: number) =>
    finishVideo({ file, renderMs, folder, fingerprint: asked }, input, settings, context);

  const before = context.task.attempt > 1 ? await readRecord(folder, asked) : undefined;
  if (before?.kind === "rendered") {
    const file = join(folder, before.file);
    if (await Deno.stat(file).catch(() => undefined)) return await finish(file, before.renderMs);
  }
  if (place.kind === "project") {
    const { file, renderMs } = await renderLocally(input, place.settings, context, clock);
    return await finish(file, renderMs);
  }
  const { service } = place;
  const timeoutSeconds = settings.remotionTimeoutSeconds;
  const made = await renderRemotely({ input, service, timeoutSeconds, folder, fingerprint: asked }, context);
  if (made.video.url === undefined) {
    return await finish(await fetchPath(made, input, service, context), made.renderMs);
  }
  const result = await describeRemote(made, made.video.url, input, service, settings, context);
  await removeRecord(folder);
  return result;
}

/** The service's own address of the video stays its address; it is fetched to see that it is one. */
async function describeRemote(
  { video, renderMs }: RenderedRemotely,
  url: string,
  { composition }: RemotionInput,
  service: RenderService,
  settings: RemotionSettings,
  context: ExecutionContext,
): Promise<RenderResult> {
  const file = join(context.tempDir, "fetched");
  await download({
    url,
    file,
    maxBytes: settings.maxDownloadBytes,
    timeoutMs: settings.downloadTimeoutSeconds * 1_000,
    // The owner chose the service's own address; any other must be a public one.
    allowPrivate: settings.allowPrivateUrls || new URL(url).origin === new URL(service.url).origin,
    signal: context.signal,
  });
  const facts = await factsOf(file, await probeVideo(file, settings, context));
  return {
    composition,
    ...facts,
    render_duration_ms: renderMs,
    video_url: url,
    ...video.thumbnailUrl === undefined ? {} : { thumbnail_url: video.thumbnailUrl },
  };
}

/** A service on this machine may tell a path instead of an address. The file stays where it is. */
async function fetchPath(
  { video: { path } }: RenderedRemotely,
  { composition, codec }: RemotionInput,
  service: RenderService,
  context: ExecutionContext,
): Promise<string> {
  const refuse = (why: string) =>
    new TaskError(`Cannot render ${composition}: the render service ${why}`, { retry: false });
  if (path === undefined) throw refuse("finished but tells no address of the video");
  if (!isLoopback(new URL(service.url).hostname) || !isAbsolute(path)) {
    throw refuse("tells a path on its own machine instead of an address of the video");
  }
  const file = join(context.tempDir, `fetched.${CODECS[codec].extension}`);
  await copyFile(path, file).catch((cause) => {
    throw new TaskError(
      `Cannot render ${composition}: the render service's file cannot be read: ${cause.message}`,
      {
        retry: true,
        cause,
      },
    );
  });
  return file;
}
