/** Bringing a task's inputs into its temp folder, and its result out of it. */
import { join } from "node:path";
import { download } from "../../lib/net/download.ts";
import type { ExecutionContext } from "../../lib/task/task.ts";
import { findLocalInput } from "../task_files.ts";

/** Where inputs may come from and results go to. */
export interface FileSettings {
  /** Folders that local inputs must lie in. */
  readonly inputRoots: readonly string[];
  readonly outputDir: string;
  readonly maxDownloadBytes: number;
  readonly downloadTimeoutSeconds: number;
  readonly allowPrivateUrls: boolean;
}

/**
 * Puts an input into the temp folder under a plain name: a local file as a link, a URL as a download. So ffmpeg
 * never sees a name that a task made up, which could be an option, a pattern, a protocol or a quoting trick.
 */
export async function bringIn(
  source: string,
  name: string,
  settings: FileSettings,
  context: ExecutionContext,
): Promise<void> {
  const file = join(context.tempDir, name);
  if (!/^https?:\/\//i.test(source)) {
    return await Deno.symlink(await findLocalInput(settings.inputRoots, source), file);
  }
  await download({
    url: source,
    file,
    maxBytes: settings.maxDownloadBytes,
    timeoutMs: settings.downloadTimeoutSeconds * 1_000,
    allowPrivate: settings.allowPrivateUrls,
    signal: context.signal,
    onProgress: (received, total) =>
      context.progress({
        message: total
          ? `downloading: ${Math.floor(received / total * 100)} %`
          : `downloading: ${received} bytes`,
      }),
  });
}

/**
 * Moves a finished file into the task's own folder, whole or not at all; it replaces only what an earlier attempt of
 * the same task left there. Returns its path.
 * @param move replaced in tests, which have no second file system
 */
export async function keep(file: string, folder: string, name: string, move = Deno.rename): Promise<string> {
  const target = join(folder, name);
  try {
    await move(file, target);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    const part = join(folder, `.${crypto.randomUUID()}.part`);
    try {
      await Deno.copyFile(file, part); // another file system
      await Deno.rename(part, target);
    } catch (copyError) {
      await Deno.remove(part).catch(() => {}); // it may not have come into being
      throw copyError;
    }
    await Deno.remove(file);
  }
  return target;
}

/** The wanted name with its extension, or the operation's. */
export function resultName(wanted: string | undefined, operation: string, extension: string): string {
  const name = wanted ?? operation;
  return name.toLowerCase().endsWith(`.${extension}`) ? name : `${name}.${extension}`;
}
