/** What a service definition says, whatever service manager reads it. */
import type { Layout } from "./layout.ts";

/** The service to define. */
export interface ServicePlan {
  readonly layout: Layout;
  /** The account that the service runs as. */
  readonly user: string;
  /** Program and arguments; the program as an absolute path. */
  readonly command: readonly string[];
  /** Variables without secrets: they stand in the definition, which everybody may read. */
  readonly environment: Readonly<Record<string, string>>;
  /** Folders outside the home folder that the worker writes to. */
  readonly writableFolders: readonly string[];
  /** How long a stop may take, in seconds. */
  readonly stopSeconds: number;
}

/** Service definitions are read line by line: a line break in a value would begin another setting. */
export function requireOneLine(what: string, value: string): string {
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f]/.test(value)) {
    throw new Error(
      `Cannot write the service definition: ${what} contains a control character; choose another`,
    );
  }
  return value;
}
