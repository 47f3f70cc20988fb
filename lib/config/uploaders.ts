/** The upload programs of a person's own: what to start for each platform. */
import { isAbsolute } from "node:path";
import { z } from "zod";

const word = z.string().min(1).max(4096).refine(
  (text) => !text.includes("\0"),
  "must not contain a NUL byte",
);

const uploaderSchema = z.strictObject({
  /** An absolute path, or a name that is looked up on PATH. */
  program: word.refine(
    (path) => isAbsolute(path) || !path.includes("/"),
    "must be an absolute path or a bare name",
  ),
  /** `{file}`, `{caption}`, `{platform}`, `{title}` and `{account}` are filled in. */
  args: z.array(word).max(100).default([
    "--video",
    "{file}",
    "--caption",
    "{caption}",
    "--platform",
    "{platform}",
  ]),
  /** Names of variables passed on from the worker's environment. */
  env: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/)).max(200).default([]),
  cwd: word.refine(isAbsolute, "must be an absolute path").optional(),
});

/** One upload program. */
export type Uploader = z.output<typeof uploaderSchema>;

/** By platform. */
export const uploadersSchema = z.partialRecord(z.enum(["tiktok", "instagram", "youtube"]), uploaderSchema);
