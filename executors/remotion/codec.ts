/** The kinds of video that can be asked for, and how good they are to look. Pure. */

/** What a codec needs to be known of. */
export interface Codec {
  /** Of the file's name, without the dot. */
  readonly extension: string;
  readonly contentType: string;
  /** Lowest and highest CRF that Remotion takes; none where the codec has no such quality. */
  readonly crf?: readonly [lowest: number, highest: number];
}

/** By Remotion's own names (https://www.remotion.dev/docs/encoding). */
export const CODECS = {
  h264: { extension: "mp4", contentType: "video/mp4", crf: [1, 51] },
  h265: { extension: "mp4", contentType: "video/mp4", crf: [0, 51] },
  vp8: { extension: "webm", contentType: "video/webm", crf: [4, 63] },
  vp9: { extension: "webm", contentType: "video/webm", crf: [0, 63] },
  prores: { extension: "mov", contentType: "video/quicktime" },
  gif: { extension: "gif", contentType: "image/gif" },
} as const satisfies Record<string, Codec>;

/** Remotion's name of a codec. */
export type CodecName = keyof typeof CODECS;

const PLATFORM_CRF: Readonly<Record<string, number>> = { tiktok: 18, instagram: 18, youtube: 15 };
const OTHER_CRF = 20;

/**
 * The CRF to encode with (lower is better): the wanted one, else the platform's. The platforms' figures are on the
 * scale of h264, so other scales are left to Remotion: undefined.
 */
export function crfFor(codec: CodecName, platform?: string, wanted?: number): number | undefined {
  if (wanted !== undefined) return wanted;
  if (codec !== "h264" && codec !== "h265") return undefined;
  const name = platform?.toLowerCase() ?? "";
  return Object.hasOwn(PLATFORM_CRF, name) ? PLATFORM_CRF[name] : OTHER_CRF;
}
