import assert from "node:assert/strict";
import { join } from "node:path";
import { aborted, type Clock, systemClock } from "../lib/clock.ts";
import { type Progress, TaskError } from "../lib/task/task.ts";
import { testContext } from "../lib/testing/execution_context.ts";
import { needs } from "../lib/testing/requirements.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { remotionRender, type RemotionSettings, type RenderResult } from "./remotion_render.ts";

const requirement = await needs("ffmpeg", "ffprobe");

/** One answer: status, JSON or file, headers. */
type Answer = readonly [status: number, body?: unknown, headers?: Record<string, string>];

/** A render service as its documents describe it, over HTTP. */
class Service implements AsyncDisposable {
  readonly seen: { method: string; path: string; key: string | null; body: unknown }[] = [];
  /** What it answers to a submission and to each look at the job; the last look's answer is repeated. */
  submitted: Answer[] = [[202, { jobId: "job-1", status: "queued", pollUrl: "/api/v1/jobs/job-1" }]];
  looks: Answer[] = [[200, {
    id: "job-1",
    status: "completed",
    result: { videoUrl: "/files/film.mp4?sig=s" },
  }]];
  health = 200;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(readonly film: string) {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  calls(): string[] {
    return this.seen.map(({ method, path }) => `${method} ${path}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname: path } = new URL(request.url);
    if (path === "/health") return Response.json({ status: "healthy" }, { status: this.health });
    if (path.startsWith("/files/")) {
      return path === "/files/film.mp4"
        ? new Response(await Deno.readFile(this.film), { headers: { "content-type": "video/mp4" } })
        : new Response("no film", { headers: { "content-type": "video/mp4" } });
    }
    const { method, headers } = request;
    const body = method === "POST" ? await request.json() : undefined;
    this.seen.push({ method, path, key: headers.get("x-api-key"), body });
    if (method === "DELETE") return Response.json({ success: true });
    const answers = method === "POST" ? this.submitted : this.looks;
    const [status, json, more] = answers.length > 1 ? answers.shift()! : answers[0]!;
    return Response.json(json ?? {}, { status, headers: more });
  }
}

interface Bench {
  readonly service: Service;
  readonly settings: RemotionSettings;
  readonly progress: Progress[];
  /** Aborting it lets the task's time limit pass. */
  readonly limit: AbortController;
  /** How long it waited between looks, in ms. */
  readonly waited: number[];
  run(
    input?: Record<string, unknown>,
    options?: { settings?: Partial<RemotionSettings>; signal?: AbortSignal; attempt?: number },
  ): Promise<RenderResult>;
}

/** How long a render may take in these tests, in ms of a clock on which that never passes by itself. */
const LIMIT_MS = 45_000;

/** Waits between looks at the job end at once, the task's limit when the signal aborts; other limits are real. */
function hastyClock(waited: number[], limitOver: AbortSignal): Clock {
  return {
    ...systemClock,
    async sleep(ms, signal) {
      if (ms === LIMIT_MS) return await aborted(signal ? AbortSignal.any([signal, limitOver]) : limitOver);
      const isLimit = ms >= 30_000 || ms === 5_000;
      if (!isLimit) waited.push(ms);
      await systemClock.sleep(isLimit ? ms : 1, signal);
    },
  };
}

let film: Promise<Uint8Array> | undefined;

async function makeFilm(): Promise<Uint8Array> {
  await using dir = await tempDir();
  const args =
    "-v error -f lavfi -i testsrc=duration=1:size=160x90:rate=10 -c:v libx264 -preset ultrafast film.mp4";
  await new Deno.Command("ffmpeg", { args: args.split(" "), cwd: dir.path, stdin: "null" }).output();
  return await Deno.readFile(join(dir.path, "film.mp4"));
}

function serviceTest(name: string, use: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ...requirement,
    fn: async () => {
      await using dir = await tempDir();
      const path = join(dir.path, "made.mp4");
      await Deno.writeFile(path, await (film ??= makeFilm()));
      await using service = new Service(path);
      const settings: RemotionSettings = {
        remotionServiceUrl: service.url,
        remotionServiceKey: "the-key",
        remotionTimeoutSeconds: LIMIT_MS / 1_000,
        ffmpegPath: "ffmpeg",
        ffprobePath: "ffprobe",
        outputDir: join(dir.path, "out"),
        maxDownloadBytes: 1_000_000,
        downloadTimeoutSeconds: 10,
        allowPrivateUrls: false,
      };
      const progress: Progress[] = [];
      const waited: number[] = [];
      const limit = new AbortController();
      const run: Bench["run"] = async (input = { composition: "Film" }, options = {}) => {
        const executor = remotionRender(
          { ...settings, ...options.settings },
          hastyClock(waited, limit.signal),
        );
        await using attempt = await testContext({
          task: { id: "task-1", type: executor.type, attempt: options.attempt ?? 1 },
          signal: options.signal,
        });
        const context = { ...attempt.context, progress: (report: Progress) => void progress.push(report) };
        return await executor.run(executor.input.parse(input), context);
      };
      await use({ service, settings, progress, limit, waited, run });
    },
  });
}

const fails = (running: Promise<unknown>, message: RegExp, retry: boolean) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /the-key|sig=/);
    assert.equal(error.retry, retry, error.message);
    return true;
  });

serviceTest(
  "the service renders the brief, and its video is fetched, looked into and named",
  async (bench) => {
    const { service, run, progress, waited, settings } = bench;
    service.looks.unshift(
      [200, { id: "job-1", status: "queued" }],
      [200, { id: "job-1", status: "processing", progress: 0.5 }],
    );
    const made = await run({
      composition: "Film",
      props: { title: "Hi" },
      platform: "youtube",
      frames: [0, 9],
    });
    assert.deepEqual([made.video_url, made.codec, made.width, made.height, made.duration_seconds], [
      `${service.url}/files/film.mp4?sig=s`,
      "h264",
      160,
      90,
      1,
    ]);
    assert.equal(made.file_size_bytes, (await Deno.stat(service.film)).size);
    assert.deepEqual(service.seen[0], {
      method: "POST",
      path: "/api/v1/render/brief",
      key: "the-key",
      body: {
        brief: { title: "Hi", composition: "Film" },
        quality: "production",
        outputFormat: "mp4",
        codec: "h264",
        crf: 15,
        platform: "youtube",
        frames: [0, 9],
      },
    });
    assert.deepEqual(service.calls().slice(1), Array(3).fill("GET /api/v1/jobs/job-1"));
    assert.ok(progress.some(({ percent, message }) => percent === 47.5 && /says: processing/.test(message!)));
    assert.deepEqual(waited.map((ms) => Math.ceil(ms / 1_000)), [1, 2, 4]);
    await assert.rejects(Deno.stat(join(settings.outputDir, "task-1")), Deno.errors.NotFound);
  },
);

serviceTest(
  "a service on this machine may tell a path: the file is kept like a local render",
  async (bench) => {
    const { service, run } = bench;
    service.looks = [[200, { data: { status: "completed", result: { videoPath: service.film } } }]];
    const made = await run();
    assert.match(made.output_file!, /\/task-1\/Film\.mp4$/);
    assert.match(made.thumbnail_file!, /\/task-1\/Film\.jpg$/);
    assert.equal((await Deno.stat(service.film)).isFile, true);
  },
);

serviceTest("a relative path or no address at all is no result", async ({ service, run }) => {
  service.looks = [[200, { status: "completed", result: { videoPath: "./output/x.mp4" } }]];
  await fails(run(), /tells a path on its own machine/, false);
  service.looks = [[200, { status: "completed" }]];
  await fails(run(), /tells no address of the video/, false);
});

serviceTest(
  "what is no video is not passed off as one, nor fetched from a private address",
  async ({ service, run }) => {
    service.looks = [[200, { status: "completed", result: { url: "/files/other.mp4" } }]];
    await fails(run(), /is no video/, true);
    service.looks = [[200, { status: "completed", result: { url: "http://127.0.0.1:9/x.mp4" } }]];
    await fails(run(), /private address/, false);
  },
);

serviceTest(
  "a failed job fails with the service's reason, for good when it is the composition's",
  async (bench) => {
    const { service, run } = bench;
    service.looks = [[200, { status: "failed", error: "worker died" }]];
    await fails(run(), /Cannot render Film: the render service failed: worker died/, true);
    service.looks = [[200, { status: "failed", error: "Could not find composition with ID Film" }]];
    await fails(run(), /failed: Could not find composition/, false);
    service.looks = [[200, { status: "cancelled" }]];
    await fails(run(), /cancelled the job/, false);
  },
);

serviceTest("a refusal is told with what to check", async ({ service, run }) => {
  const cases: [Answer, RegExp, boolean][] = [
    [[401, { error: "bad key" }], /answered 401 \(check REMOTION_SERVICE_KEY\)/, true],
    [[400, { error: "Missing required field: brief" }], /answered 400: Missing required field: brief/, false],
    [[404], /answered 404 \(check REMOTION_SERVICE_URL\)/, true],
    [
      [307, {}, { location: "https://elsewhere.example.com/" }],
      /answered 307 \(check REMOTION_SERVICE_URL\)/,
      true,
    ],
    [[500, { error: "oops" }], /answered 500: oops/, true],
    [[202, { status: "queued" }], /took the request but named no job/, true],
  ];
  for (const [answer, message, retry] of cases) {
    service.submitted = [answer];
    await fails(run(), message, retry);
  }
  assert.equal(service.calls().length, cases.length);
});

serviceTest(
  "a service that is busy is asked again when it says, and looks that fail are repeated",
  async (bench) => {
    const { service, run, waited } = bench;
    service.submitted.unshift([429, { error: "Rate limit exceeded" }, { "retry-after": "7" }]);
    service.looks.unshift([503], [429, {}, { "retry-after": "3" }]);
    assert.ok((await run()).video_url);
    assert.ok(waited.includes(7_000) && waited.includes(3_000), waited.join());
    assert.equal(service.calls().length, 5);
  },
);

serviceTest(
  "a service that stays away fails the task after ten looks, and it may be tried again",
  async (bench) => {
    const { service, run } = bench;
    service.looks = [[502, { error: "gone" }]];
    await fails(run(), /the render service answered 502: gone/, true);
    assert.equal(service.calls().length, 11);
  },
);

serviceTest("the next attempt goes on with the job that was submitted before", async ({ service, run }) => {
  service.looks = [[502]];
  await fails(run(), /502/, true);
  service.looks = [[200, { status: "completed", result: { url: "/files/film.mp4" } }]];
  service.seen.length = 0;
  assert.ok((await run(undefined, { attempt: 2 })).video_url);
  assert.deepEqual(service.calls(), ["GET /api/v1/jobs/job-1"]);
});

serviceTest("a job that the service has forgotten is submitted anew", async ({ service, run }) => {
  service.looks = [[502]];
  await fails(run(), /502/, true);
  service.looks = [[404], [200, { status: "completed", result: { url: "/files/film.mp4" } }]];
  service.seen.length = 0;
  assert.ok((await run(undefined, { attempt: 2 })).video_url);
  assert.deepEqual(service.calls(), [
    "GET /api/v1/jobs/job-1",
    "POST /api/v1/render/brief",
    "GET /api/v1/jobs/job-1",
  ]);
});

serviceTest("a stopped task cancels its job", async ({ service, run, progress }) => {
  service.looks = [[200, { status: "processing" }]];
  const stop = new AbortController();
  const push = progress.push.bind(progress);
  progress.push = (...reports) => {
    stop.abort(new Error("stopped"));
    return push(...reports);
  };
  await assert.rejects(run(undefined, { signal: stop.signal }), /stopped/);
  assert.equal(service.calls().at(-1), "DELETE /api/v1/jobs/job-1");
});

serviceTest("a job over the time limit is cancelled, and the task may be tried again", async (bench) => {
  const { service, run, progress, limit } = bench;
  service.looks = [[200, { status: "processing" }]];
  const push = progress.push.bind(progress);
  progress.push = (...reports) => {
    limit.abort();
    return push(...reports);
  };
  await fails(run(), /longer than the limit of 45 s \(raise REMOTION_TIMEOUT_SECONDS\)/, true);
  assert.equal(service.calls().at(-1), "DELETE /api/v1/jobs/job-1");
});

serviceTest("the executor is available when the service lives, and says why not otherwise", async (bench) => {
  const { service, settings } = bench;
  assert.deepEqual(await remotionRender(settings).check(), { available: true });
  service.health = 503;
  const sick = await remotionRender(settings).check();
  assert.ok(!sick.available && /its \/health answered 503/.test(sick.reason));
  const gone = await remotionRender({ ...settings, remotionServiceUrl: "http://127.0.0.1:9" }).check();
  assert.ok(!gone.available && /does not work/.test(gone.reason) && /REMOTION_SERVICE_URL/.test(gone.fix));
});

serviceTest("without a project and a service there is nothing to render with", async ({ settings, run }) => {
  const nothing = { ...settings, remotionServiceUrl: undefined };
  const found = await remotionRender(nothing).check();
  assert.ok(!found.available && /REMOTION_PROJECT_DIR.*REMOTION_SERVICE_URL/.test(found.fix));
  await fails(
    run({}, { settings: { remotionServiceUrl: undefined } }),
    /no Remotion project is configured/,
    true,
  );
});

serviceTest("a plan says what would be done, without doing it", async ({ settings, service }) => {
  const executor = remotionRender(settings);
  const input = executor.input.parse({ composition: "Film", platform: "tiktok", props: { a: 1 } });
  const lines = (await executor.plan!(input)).join("\n");
  assert.match(
    lines,
    /render the composition Film with the render service at http:\/\/127\.0\.0\.1:\d+, as h264, CRF 18/,
  );
  assert.match(lines, /keep the video and a thumbnail/);
  assert.deepEqual(service.seen, []);
});
