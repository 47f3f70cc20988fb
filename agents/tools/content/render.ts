/** From a script that has passed the gate to a video: by GenLite, or by a machine with Remotion. */
import { z } from "zod";
import {
  type AgentServices,
  type AgentTool,
  defineTool,
  type ToolContext,
} from "../../../lib/agent/agent.ts";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { acting, answering, beforehand } from "../answering.ts";
import { clip, id, text } from "../fields.ts";
import type { Service } from "../service.ts";
import { genlite } from "../settings.ts";
import { enqueueTask, waitForTask, waitSeconds } from "../tasks.ts";
import { CLOUD_MODELS, orderRender, renderJob } from "./genlite.ts";
import { changeScript, getScript, type Rendering, type Script } from "./script_store.ts";

const RENDER_TASK_MINUTES = 30;

/** The tools that render; those that need GenLite only where it is configured. */
export function renderTools(services: AgentServices, clock: Clock = systemClock): AgentTool[] {
  const service = genlite(services);
  return [startRender(service), ...service ? [generateVideo(service)] : [], renderStatus(service, clock)];
}

const props = z.record(z.string().max(100), z.unknown()).refine(
  (value) => JSON.stringify(value).length <= 20_000,
  "must not be longer than 20000 characters of JSON",
);
const seconds = z.int().min(1).max(600).default(15);
const aspectRatio = z.string().regex(/^\d{1,2}:\d{1,2}$/, "must be like 9:16").default("9:16");

function startRender(service: Service | undefined): AgentTool {
  return defineTool({
    name: "start_render",
    description:
      `Starts rendering a script that has passed the gate, with Remotion${
        service ? " through GenLite" : " on one of the machines"
      }. The composition is given the hook, the script, the niche and the platform besides props. ` +
      "Look how far it is with render_status.",
    input: z.strictObject({
      script_id: id,
      composition: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/, "must be the id of a composition")
        .optional(),
      props: props.default({}),
      duration_seconds: seconds,
      aspect_ratio: aspectRatio,
    }),
    run: answering(async ({ script_id, composition, props, duration_seconds, aspect_ratio }, context) => {
      const script = await take(context, script_id);
      const rendering = await startTaken(context, script, async () => {
        const { hook_text: hook, body, niche, platform } = script;
        const given = { hook, script: body, niche, ...props };
        if (!service) {
          const taskId = await enqueueTask(context, {
            type: "remotion_render",
            input: {
              ...composition && { composition },
              props: { ...given, duration_seconds, aspect_ratio },
              platform,
            },
            timeoutMinutes: RENDER_TASK_MINUTES,
          });
          return { via: "task", id: taskId };
        }
        const job = await orderRender(service, {
          model: "remotion",
          prompt: hook,
          brief: { ...composition && { composition }, platform, props: given, script_id },
          duration_seconds,
          aspect_ratio,
        }, context.signal);
        return { via: "genlite", id: job.id };
      });
      return { script_id, status: "rendering", ...rendering };
    }),
  });
}

function generateVideo(service: Service): AgentTool {
  return defineTool({
    name: "generate_video",
    description:
      `Proposes to have a paid cloud model (${CLOUD_MODELS.join(", ")}) make the video of a script that ` +
      "has passed the gate. A person approves the expense; it is ordered only then.",
    input: z.strictObject({
      script_id: id,
      model: z.enum(CLOUD_MODELS),
      prompt: text(4_000).describe("what the model shall show"),
      duration_seconds: seconds,
      aspect_ratio: aspectRatio,
    }),
    outward: ({ script_id, model, prompt, duration_seconds, aspect_ratio }) => ({
      kind: "spend",
      platform: "genlite",
      summary: `have ${model} make a video of ${duration_seconds} s: ${
        clip(prompt.replace(/\s+/g, " "), 80)
      }`,
      preview: { script_id, model, prompt, duration_seconds, aspect_ratio },
    }),
    run: acting(async ({ script_id, ...order }, context) => {
      const script = await beforehand(() => take(context, script_id));
      const rendering = await startTaken(context, script, async () => {
        const brief = { script: script.body, hook: script.hook_text, script_id };
        const job = await orderRender(service, { ...order, brief }, context.signal);
        return { via: "genlite", id: job.id };
      });
      return { script_id, status: "rendering", ...rendering };
    }, () => "genlite"),
  });
}

/** Takes the script before its render is started, so that no two are. @throws Error where it is not to be rendered */
async function take(context: ToolContext, scriptId: string): Promise<Script> {
  const taken = await changeScript(context, scriptId, ["passed"], { status: "rendering", render: null });
  if (taken) return taken;
  const { status } = await getScript(context, scriptId);
  throw new Error(`Script ${scriptId} is ${status}: only one that has passed the gate is rendered`);
}

/** Starts the render of a script that has been taken; gives it back where none was started. */
async function startTaken(
  context: ToolContext,
  script: Script,
  start: () => Promise<Rendering>,
): Promise<Rendering> {
  let rendering: Rendering;
  try {
    rendering = await start();
  } catch (error) {
    await changeScript(context, script.id, ["rendering"], { status: "passed" });
    throw error;
  }
  await changeScript(context, script.id, ["rendering"], { render: rendering });
  return rendering;
}

function renderStatus(service: Service | undefined, clock: Clock): AgentTool {
  return defineTool({
    name: "render_status",
    description:
      "Tells how far the render of a script is. When it is done, the script is rendered and has its video; when it " +
      "failed, the script is back at passed and may be rendered again.",
    input: z.strictObject({ script_id: id, wait_seconds: waitSeconds.default(0) }),
    run: answering(async ({ script_id, wait_seconds }, context) => {
      const script = await getScript(context, script_id);
      const { status, render, video_url } = script;
      if (status !== "rendering") {
        return { script_id, status, video_url, ...render?.file && { file: render.file } };
      }
      if (!render) return await failed(context, script, "its start broke off");
      const now = render.via === "task"
        ? await taskOutcome(context, render.id, wait_seconds, clock)
        : await jobOutcome(service, render.id, context.signal);
      if (now.state === "open") return { script_id, status, ...render, render_status: now.told };
      if (now.state === "failed") return await failed(context, script, now.why);
      await changeScript(context, script_id, ["rendering"], {
        status: "rendered",
        ...now.url && { video_url: now.url },
        render: { ...render, ...now.file && { file: now.file } },
      });
      return {
        script_id,
        status: "rendered",
        video_url: now.url ?? null,
        ...now.file && { file: now.file },
      };
    }),
  });
}

type Outcome =
  | { readonly state: "open"; readonly told: unknown }
  | { readonly state: "failed"; readonly why: string }
  | { readonly state: "done"; readonly url?: string; readonly file?: string };

async function taskOutcome(
  context: ToolContext,
  taskId: string,
  seconds: number,
  clock: Clock,
): Promise<Outcome> {
  const { status, output, progress, error } = await waitForTask(context, taskId, seconds, clock);
  if (status === "succeeded") {
    const read = z.object({ video_url: z.string().optional(), output_file: z.string().optional() }).safeParse(
      output,
    );
    return { state: "done", url: read.data?.video_url, file: read.data?.output_file };
  }
  if (["failed", "timed_out", "cancelled"].includes(status)) return { state: "failed", why: error ?? status };
  return { state: "open", told: progress ?? status };
}

async function jobOutcome(
  service: Service | undefined,
  jobId: string,
  signal: AbortSignal,
): Promise<Outcome> {
  if (!service) return { state: "open", told: "GenLite is no longer configured" };
  const job = await renderJob(service, jobId, signal);
  if (!job) return { state: "failed", why: "GenLite knows no such job" };
  if (job.status === "completed" && job.output_url) return { state: "done", url: job.output_url };
  if (job.status === "failed" || job.status === "cancelled") {
    return { state: "failed", why: job.error ?? job.status };
  }
  return { state: "open", told: job.status ?? "unknown" };
}

async function failed(context: ToolContext, { id }: Script, why: string): Promise<unknown> {
  await changeScript(context, id, ["rendering"], { status: "passed", render: null });
  return { script_id: id, status: "passed", render_failed: clip(why, 500) };
}
