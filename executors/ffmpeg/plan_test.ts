import assert from "node:assert/strict";
import { type FfmpegInput, ffmpegInput } from "./input.ts";
import { around, problemWith } from "./expectation.ts";
import { parseMeasurement } from "./loudness.ts";
import { type OnePassInput, planFor } from "./plan.ts";
import { CONTAINERS, type Media, parseProbe, type ProbedInput } from "./probe.ts";

const film: ProbedInput = {
  media: {
    durationSeconds: 10,
    format: "mov,mp4,m4a,3gp,3g2,mj2",
    video: { codec: "h264", width: 321, height: 240, fps: 25 },
    audio: { codec: "aac", channels: 2, sampleRate: 48_000 },
  },
  signature: "a",
};
const plan = (input: unknown, ...files: ProbedInput[]) =>
  planFor(ffmpegInput.parse(input) as FfmpegInput as OnePassInput, files.length > 0 ? files : [film]);

Deno.test("containers that lead to other files are not among those read", () => {
  for (const name of ["hls", "dash", "concat", "sdp", "image2", "lavfi", "rtsp", "tee"]) {
    assert.equal(CONTAINERS.split(",").includes(name), false, name);
  }
});

Deno.test("every input is opened with the file protocol and the accepted containers only", () => {
  const inputs = [
    { operation: "transcode", input: "x" },
    { operation: "trim", input: "x", end: 1 },
    { operation: "scale", input: "x", width: 10 },
    { operation: "concat", inputs: ["x", "y"] },
    { operation: "concat", inputs: ["x", "y"], crf: 20 },
    { operation: "thumbnail", input: "x" },
    { operation: "extract_audio", input: "x" },
  ];
  for (const input of inputs) {
    const { args } = plan(input, film, film);
    const opened = args.filter((arg) => arg === "-i").length;
    assert.equal(args.filter((arg) => arg === "-protocol_whitelist").length, opened);
    assert.equal(args.filter((arg) => arg === "-format_whitelist").length, opened);
    assert.ok(args.every((arg, index) => args[index - 1] !== "-i" || /^file:(input\d+|list)$/.test(arg)));
  }
});

Deno.test("the end of a trim is the file's end at the latest", () => {
  const { args, seconds } = plan({ operation: "trim", input: "x", start: 8, duration: 100 });
  assert.equal(seconds, 2);
  assert.deepEqual(args.slice(0, 4), ["-ss", "8", "-t", "2"]);
});

Deno.test("a container without a true duration does not bind its result to it", () => {
  const sound = { ...film, media: { ...film.media, format: "mp3", video: undefined } };
  assert.equal(plan({ operation: "extract_audio", input: "x" }, sound).expect.minSeconds, undefined);
  const shortSound = { ...film, audioSeconds: 4 };
  assert.deepEqual(plan({ operation: "extract_audio", input: "x" }, shortSound).expect, {
    video: false,
    audio: true,
    ...around(4),
  });
});

Deno.test("a still picture or a file without streams cannot be transcoded", () => {
  const still = { ...film, media: { ...film.media, format: "png_pipe" } };
  assert.throws(() => plan({ operation: "transcode", input: "x" }, still), /thumbnail/);
  const empty = { media: { format: "mov" }, signature: "" };
  assert.throws(() => plan({ operation: "transcode", input: "x" }, empty), /no video or audio/);
});

Deno.test("a probe prefers the real picture to a cover and gives turned films their displayed size", () => {
  const streams = [
    { codec_type: "video", codec_name: "mjpeg", width: 9, height: 9, disposition: { attached_pic: 1 } },
    {
      codec_type: "video",
      codec_name: "h264",
      width: 1920,
      height: 1080,
      avg_frame_rate: "30000/1001",
      side_data_list: [{ rotation: -90 }],
    },
    { codec_type: "audio", codec_name: "aac", channels: 2, sample_rate: "44100", duration: "N/A" },
  ];
  const probed = parseProbe(JSON.stringify({ format: { format_name: "mov", duration: "2.5" }, streams }));
  assert.deepEqual(probed.media, {
    durationSeconds: 2.5,
    format: "mov",
    video: { codec: "h264", width: 1080, height: 1920, fps: 29.97 },
    audio: { codec: "aac", channels: 2, sampleRate: 44_100 },
  });
  assert.equal(probed.audioSeconds, undefined);
});

Deno.test("a result is held against what was expected of it", () => {
  const media: Media = film.media;
  const expected = { video: true, audio: true, ...around(10) };
  assert.equal(problemWith(media, 1, expected), undefined);
  assert.match(problemWith(media, 0, expected) ?? "", /empty/);
  assert.match(problemWith({ ...media, video: undefined }, 1, expected) ?? "", /no video/);
  assert.match(problemWith({ ...media, audio: undefined }, 1, expected) ?? "", /no audio/);
  assert.match(problemWith({ ...media, durationSeconds: 9 }, 1, expected) ?? "", /less than/);
  assert.match(problemWith({ ...media, durationSeconds: 11 }, 1, expected) ?? "", /more than/);
  assert.match(problemWith(media, 1, { ...expected, width: 320 }) ?? "", /width is 321, not 320/);
});

Deno.test("a loudness measurement is found among other lines; silence and nonsense are told apart", () => {
  const json = (loudness: string) =>
    `[Parsed_loudnorm_0 @ 0x1]\n{\n"input_i" : "${loudness}",\n"input_tp" : "-1.0",\n"input_lra" : "2.0",\n` +
    `"input_thresh" : "-30.1",\n"target_offset" : "0.2"\n}\nsize=N/A`;
  const found = parseMeasurement(json("-20.5").split("\n"));
  assert.deepEqual(found, { loudness: -20.5, truePeak: -1, range: 2, threshold: -30.1, offset: 0.2 });
  assert.throws(() => parseMeasurement(json("-inf").split("\n")), /silent/);
  assert.throws(() => parseMeasurement(["nothing"]), /no loudness measurement/);
});
