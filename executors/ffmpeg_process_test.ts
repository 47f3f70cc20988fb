import assert from "node:assert/strict";
import { join } from "node:path";
import { type Progress, TaskError } from "../lib/task/task.ts";
import { testContext } from "../lib/testing/execution_context.ts";
import { needs } from "../lib/testing/requirements.ts";
import { ffmpegProcess, type FfmpegResult, type FfmpegSettings } from "./ffmpeg_process.ts";

const requirement = await needs("ffmpeg", "ffprobe");

interface Bench {
  readonly inputs: string;
  readonly settings: FfmpegSettings;
  readonly progress: Progress[];
  run(
    input: Record<string, unknown>,
    options?: { settings?: Partial<FfmpegSettings>; signal?: AbortSignal; id?: string },
  ): Promise<FfmpegResult>;
}

let fixtures: Promise<string> | undefined;

/** Two seconds of picture and sound, a silent film, a tone and silence; made once. */
function makeFixtures(): Promise<string> {
  return fixtures ??= (async () => {
    const dir = await Deno.makeTempDir();
    const picture = "-f lavfi -i testsrc=duration=2:size=320x240:rate=25";
    const tone = "-f lavfi -i sine=frequency=440:duration=2";
    const fast = "-pix_fmt yuv420p -c:v libx264 -preset ultrafast";
    for (
      const made of [
        `${picture} ${tone} ${fast} -c:a aac film.mp4`,
        `${picture} ${fast} silent.mp4`,
        `-f lavfi -i testsrc=duration=1:size=160x120:rate=10 ${fast} small.mkv`,
        `${tone} tone.wav`,
        "-f lavfi -i anullsrc=duration=1 nothing.wav",
        "-f lavfi -i testsrc=duration=12:size=640x360:rate=25 -c:v libx264 -preset ultrafast long.mp4",
      ]
    ) {
      const args = ["-v", "error", ...made.split(" ")];
      const { success } = await new Deno.Command("ffmpeg", { args, cwd: dir, stdin: "null" }).output();
      assert.ok(success, made);
    }
    return dir;
  })();
}
globalThis.addEventListener("unload", () => {
  fixtures?.then((dir) => Deno.removeSync(dir, { recursive: true }));
});

function ffmpegTest(name: string, use: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ...requirement,
    fn: async () => {
      const inputs = await makeFixtures();
      const dir = await Deno.realPath(await Deno.makeTempDir());
      const settings: FfmpegSettings = {
        ffmpegPath: "ffmpeg",
        ffprobePath: "ffprobe",
        inputRoots: [inputs, join(dir, "in")],
        outputDir: join(dir, "out"),
        maxDownloadBytes: 10_000_000,
        downloadTimeoutSeconds: 10,
        allowPrivateUrls: false,
      };
      await Deno.mkdir(join(dir, "in"));
      const progress: Progress[] = [];
      const run: Bench["run"] = async (input, options = {}) => {
        const executor = ffmpegProcess({ ...settings, ...options.settings });
        const tempDir = await Deno.makeTempDir({ dir });
        await using attempt = await testContext({
          task: { id: options.id ?? "task-1", type: executor.type },
          signal: options.signal,
        });
        return await executor.run(executor.input.parse(input), {
          ...attempt.context,
          tempDir,
          progress: (report) => progress.push(report),
        });
      };
      try {
        await use({ inputs: join(dir, "in"), settings, progress, run });
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
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
const near = (actual: number | undefined, wanted: number, tolerance = 0.3) =>
  assert.ok(Math.abs((actual ?? NaN) - wanted) <= tolerance, `${actual} is not about ${wanted}`);

ffmpegTest(
  "ffmpeg is found with its version, and a missing one is reported with what to do",
  async ({ settings }) => {
    const found = await ffmpegProcess(settings).check();
    assert.ok(found.available && /\d/.test(found.version ?? ""));
    const missing = await ffmpegProcess({ ...settings, ffprobePath: "/no/ffprobe" }).check();
    assert.ok(!missing.available && /not found/.test(missing.reason) && /FFPROBE_PATH/.test(missing.fix));
  },
);

ffmpegTest("a probe tells size, duration and streams", async ({ run }) => {
  const { operation, bytes, probe, output } = await run({ operation: "probe", input: "film.mp4" });
  assert.deepEqual([operation, output], ["probe", undefined]);
  assert.ok(bytes > 1_000);
  near(probe.durationSeconds, 2);
  assert.deepEqual(probe.video, { codec: "h264", width: 320, height: 240, fps: 25 });
  assert.deepEqual(probe.audio, { codec: "aac", channels: 1, sampleRate: 44_100 });
});

ffmpegTest(
  "films are transcoded to every container with matching codecs",
  async ({ run, settings, progress }) => {
    const cases: [Record<string, unknown>, string | undefined, string | undefined][] = [
      [{ format: "mp4", preset: "ultrafast", crf: 30, fps: 10, maxVideoKbps: 500 }, "h264", "aac"],
      [{ format: "webm", fps: 5 }, "vp9", "opus"],
      [{ format: "mov", videoCodec: "copy", audioCodec: "none" }, "h264", undefined],
      [{ format: "mkv", videoCodec: "hevc", preset: "ultrafast", fps: 5, audioCodec: "mp3" }, "hevc", "mp3"],
      [{ format: "gif", fps: 5 }, "gif", undefined],
    ];
    for (const [choice, video, audio] of cases) {
      const result = await run({ operation: "transcode", input: "film.mp4", ...choice });
      assert.equal(
        result.output,
        join(await Deno.realPath(settings.outputDir), "task-1", `transcode.${choice.format}`),
      );
      assert.deepEqual([result.probe.video?.codec, result.probe.audio?.codec], [video, audio]);
      assert.equal((await Deno.stat(result.output)).size, result.bytes);
      if (choice.fps) near(result.probe.video?.fps, choice.fps as number, 0.5);
    }
    assert.equal(progress.at(-1)?.percent, 100);
  },
);

ffmpegTest("a film is trimmed exactly, or quickly by copying", async ({ run }) => {
  const exact = await run({ operation: "trim", input: "film.mp4", start: 0.5, end: 1.3 });
  near(exact.probe.durationSeconds, 0.8, 0.1);
  const copied = await run({
    operation: "trim",
    input: "film.mp4",
    start: 0.5,
    duration: 10,
    accurate: false,
  });
  assert.ok((copied.probe.durationSeconds ?? 0) >= 1);
  const sound = await run({ operation: "trim", input: "tone.wav", start: 1, end: 1.5, output: "beep" });
  assert.ok(sound.output?.endsWith("/beep.wav"));
  near(sound.probe.durationSeconds, 0.5, 0.05);
  await fails(
    run({ operation: "trim", input: "film.mp4", start: 5, duration: 1 }),
    /not before the end/,
    false,
  );
});

ffmpegTest("a film is scaled to fit, to fill, distorted, padded, or by one side", async ({ run }) => {
  const size = async (choice: Record<string, unknown>) => {
    const { probe } = await run({ operation: "scale", input: "film.mp4", crf: 35, ...choice });
    assert.equal(probe.audio?.codec, "aac");
    return [probe.video?.width, probe.video?.height];
  };
  assert.deepEqual(await size({ width: 100, height: 100 }), [100, 74]);
  assert.deepEqual(await size({ width: 100, height: 100, pad: true }), [100, 100]);
  assert.deepEqual(await size({ width: 101, height: 51, fit: "cover" }), [100, 50]);
  assert.deepEqual(await size({ width: 64, height: 200, fit: "stretch" }), [64, 200]);
  assert.deepEqual(await size({ height: 120 }), [160, 120]);
});

ffmpegTest(
  "like files are joined by copying, unlike ones by encoding, missing sound is silence",
  async ({ run }) => {
    const alike = await run({ operation: "concat", inputs: ["film.mp4", "film.mp4", "film.mp4"] });
    near(alike.probe.durationSeconds, 6);
    const unlike = await run({ operation: "concat", inputs: ["film.mp4", "small.mkv"], crf: 35 });
    near(unlike.probe.durationSeconds, 3);
    assert.deepEqual([unlike.probe.video?.width, unlike.probe.audio?.channels], [320, 2]);
    const sound = await run({ operation: "concat", inputs: ["tone.wav", "nothing.wav"] });
    near(sound.probe.durationSeconds, 3);
    await fails(run({ operation: "concat", inputs: ["film.mp4", "tone.wav"] }), /only some/, false);
  },
);

ffmpegTest("a picture is taken at a time or a share of the film, also at its very end", async ({ run }) => {
  for (const [at, format, codec] of [[1, "jpg", "mjpeg"], ["50%", "png", "png"], ["100%", "webp", "webp"]]) {
    const { probe, output } = await run({ operation: "thumbnail", input: "film.mp4", at, format, width: 81 });
    assert.deepEqual([probe.video?.codec, probe.video?.width], [codec, 81]);
    assert.ok(output?.endsWith(`/thumbnail.${format}`));
  }
  await fails(run({ operation: "thumbnail", input: "film.mp4", at: 99 }), /after the end/, false);
  await fails(run({ operation: "thumbnail", input: "tone.wav" }), /no video/, false);
});

ffmpegTest("sound is extracted in every format, and a film without sound is told", async ({ run }) => {
  const codecs = { mp3: "mp3", aac: "aac", m4a: "aac", wav: "pcm_s16le", flac: "flac", opus: "opus" };
  for (const [format, codec] of Object.entries(codecs)) {
    const { probe } = await run({ operation: "extract_audio", input: "film.mp4", format });
    assert.deepEqual([probe.video, probe.audio?.codec], [undefined, codec]);
    near(probe.durationSeconds, 2, 0.5);
  }
  await fails(run({ operation: "extract_audio", input: "silent.mp4" }), /no audio/, false);
});

ffmpegTest("loudness is brought to its target in two passes", async ({ run, progress }) => {
  const { measured, output, probe } = await run({ operation: "loudness", input: "film.mp4", target: -30 });
  assert.ok(measured && measured.loudness > -26);
  assert.deepEqual([probe.video?.codec, probe.audio?.sampleRate], ["h264", 44_100]);
  assert.ok(progress.some(({ percent }) => percent === 50) && progress.at(-1)?.percent === 100);
  const again = await run({ operation: "loudness", input: output!, target: -30 }, {
    settings: { inputRoots: [output!.replace(/\/[^/]*$/, "")] },
    id: "task-2",
  });
  near(again.measured?.loudness, -30, 1);
  await fails(run({ operation: "loudness", input: "nothing.wav" }), /silent/, false);
  await fails(run({ operation: "loudness", input: "silent.mp4" }), /no audio/, false);
});

ffmpegTest("cancelling ends ffmpeg at once and leaves no result", async ({ run, settings, progress }) => {
  const stop = new AbortController();
  const original = progress.push.bind(progress);
  progress.push = (...reports) => {
    stop.abort(new Error("cancelled"));
    return original(...reports);
  };
  const input = { operation: "transcode", input: "long.mp4", preset: "veryslow", crf: 10 };
  await assert.rejects(run(input, { signal: stop.signal }), /cancelled/);
  assert.ok((progress[0].percent ?? 100) < 100);
  const { stdout } = await new Deno.Command("ps", { args: ["-axo", "args"] }).output();
  assert.equal(
    new TextDecoder().decode(stdout).split("\n").some((line) => /veryslow.*file:output.mp4/.test(line)),
    false,
  );
  await assert.rejects(Deno.stat(settings.outputDir));
});

ffmpegTest("what is no media file fails for good with ffmpeg's own reason", async ({ run, inputs }) => {
  await Deno.writeTextFile(join(inputs, "garbage.mp4"), "this is not a film\n".repeat(1_000));
  await fails(run({ operation: "probe", input: "garbage.mp4" }), /Invalid data/, false);
  await Deno.writeTextFile(join(inputs, "empty.mp4"), "");
  await fails(run({ operation: "transcode", input: "empty.mp4" }), /ffprobe: ./, false);
});

ffmpegTest(
  "a damaged film whose result is too short is not passed off as done",
  async ({ run, inputs, settings }) => {
    const whole = await Deno.readFile(join(settings.inputRoots[0], "long.mp4"));
    const start = await run({ operation: "transcode", input: "long.mp4", videoCodec: "copy", format: "mp4" });
    const bytes = await Deno.readFile(start.output!); // its table of contents comes first
    assert.ok(bytes.length > whole.length / 2);
    await Deno.writeFile(join(inputs, "cut.mp4"), bytes.subarray(0, bytes.length / 3));
    const input = { operation: "transcode", input: "cut.mp4", preset: "ultrafast", fps: 2 };
    await fails(run(input, { id: "task-2" }), /less than|Invalid data|partial file/i, true);
    await assert.rejects(Deno.stat(join(settings.outputDir, "task-2")));
  },
);

ffmpegTest("playlists that name other files are refused", async ({ run, inputs, settings }) => {
  const film = join(settings.inputRoots[0], "film.mp4");
  const playlists = {
    "hls.m3u8": `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${film}\n#EXT-X-ENDLIST\n`,
    "hls.mp4": `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://${film}\n#EXT-X-ENDLIST\n`,
    "list.ffconcat": `ffconcat version 1.0\nfile ${film}\n`,
    "talk.sdp":
      "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
  };
  for (const [name, text] of Object.entries(playlists)) {
    await Deno.writeTextFile(join(inputs, name), text);
    await fails(run({ operation: "probe", input: name }), /not accepted|Invalid data/, false);
  }
});

ffmpegTest(
  "paths that leave the input folders are refused, however they are written",
  async ({ run, inputs, settings }) => {
    const outside = join(inputs, "..", "secret.mp4");
    await Deno.copyFile(join(settings.inputRoots[0], "film.mp4"), outside);
    await Deno.symlink(outside, join(inputs, "link.mp4"));
    await Deno.mkdir(join(inputs, "folder"));
    for (
      const input of [
        "../secret.mp4",
        outside,
        "link.mp4",
        join(inputs, "link.mp4"),
        "/etc/passwd",
        "no.mp4",
        "a\0b",
      ]
    ) {
      await fails(run({ operation: "probe", input }), /no file/, false);
    }
    await fails(run({ operation: "probe", input: "folder" }), /no regular file/, false);
    for (const input of ["file:///etc/passwd", "concat:a|b", "lavfi:testsrc", "pipe:0"]) {
      await fails(run({ operation: "probe", input }), /no file/, false);
    }
  },
);

ffmpegTest(
  "any file name will do: quotes, line breaks, leading dashes, patterns, other scripts",
  async ({ run, inputs, settings }) => {
    const names = [
      "-i.mp4",
      'it\'s "a"\nfilm.mp4',
      "%03d.png.mp4",
      "фильм 🎬.mp4",
      "a|b;$(c)`d`.mp4",
      "file:x.mp4",
    ];
    for (const name of names) {
      await Deno.copyFile(
        join(settings.inputRoots[0], "film.mp4"),
        join(inputs, name),
      );
    }
    const { probe } = await run({ operation: "concat", inputs: names });
    near(probe.durationSeconds, 2 * names.length);
  },
);

ffmpegTest(
  "the result's name is plain, gets its extension, and replaces only the same task's",
  async ({ run, settings }) => {
    const input = { operation: "thumbnail", input: "film.mp4" };
    for (const output of ["../x", "a/b", "/etc/x", "..", ".hidden", "", "a\nb", "x".repeat(200)]) {
      await assert.rejects(run({ ...input, output }), /output/);
    }
    const first = await run({ ...input, output: "-cover 'é'" }, { id: "../../a/b" });
    assert.equal(first.output, join(settings.outputDir, "..%2F..%2Fa%2Fb", "-cover 'é'.jpg"));
    const second = await run({ ...input, output: "-cover 'é'.jpg", width: 50 }, { id: "../../a/b" });
    assert.deepEqual([second.output, second.probe.video?.width], [first.output, 50]);
    await fails(run(input, { id: ".." }), /folder/, false);
    await Deno.mkdir(join(settings.outputDir, "..", "elsewhere"));
    await Deno.symlink(join(settings.outputDir, "..", "elsewhere"), join(settings.outputDir, "linked"));
    await fails(run(input, { id: "linked" }), /leads elsewhere/, true);
  },
);

ffmpegTest(
  "inputs come from URLs, but not from private addresses or beyond the size limit",
  async ({ run, settings }) => {
    const film = await Deno.readFile(join(settings.inputRoots[0], "film.mp4"));
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response(film));
    try {
      const input = { operation: "probe", input: `http://127.0.0.1:${server.addr.port}/film.mp4?sig=1` };
      await fails(run(input), /private address/, false);
      const { probe, bytes } = await run(input, { settings: { allowPrivateUrls: true } });
      assert.deepEqual([probe.video?.width, bytes], [320, film.length]);
      await fails(
        run(input, { settings: { allowPrivateUrls: true, maxDownloadBytes: 1_000 } }),
        /larger than/,
        false,
      );
    } finally {
      await server.shutdown();
    }
  },
);

ffmpegTest("ffmpeg killed from outside is worth another attempt", async ({ run, inputs, settings }) => {
  const killed = join(inputs, "killed-ffmpeg");
  await Deno.writeTextFile(killed, "#!/bin/sh\nkill -9 $$\n", { mode: 0o700 });
  const input = { operation: "transcode", input: "film.mp4" };
  await fails(run(input, { settings: { ...settings, ffmpegPath: killed } }), /killed by SIGKILL/, true);
});

ffmpegTest("input that makes no sense is refused with the field's name", async ({ run }) => {
  const bad: [Record<string, unknown>, RegExp][] = [
    [{ operation: "explode", input: "film.mp4" }, /operation/],
    [{ operation: "trim", input: "film.mp4", start: 3, end: 2 }, /end/],
    [{ operation: "trim", input: "film.mp4" }, /end/],
    [{ operation: "scale", input: "film.mp4" }, /width/],
    [{ operation: "concat", inputs: ["film.mp4"] }, /inputs/],
    [{ operation: "transcode", input: "film.mp4", format: "webm", videoCodec: "h264" }, /videoCodec/],
    [{ operation: "probe", input: "film.mp4", args: ["-vf"] }, /args/],
    [{ operation: "thumbnail", input: "film.mp4", at: "101%" }, /at/],
  ];
  for (const [input, message] of bad) await assert.rejects(run(input), message);
});
