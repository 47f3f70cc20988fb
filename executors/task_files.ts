/** Where the files of tasks are: inputs inside the folders opened to them, results in a folder of each task. */
import { isAbsolute, join } from "node:path";
import { isInside, resolveInside } from "../lib/paths.ts";
import { TaskError } from "../lib/task/task.ts";

/**
 * The real path of an existing regular file inside one of the folders. A relative path is looked for in each folder
 * in turn; an absolute one must lie in one of them, also after its symlinks are followed.
 * @throws TaskError without retry when there is none
 */
export async function findLocalInput(roots: readonly string[], path: string): Promise<string> {
  const shown = JSON.stringify(path);
  for (const root of roots) {
    const found = await realPathInside(root, path);
    if (found === undefined) continue;
    if ((await Deno.stat(found)).isFile) return found;
    throw new TaskError(`${shown} is no regular file`, { retry: false });
  }
  throw new TaskError(`there is no file ${shown} inside the input folders (TASK_INPUT_ROOTS)`, {
    retry: false,
  });
}

/**
 * Creates the folder that keeps the results of one task: `<outputDir>/<task id>`.
 * @throws TaskError without retry for an id that cannot be a folder's name
 */
export async function resultFolder(outputDir: string, taskId: string): Promise<string> {
  const name = encodeURIComponent(taskId);
  if (name === "" || /^\.+$/.test(name) || name.length > 200) {
    throw new TaskError("the task's id cannot be the name of a folder", { retry: false });
  }
  await Deno.mkdir(outputDir, { recursive: true });
  const root = await Deno.realPath(outputDir);
  const folder = join(root, name);
  await Deno.mkdir(folder, { recursive: true });
  if (!isInside(root, await Deno.realPath(folder))) {
    throw new TaskError(`the result folder ${folder} is a link that leads elsewhere; remove it`, {
      retry: true,
    });
  }
  return folder;
}

async function realPathInside(root: string, path: string): Promise<string | undefined> {
  try {
    if (!isAbsolute(path)) return await Deno.realPath(await resolveInside(root, path));
    const found = await Deno.realPath(path);
    return isInside(await Deno.realPath(root), found) ? found : undefined;
  } catch {
    return undefined; // absent, unreadable or outside: the caller must not learn which
  }
}
