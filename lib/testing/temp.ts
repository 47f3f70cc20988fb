/** A folder that lasts as long as a test. */

/** A private (0700) empty folder; removed with everything in it on disposal. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/** `await using dir = await tempDir();` */
export async function tempDir(): Promise<TempDir> {
  const path = await Deno.makeTempDir({ prefix: "actp-test-" });
  return { path, [Symbol.asyncDispose]: () => removeFolder(path) };
}

/** Removes a folder and what is in it; fine when it is gone already. */
async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
