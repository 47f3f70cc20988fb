/** Looks whether a Remotion project on this machine can be rendered from. Starts no program: it is asked every minute. */
import { dirname, join } from "node:path";
import { z } from "zod";
import { resolveInside } from "../../lib/paths.ts";
import { findProgram } from "../../lib/process.ts";
import { TaskError } from "../../lib/task/task.ts";
import type { RemotionSettings } from "./settings.ts";

/** A project that can be rendered from. Paths are absolute. */
export interface Project {
  readonly dir: string;
  /** Remotion's own program, as installed in the project. */
  readonly program: string;
  readonly version?: string;
  readonly browser: string;
}

/** What is missing, and what to do. */
export interface Missing {
  readonly reason: string;
  readonly fix: string;
}

type ProjectSettings =
  & Pick<RemotionSettings, "remotionEntry" | "remotionBrowser" | "ffmpegPath" | "ffprobePath">
  & { readonly remotionProjectDir: string };

/** The usual Chromes, where Remotion has not downloaded one of its own into the project. */
const BROWSERS = [
  "chrome-headless-shell",
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** The project, or what is missing first. */
export async function findProject(settings: ProjectSettings): Promise<Project | Missing> {
  const dir = await Deno.realPath(settings.remotionProjectDir).catch(() => undefined);
  if (dir === undefined || !await isFile(join(dir, "package.json"))) {
    return {
      reason: `there is no Remotion project in ${settings.remotionProjectDir}: no package.json`,
      fix: "set REMOTION_PROJECT_DIR to the project's folder",
    };
  }
  const modules = await findUpwards(dir, "node_modules/.bin/remotion");
  if (modules === undefined) {
    return {
      reason: `Remotion is not installed in ${dir}`,
      fix: `run npm install there, with @remotion/cli among its dependencies`,
    };
  }
  if (await findProgram("node") === undefined) {
    return { reason: "node was not found", fix: "install Node.js, or put it on the worker's PATH" };
  }
  const entryProblem = settings.remotionEntry &&
    await findEntry(dir, settings.remotionEntry).then(() => undefined, String);
  if (entryProblem) {
    return {
      reason: `there is no entry file ${settings.remotionEntry} in ${dir}`,
      fix: "set REMOTION_ENTRY to a path inside the project",
    };
  }
  const browser = await findBrowser(modules, settings.remotionBrowser);
  if (browser === undefined) {
    const wanted = settings.remotionBrowser;
    return wanted
      ? { reason: `the browser ${wanted} was not found`, fix: "correct REMOTION_BROWSER, or unset it" }
      : {
        reason: "there is no browser to render with",
        fix: `run npx remotion browser ensure in ${dir}, or set REMOTION_BROWSER to a Chrome or Chromium`,
      };
  }
  const version = await versionOf(modules);
  const program = join(modules, "node_modules/.bin/remotion");
  return await missingTools(settings) ??
    { dir, program, browser, ...version === undefined ? {} : { version } };
}

/** Whether results can be looked into and pictured. */
export async function missingTools(
  { ffmpegPath, ffprobePath }: Pick<RemotionSettings, "ffmpegPath" | "ffprobePath">,
): Promise<Missing | undefined> {
  for (const [program, variable] of [[ffmpegPath, "FFMPEG_PATH"], [ffprobePath, "FFPROBE_PATH"]]) {
    if (await findProgram(program!) !== undefined) continue;
    const fix = `install ffmpeg (apt-get install ffmpeg, brew install ffmpeg) or set ${variable}`;
    return { reason: `${program} was not found`, fix };
  }
}

/**
 * The entry file's real path.
 * @throws TaskError without retry when it is not a file inside the project
 */
export async function findEntry(dir: string, entry: string): Promise<string> {
  const path = await resolveInside(dir, entry).catch((cause) => {
    throw new TaskError((cause as Error).message, { retry: false, cause });
  });
  if (await isFile(path)) return path;
  throw new TaskError(`there is no entry file ${JSON.stringify(entry)} in the Remotion project`, {
    retry: false,
  });
}

/** In a workspace the packages may be installed in a folder above. Returns the folder that `path` is in. */
async function findUpwards(dir: string, path: string): Promise<string | undefined> {
  for (let folder = dir;; folder = dirname(folder)) {
    if (await isFile(join(folder, path))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

async function findBrowser(modules: string, wanted: string | undefined): Promise<string | undefined> {
  if (wanted !== undefined) return await findProgram(wanted);
  const os = Deno.build.os === "darwin" ? "mac" : "linux";
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const platform = os === "linux" && arch === "x64" ? "linux64" : `${os}-${arch}`;
  const own = join(modules, "node_modules/.remotion/chrome-headless-shell", platform);
  const folder = join(own, `chrome-headless-shell-${platform}`);
  const candidates = [join(folder, "chrome-headless-shell"), join(folder, "headless_shell"), ...BROWSERS];
  for (const candidate of candidates) {
    const found = await findProgram(candidate);
    if (found) return found;
  }
}

const manifest = z.object({ version: z.string().max(100) });

async function versionOf(modules: string): Promise<string | undefined> {
  for (const name of ["remotion", "@remotion/cli"]) {
    const text = await Deno.readTextFile(join(modules, "node_modules", name, "package.json")).catch(() => "");
    const version = /^\s*\{/.test(text) ? manifest.safeParse(parse(text)).data?.version : undefined;
    if (version) return version;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // half-written by an installation: the version is unknown for now
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => undefined))?.isFile ?? false;
}
