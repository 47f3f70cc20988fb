/** The task types that declared commands must not take. */
export const BUILT_IN_TYPES: readonly string[] = [
  "ffmpeg_process",
  "remotion_render",
  "safari_research",
  "safari_upload",
  "blotato_upload",
  "wdl_run",
];
