/** Judging what a file is: by the media type that a server gives, or by its first bytes. Pure. */

/** As many first bytes as {@link sniffMediaType} looks at. */
export const SNIFF_BYTES = 512;

/** What says no more than that there are bytes. */
const UNSPECIFIC = ["", "application/octet-stream", "binary/octet-stream", "application/x-binary"];

/** Whether the type says nothing about the content. */
export function isUnspecific(type: string): boolean {
  return UNSPECIFIC.includes(type);
}

/** Whether the type (lower case, without parameters) is one of the patterns, e.g. `video/*` or `image/png`. */
export function matchesMediaType(type: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const wanted = pattern.toLowerCase();
    if (wanted === "*/*") return true;
    return wanted.endsWith("/*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
  });
}

/** Bytes at a place, as text: one character per byte, `?` for any. */
type Mark = readonly [offset: number, bytes: string];

/** The first line that fits decides. Values: https://mimesniff.spec.whatwg.org and the formats' own documents. */
const SIGNATURES: readonly (readonly [type: string, ...marks: Mark[]])[] = [
  ["video/quicktime", [4, "ftypqt  "]],
  ["audio/mp4", [4, "ftypM4A "]],
  ["audio/mp4", [4, "ftypM4B "]],
  ["image/avif", [4, "ftypavif"]],
  ["image/heic", [4, "ftyphei"]],
  ["image/heic", [4, "ftypmif1"]],
  ["video/3gpp", [4, "ftyp3g"]],
  ["video/mp4", [4, "ftyp"]],
  ["video/quicktime", [4, "moov"]],
  ["video/quicktime", [4, "wide"]],
  ["video/x-msvideo", [0, "RIFF????AVI "]],
  ["audio/wav", [0, "RIFF????WAVE"]],
  ["image/webp", [0, "RIFF????WEBP"]],
  ["video/x-flv", [0, "FLV\x01"]],
  ["video/mpeg", [0, "\0\0\x01\xba"]],
  ["video/mp2t", [0, "G"], [188, "G"], [376, "G"]],
  ["audio/mpeg", [0, "ID3"]],
  ["audio/ogg", [0, "OggS"], [28, "OpusHead"]],
  ["audio/ogg", [0, "OggS"], [29, "vorbis"]],
  ["video/ogg", [0, "OggS"]],
  ["audio/flac", [0, "fLaC"]],
  ["image/png", [0, "\x89PNG\r\n\x1a\n"]],
  ["image/jpeg", [0, "\xff\xd8\xff"]],
  ["image/gif", [0, "GIF8"]],
  ["application/pdf", [0, "%PDF-"]],
  ["application/zip", [0, "PK\x03\x04"]],
  ["application/gzip", [0, "\x1f\x8b"]],
];

/** The media type that the first bytes show; undefined when they are not known. */
export function sniffMediaType(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, SNIFF_BYTES));
  const known = SIGNATURES.find(([, ...marks]) => marks.every((mark) => isAt(text, mark)));
  if (known) return known[0];
  // EBML: the document type stands in its head, at no fixed place.
  if (text.startsWith("\x1a\x45\xdf\xa3")) {
    return text.slice(0, 64).includes("webm") ? "video/webm" : "video/x-matroska";
  }
  if (head[0] === 0xff) {
    if ((head[1] & 0xf6) === 0xf0) return "audio/aac"; // ADTS: layer 0
    if (isMpegAudio(head)) return "audio/mpeg";
  }
  if (/^\s*<(?:!doctype html|html|head|body)\b/i.test(text)) return "text/html";
  return undefined;
}

function isAt(text: string, [offset, bytes]: Mark): boolean {
  if (text.length < offset + bytes.length) return false;
  return [...bytes].every((byte, index) => byte === "?" || byte === text[offset + index]);
}

/** A frame's head of layers 1 to 3, without the values that are reserved. */
function isMpegAudio([, second, third]: Uint8Array): boolean {
  const [version, layer] = [second >> 3 & 3, second >> 1 & 3];
  const [bitrate, frequency] = [third >> 4, third >> 2 & 3];
  return (second & 0xe0) === 0xe0 && version !== 1 && layer !== 0 && bitrate !== 15 && frequency !== 3;
}
