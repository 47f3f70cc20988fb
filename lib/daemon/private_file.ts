/** Small state files that only their owner may read, replaced as a whole. */

/** Writes the file (0600) so that a reader finds the old content or the new one, never a part. */
export function writePrivateFile(path: string, text: string): void {
  const draft = `${path}.new`;
  Deno.writeTextFileSync(draft, text, { mode: 0o600 });
  Deno.renameSync(draft, path);
}
