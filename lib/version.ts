/** The program's version, from the one place that states it. */
import manifest from "../deno.json" with { type: "json" };

/** Semantic version, e.g. `1.2.3`. */
export const VERSION: string = manifest.version;
