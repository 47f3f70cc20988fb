/** Reading back what was installed: from the definition, so that neither its home nor its account need be told again. */
import type { Layout } from "./layout.ts";

/** What a definition of ours says. */
export interface InstalledService {
  /** The worker's home folder. */
  readonly home: string;
  /** The account of a machine's service. */
  readonly user?: string;
  /** The PATH that its programs are found on. */
  readonly path?: string;
}

/** The service that is installed here; undefined for none. */
export async function installedService(
  definition: Layout["definition"],
): Promise<InstalledService | undefined> {
  try {
    return parseDefinition(await Deno.readTextFile(definition));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Reads a unit or a property list of ours. Pure. */
export function parseDefinition(text: string): InstalledService | undefined {
  if (text.includes("<plist")) {
    const value = (name: string) =>
      text.match(new RegExp(`<key>${name}</key>\\s*<string>([^<]*)</string>`))?.[1]
        ?.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    const home = value("WorkingDirectory");
    return home === undefined ? undefined : { home, path: value("PATH") };
  }
  const value = (pattern: RegExp) => text.match(pattern)?.[1]?.replaceAll("%%", "%");
  const home = value(/^WorkingDirectory=(.+)$/m);
  if (home === undefined) return undefined;
  return {
    home,
    user: value(/^User=(.+)$/m),
    path: value(/^Environment="PATH=([^"]*)"$/m),
  };
}
