/** What kind of file a name or address stands for. Pure. */

const TYPES: Readonly<Record<string, string>> = {
  mp4: "video/mp4",
  m4v: "video/x-m4v",
  mov: "video/quicktime",
  webm: "video/webm",
  avi: "video/x-msvideo",
  mkv: "video/x-matroska",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  gif: "image/gif",
  webp: "image/webp",
};

/** A plain file name with the extension of the source, and its type; mp4 where the source does not tell. */
export function fileKind(source: string): { name: string; type: string } {
  const path = URL.parse(source)?.pathname ?? source;
  const told = /\.([a-z0-9]{2,4})$/i.exec(path)?.[1].toLowerCase() ?? "";
  const extension = Object.hasOwn(TYPES, told) ? told : "mp4";
  return { name: `media.${extension}`, type: TYPES[extension] };
}
