/** TypeScript for the compiled program, which has no compiler inside: what is only there for types is blanked out. */

/**
 * The same module as JavaScript, line by line and column by column.
 * @throws Error for syntax errors, and for what is more than types (enums, namespaces)
 */
export async function stripTypes(source: string): Promise<string> {
  const { transformSync } = await import("amaro"); // Node's own; 3.7 MB that most people never need
  try {
    return transformSync(source, { mode: "strip-only" }).code;
  } catch (error) {
    throw new Error((error as { message?: string }).message ?? String(error), { cause: error });
  }
}

/** An address that imports the stripped module. Relative imports do not work from it: there is no folder around it. */
export async function strippedUrl(file: string): Promise<string> {
  const code = await stripTypes(await Deno.readTextFile(file));
  return `data:text/javascript,${encodeURIComponent(`${code}\n//# sourceURL=${encodeURI(file)}`)}`;
}
