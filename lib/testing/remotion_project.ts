/** A real Remotion project for tests, installed once on a machine. */
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { baseEnvironment } from "../process.ts";

const FIXTURE = fileURLToPath(new URL("../../executors/remotion/fixture", import.meta.url));
const FILES = ["package.json", "package-lock.json", "src/index.js", "src/root.jsx", "src/film.jsx"];

/**
 * The project's folder, with its packages. What npm installed is kept for later runs in the system's temp folder,
 * under a name that changes with the project's files.
 * @throws Error with npm's words when it cannot be installed
 */
export async function remotionProject(): Promise<string> {
  const digest = createHash("sha256");
  for (const file of FILES) digest.update(await Deno.readFile(join(FIXTURE, file)));
  const folder = join(tmpdir(), `actp-remotion-${Deno.uid()}-${digest.digest("hex").slice(0, 16)}`);
  const there = await Deno.lstat(folder).catch(() => undefined);
  if (there?.isDirectory && there.uid === Deno.uid()) return folder;
  const made = await Deno.makeTempDir({ prefix: "actp-remotion-install-" });
  try {
    for (const file of FILES) {
      await Deno.mkdir(dirname(join(made, file)), { recursive: true });
      await Deno.copyFile(join(FIXTURE, file), join(made, file));
    }
    await install(made);
    await Deno.rename(made, folder); // whole or not at all, and never over that of another run
  } catch (error) {
    await Deno.remove(made, { recursive: true });
    if (!await Deno.stat(folder).catch(() => undefined)) throw error;
  }
  return folder;
}

async function install(folder: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("npm", {
    args: ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    cwd: folder,
    env: baseEnvironment(),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`npm ci failed: ${new TextDecoder().decode(stderr).slice(-2_000)}`);
}
