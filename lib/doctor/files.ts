/** Are the files that hold settings, secrets among them, closed to others? */
import { join } from "node:path";
import { homePaths } from "../paths.ts";
import { type Check, type Finding, ok } from "./check.ts";

const OTHERS = 0o077;

/** Checks the files of a home folder that hold settings; those that are not there do not matter. */
export function secretFilesCheck(home: string): Check {
  return {
    name: "settings files",
    run: () => examineFiles([join(home, ".env"), join(home, "service.env")], homePaths(home).config),
  };
}

/** `secret`: files for secrets. `config` may hold some; its own reading tells which. */
async function examineFiles(secret: readonly string[], config: string): Promise<Finding> {
  const open: string[] = [];
  for (const path of [...secret, config]) {
    const mode = await modeOf(path);
    if (mode !== undefined && (mode & OTHERS) !== 0) open.push(path);
  }
  if (open.length === 0) return ok("closed to others");
  return {
    status: open.some((path) => secret.includes(path)) ? "fail" : "warn",
    detail: `others can read ${open.join(", ")}`,
    fix: `chmod 600 ${open.join(" ")}`,
    repair: async () => {
      for (const path of open) await Deno.chmod(path, 0o600);
    },
  };
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).mode ?? 0o600;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
