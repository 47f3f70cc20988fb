/** The argument list of an upload program. Pure. */
import { fillPlaceholders, placeholdersIn } from "../../lib/config.ts";
import type { Uploader } from "../../lib/config/uploaders.ts";
import { TaskError } from "../../lib/task/task.ts";

/** What an upload program may be told. */
export interface UploadValues {
  /** Absolute path. */
  readonly file: string;
  readonly caption: string;
  readonly platform: string;
  readonly title?: string;
  readonly account?: string;
}

const KNOWN = ["file", "caption", "platform", "title", "account"];

/** What is wrong with a template, for the person who wrote it; undefined if nothing is. */
export function templateProblem({ args }: Pick<Uploader, "args">): string | undefined {
  const used = args.flatMap(placeholdersIn);
  const unknown = used.find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) return `its args name {${unknown}}, which is none of {${KNOWN.join("}, {")}}`;
  return used.includes("file")
    ? undefined
    : "its args do not name {file}, so that it would not learn what to upload";
}

/**
 * Fills the template in: each argument stays one argument, whatever is in the values, and no placeholder inside a
 * value is filled in. An argument whose value is not given is left out, with the option before it (`--title {title}`).
 * @throws TaskError without retry when a value would become an option: it begins with a dash and stands where no
 * option awaits its value
 */
export function uploadArguments({ args }: Pick<Uploader, "args">, values: UploadValues): string[] {
  const filled: string[] = [];
  for (const [index, template] of args.entries()) {
    const argument = fillPlaceholders(template, { ...values });
    const before = index > 0 ? args[index - 1] : undefined;
    if (argument === undefined) {
      if (before !== undefined && isOption(before) && filled.at(-1) === before) filled.pop();
      continue;
    }
    if (argument.startsWith("-") && !template.startsWith("-") && !takesAnything(before)) {
      throw new TaskError(
        `${
          placeholdersIn(template)[0]
        } must not begin with a dash: the upload program would take it for an option`,
        { retry: false },
      );
    }
    filled.push(argument);
  }
  return filled;
}

/** `--name` or `-n`, which may await a value; not `--name=value`, and not the `--` that ends the options. */
function isOption(argument: string): boolean {
  return /^-{1,2}[A-Za-z][^={}]*$/.test(argument);
}

function takesAnything(before: string | undefined): boolean {
  return before !== undefined && (isOption(before) || before === "--");
}
