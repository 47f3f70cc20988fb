/** What is inside a media file, asked of ffprobe. */
import { z } from "zod";

/** What people and later steps want to know of a media file. */
export interface Media {
  readonly durationSeconds?: number;
  /** ffmpeg's name of the container, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly format: string;
  /** As displayed: width and height are exchanged for pictures that are to be turned by 90°. */
  readonly video?: {
    readonly codec: string;
    readonly width: number;
    readonly height: number;
    readonly fps?: number;
  };
  readonly audio?: { readonly codec: string; readonly channels: number; readonly sampleRate: number };
}

/** A {@link Media} with what only planning needs. */
export interface ProbedInput {
  readonly media: Media;
  readonly videoSeconds?: number;
  readonly audioSeconds?: number;
  /** Equal for files whose streams can follow one another without encoding them anew. */
  readonly signature: string;
}

/**
 * The containers that are read. Anything that names other files or addresses (HLS, DASH, concat, SDP, image
 * sequences) is not among them.
 */
export const CONTAINERS = [
  ..."mov mp4 matroska webm avi flv mpegts mpeg mpegvideo m4v h264 hevc obu ivf ogg asf mxf dv gif apng"
    .split(" "),
  ..."mp3 aac wav w64 flac aiff amr ac3 eac3 dts caf au tta wv ape rm".split(" "),
  ..."png_pipe jpeg_pipe webp_pipe bmp_pipe tiff_pipe".split(" "),
].join(",");

/** ffprobe's arguments for a file in its working folder. */
export function probeArguments(file: string): string[] {
  const fields =
    "format=format_name,duration:stream=codec_type,codec_name,width,height,avg_frame_rate,channels," +
    "sample_rate,duration,pix_fmt,time_base,extradata_hash:stream_disposition=attached_pic:stream_side_data=rotation";
  return [
    ...["-v", "error", "-hide_banner", "-protocol_whitelist", "file", "-format_whitelist", CONTAINERS],
    ...["-show_data_hash", "md5", "-show_entries", fields, "-of", "json=compact=1", "-i", `file:${file}`],
  ];
}

const positive = z.coerce.number().positive().optional().catch(undefined);
const streamSchema = z.looseObject({
  codec_type: z.string().optional(),
  codec_name: z.string().default("unknown"),
  width: z.number().optional(),
  height: z.number().optional(),
  avg_frame_rate: z.string().optional(),
  channels: z.number().optional(),
  sample_rate: positive,
  duration: positive,
  disposition: z.object({ attached_pic: z.number() }).optional(),
  side_data_list: z.array(z.looseObject({ rotation: z.number().optional() })).optional(),
});
const probeSchema = z.object({
  format: z.object({ format_name: z.string(), duration: positive }),
  streams: z.array(streamSchema).default([]),
});
type Stream = z.infer<typeof streamSchema>;

/** Reads ffprobe's JSON: the first video stream that is no cover picture, and the first audio stream. */
export function parseProbe(json: string): ProbedInput {
  const { format, streams } = probeSchema.parse(JSON.parse(json));
  const video = streams.find((stream) => stream.codec_type === "video" && !stream.disposition?.attached_pic);
  const audio = streams.find((stream) => stream.codec_type === "audio");
  return {
    media: {
      ...format.duration === undefined ? {} : { durationSeconds: format.duration },
      format: format.format_name,
      ...video && { video: describeVideo(video) },
      ...audio && {
        audio: { codec: audio.codec_name, channels: audio.channels ?? 0, sampleRate: audio.sample_rate ?? 0 },
      },
    },
    videoSeconds: video?.duration,
    audioSeconds: audio?.duration,
    signature: JSON.stringify(
      [video, audio].map((stream) => stream && { ...stream, duration: 0, avg_frame_rate: "" }),
    ),
  };
}

function describeVideo(stream: Stream): NonNullable<Media["video"]> {
  const { width = 0, height = 0 } = stream;
  const turned = stream.side_data_list?.some(({ rotation }) => Math.abs(rotation ?? 0) % 180 === 90);
  const [frames, seconds] = (stream.avg_frame_rate ?? "").split("/").map(Number);
  const fps = frames / seconds;
  return {
    codec: stream.codec_name,
    width: turned ? height : width,
    height: turned ? width : height,
    ...fps > 0 && Number.isFinite(fps) ? { fps: Math.round(fps * 1_000) / 1_000 } : {},
  };
}
