/** Is the home folder there, one's own and closed to others? */
import { homePaths } from "../paths.ts";
import { type Check, type Finding, ok } from "./check.ts";

const OTHERS = 0o077;

/** Checks the folder and the token in it, which gives control over the worker. */
export function homeCheck(home: string): Check {
  return { name: "home folder", run: () => examineHome(home) };
}

async function examineHome(home: string): Promise<Finding> {
  const folder = await statOf(home);
  if (!folder) return ok(`${home} will be made at the first start`);
  if (!folder.isDirectory) {
    const fix = "move it away, or choose another folder with ACTP_HOME";
    return { status: "fail", detail: `${home} is no folder`, fix };
  }
  const me = Deno.uid();
  if (folder.uid !== null && me !== null && folder.uid !== me) {
    const fix = "start the worker as that user, or choose another folder with ACTP_HOME";
    return { status: "fail", detail: `${home} belongs to another user (uid ${folder.uid})`, fix };
  }
  const { token } = homePaths(home);
  const secret = await statOf(token);
  if (secret && isOpen(secret)) {
    return {
      status: "fail",
      detail: `${token} can be read by others`,
      fix: `chmod 600 ${token}`,
      repair: () => Deno.chmod(token, 0o600),
    };
  }
  if (isOpen(folder)) {
    return {
      status: "warn",
      detail: `${home} can be entered by others`,
      fix: `chmod 700 ${home}`,
      repair: () => Deno.chmod(home, 0o700),
    };
  }
  return ok(home);
}

function isOpen({ mode }: Deno.FileInfo): boolean {
  return mode !== null && (mode & OTHERS) !== 0;
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
