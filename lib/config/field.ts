/** One row of the table of configuration fields. */
import type { z } from "zod";

/** What defaults may depend on. */
export interface DefaultsContext {
  /** The home folder, absolute. */
  readonly home: string;
  /** This machine's name, made fit for a worker's id. */
  readonly hostname: string;
}

/** One row of the table; T is the field's type in the finished configuration. */
export interface FieldSpec<T> {
  /** Environment variables: the name, then its aliases. Empty for structured fields, which only config.json has. */
  readonly env: readonly string[];
  /** As in `--name <value>`. */
  readonly flag?: string;
  /** Takes the text of an environment variable as well. */
  readonly schema: z.ZodType<T>;
  readonly default: NoInfer<T> | ((context: DefaultsContext) => NoInfer<T>);
  readonly description: string;
  /** Never shown or logged. */
  readonly secret?: true;
  /** The running worker keeps the value that it was started with; of all others it takes a change on a reload. */
  readonly restartNeeded?: true;
  /** `folder`: made absolute against where it was given. `program`: likewise, unless it is a bare name on PATH. */
  readonly path?: "folder" | "program";
}

/** Types one row of the table. */
export function field<T>(spec: FieldSpec<T>): FieldSpec<T> {
  return spec;
}
