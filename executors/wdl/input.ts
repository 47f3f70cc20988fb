/** What a `wdl_run` task says: the same words as in the jobs protocol's `request`. */
import { z } from "zod";

/** Longer documents are no WDL that anybody wrote. */
const MAX_DOCUMENT_CHARACTERS = 2_000_000;
const MAX_IMPORTS = 200;

const document = z.string().min(1).max(MAX_DOCUMENT_CHARACTERS);
const none = <T>(value: T | null | undefined) => value ?? undefined;

/** Members may be null, as clients in other languages send them. */
export const wdlInput = z.strictObject({
  /** The source text. */
  wdl: document,
  /** By `<workflow>.<name>`. */
  inputs: z.record(z.string().max(1000), z.unknown()).nullish().transform(none),
  options: z.strictObject({
    /** Runs this task in place of the workflow. */
    task: z.string().regex(/^[A-Za-z]\w*$/, "must be the name of a task").nullish().transform(none),
    /** The job's own name; told to people only. */
    run_id: z.string().max(200).nullish().transform(none),
    /** The folder that File inputs are looked for in. */
    base_dir: z.string().min(1).max(4096).refine((path) => !path.includes("\0"), "must not hold a NUL byte")
      .nullish().transform(none),
  }).nullish().transform(none),
  /** The documents that it imports, by their paths relative to it. */
  imports: z.record(z.string(), document).nullish().transform(none)
    .refine((imports) => Object.keys(imports ?? {}).length <= MAX_IMPORTS, `at most ${MAX_IMPORTS} imports`),
});

export type WdlInput = z.output<typeof wdlInput>;
