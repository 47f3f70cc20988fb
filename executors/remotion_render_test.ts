import assert from "node:assert/strict";
import { join } from "node:path";
import { type Progress, TaskError } from "../lib/task/task.ts";
import type { StoredFile, Upload } from "../lib/storage/storage.ts";
import { testContext } from "../lib/testing/execution_context.ts";
import { remotionProject } from "../lib/testing/remotion_project.ts";
import { processTree } from "../lib/testing/process_tree.ts";
import { findProgram, needs } from "../lib/testing/requirements.ts";
import { tempDir } from "../lib/testing/temp.ts";
import { remotionRender, type RemotionSettings, type RenderResult } from "./remotion_render.ts";

const requirement = await needs("npx", "chromium", "ffmpeg", "ffprobe");

interface Bench {
  readonly settings: RemotionSettings;
  readonly progress: Progress[];
  /** The folder of the last attempt, which is gone again. */
  folder(): string;
  run(
    input: Record<string, unknown>,
    options?: {
      settings?: Partial<RemotionSettings>;
      signal?: AbortSignal;
      attempt?: number;
      onProgress?: (progress: Progress) => void;
    },
  ): Promise<RenderResult>;
}

function renderTest(name: string, use: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ...requirement,
    fn: async () => {
      await using dir = await tempDir();
      const settings: RemotionSettings = {
        remotionProjectDir: await remotionProject(),
        remotionBrowser: await findProgram("chromium"),
        remotionTimeoutSeconds: 120,
        ffmpegPath: "ffmpeg",
        ffprobePath: "ffprobe",
        outputDir: join(dir.path, "out"),
        maxDownloadBytes: 1_000_000,
        downloadTimeoutSeconds: 10,
        allowPrivateUrls: false,
      };
      const progress: Progress[] = [];
      let folder = "";
      const run: Bench["run"] = async (input, options = {}) => {
        const executor = remotionRender({ ...settings, ...options.settings });
        await using attempt = await testContext({
          task: { id: "task-1", type: executor.type, attempt: options.attempt ?? 1 },
          signal: options.signal,
        });
        folder = attempt.context.tempDir;
        return await executor.run(executor.input.parse(input), {
          ...attempt.context,
          progress(report) {
            progress.push(report);
            options.onProgress?.(report);
          },
        });
      };
      await use({ settings, progress, folder: () => folder, run });
    },
  });
}

const fails = (running: Promise<unknown>, message: RegExp, retry: boolean) =>
  assert.rejects(running, (error) => {
    assert.ok(error instanceof TaskError, String(error));
    assert.match(error.message, message);
    assert.equal(error.retry, retry, error.message);
    return true;
  });

/** The command lines that name files in the attempt's folder, as Remotion's own and its encoder's do. */
async function processesOf(folder: string): Promise<{ pid: number; command: string }[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-axwwo", "pid=,args="] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line.includes(folder)).map((line) => ({
    pid: Number(line.trim().split(" ")[0]),
    command: line.trim().replace(/^\d+ /, ""),
  }));
}

/** Remotion and all that it has started. */
async function renderOf(folder: string): Promise<{ pid: number; all: number[] }> {
  const [render] = (await processesOf(folder)).filter(({ command }) => /remotion render Film /.test(command));
  return { pid: render!.pid, all: await processTree(render!.pid) };
}

/** Those of the processes that still run. */
async function running(pids: readonly number[]): Promise<string[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-axwwo", "pid=,stat=,args="] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => {
    const [pid, stat] = line.trim().split(/ +/);
    return pids.includes(Number(pid)) && !stat!.startsWith("Z");
  });
}

const isGone = async (path: string) => !await Deno.stat(path).catch(() => undefined);

renderTest(
  "a composition is rendered with its props, pictured, and kept; the machine tells how far it is",
  async ({ run, settings, progress, folder }) => {
    const check = await remotionRender(settings).check();
    assert.deepEqual(check, { available: true, version: "4.0.527" });

    const props = { title: "Hello", frames: 20 };
    const made = await run({ composition: "Film", props, platform: "tiktok", concurrency: 2 });
    const out = join(await Deno.realPath(settings.outputDir), "task-1");
    const { output_file: file, thumbnail_file: picture } = made;
    assert.deepEqual([file, picture], [join(out, "Film.mp4"), join(out, "Film.jpg")]);
    assert.deepEqual([made.composition, made.codec, made.width, made.height], ["Film", "h264", 320, 180]);
    assert.equal(made.file_size_bytes, (await Deno.stat(file!)).size);
    assert.ok(Math.abs(made.duration_seconds - 20 / 30) < 0.1, `${made.duration_seconds}`);
    assert.ok(made.render_duration_ms > 500 && made.render_duration_ms < 120_000);
    assert.equal(made.video_url, undefined);
    const jpeg = await Deno.readFile(picture!);
    assert.deepEqual([...jpeg.subarray(0, 2)], [0xff, 0xd8]);

    const percents = progress.map(({ percent }) => percent!);
    assert.deepEqual(percents, percents.toSorted((a, b) => a - b));
    assert.ok(
      progress.some(({ message, remainingSeconds }) =>
        /^rendered \d+ of 20 frames$/.test(message!) && remainingSeconds !== undefined
      ),
    );
    assert.ok(progress.some(({ message }) => message === "encoded 20 of 20 frames"));
    assert.deepEqual(await processesOf(folder()), []);
  },
);

renderTest(
  "a video that could not be stored is not rendered again, but stored by the next attempt",
  async ({ run, settings, progress }) => {
    const stored: Upload[] = [];
    const upload = async (given: Upload): Promise<StoredFile> => {
      stored.push(given);
      const { size: bytes } = await Deno.stat(given.file);
      given.onProgress?.(bytes, bytes);
      const { bucket, path } = given;
      return { url: `https://store.example.com/${bucket}/${path}`, bucket, path, bytes, sha256: "" };
    };
    const input = { composition: "Film", props: { title: "Kept", frames: 3 }, codec: "vp8", scale: 0.5 };
    const broken = { upload: () => Promise.reject(new TaskError("Cannot store", { retry: true })) };
    await fails(run(input, { settings: { storage: broken } }), /Cannot store/, true);
    progress.length = 0;

    const made = await run(input, { settings: { storage: { upload } }, attempt: 2 });
    assert.equal(progress.some(({ message }) => message?.startsWith("rendered")), false);
    assert.equal(made.video_url, "https://store.example.com/actp-videos/task-1/video.webm");
    assert.equal(made.thumbnail_url, "https://store.example.com/actp-thumbnails/task-1/thumbnail.jpg");
    assert.deepEqual([made.width, made.codec, made.output_file], [160, "vp8", undefined]);
    assert.deepEqual(stored.map(({ contentType }) => contentType), ["video/webm", "image/jpeg"]);
    assert.ok(await isGone(join(settings.outputDir, "task-1")));
  },
);

renderTest(
  "an unknown composition and props that it throws for fail for good, with Remotion's reason",
  async (bench) => {
    const { run, settings } = bench;
    const unknown =
      /cannot render Nope: Could not find composition with ID Nope\. Available compositions: Film$/;
    await fails(run({ composition: "Nope" }), unknown, false);
    const thrown = run({ composition: "Film", props: { title: 5, frames: 2 } });
    await fails(thrown, /cannot render Film: title must be text \(frame \d, src\/film\.jsx:6\)$/, false);
    assert.ok(await isGone(join(settings.outputDir, "task-1")));
  },
);

renderTest(
  "what Remotion would take for a path or a file elsewhere is refused before it runs",
  async ({ run }) => {
    await fails(run({ composition: "src" }), /src is also a file or folder.*REMOTION_ENTRY/, false);
    await fails(run({ composition: "Film", entry: "../../etc/passwd" }), /leaves its folder/, false);
    await fails(run({ composition: "Film", entry: "src/none.js" }), /no entry file/, false);
  },
);

renderTest(
  "a render that is killed says so, with the figures of memory, and may be tried again",
  async (bench) => {
    const { run, folder } = bench;
    let killing: Promise<number[]> | undefined;
    const kill = async () => {
      const { pid, all } = await renderOf(folder());
      Deno.kill(pid, "SIGKILL");
      return all;
    };
    const rendering = run({ composition: "Film", props: { title: "Long", frames: 9_000 } }, {
      onProgress: ({ message }) => {
        if (message?.startsWith("rendered")) killing ??= kill();
      },
    });
    const reason =
      /was killed \(SIGKILL\), .*\(memory: [\d.]+ of [\d.]+ GB available at the least.*peak about [\d.]+ GB\)$/;
    await fails(rendering, reason, true);
    assert.deepEqual(await running((await killing)!), []);
  },
);

renderTest("cancelling ends the render at once, leaving neither processes nor files", async (bench) => {
  const { run, folder, settings } = bench;
  const stop = new AbortController();
  let before: Promise<number[]> | undefined;
  const lookAndStop = async () => {
    const { all } = await renderOf(folder());
    stop.abort(new Error("cancelled"));
    return all;
  };
  const rendering = run({ composition: "Film", props: { title: "Long", frames: 9_000 } }, {
    signal: stop.signal,
    onProgress: ({ message }) => {
      if (message?.startsWith("rendered")) before ??= lookAndStop();
    },
  });
  await assert.rejects(rendering, /cancelled/);
  const pids = (await before)!;
  assert.ok(pids.length >= 3, `${pids.length} processes: Remotion, its browser and its encoder`);
  assert.deepEqual(await running(pids), []);
  assert.ok(await isGone(join(settings.outputDir, "task-1")));
});

renderTest("a render over its time limit is stopped and may be tried again", async ({ run, folder }) => {
  const rendering = run({ composition: "Film" }, { settings: { remotionTimeoutSeconds: 0.5 } });
  await fails(rendering, /longer than its limit of 0\.5 s.*raise REMOTION_TIMEOUT_SECONDS/, true);
  assert.deepEqual(await processesOf(folder()), []);
});
