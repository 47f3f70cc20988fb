/** Other queues on PostgreSQL, fetched from npm into a cache folder once, and run under the Node they ask for. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Versions are fixed, so that runs can be compared; raise them by hand. */
const PACKAGES: Record<string, string> = {
  "graphile-worker": "0.18.0",
  "pg-boss": "12.35.0",
  "bullmq": "6.5.4",
  "pg": "8.23.1",
};
const NODE_VERSION = "22.23.3";
const PROGRAMS = ["host", "graphile_worker", "pg_boss", "bullmq"];

/** Where the peers are installed and how they are run. */
export interface Peers {
  readonly folder: string;
  /** The Node program. */
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Installs what is missing. @throws Error with npm's words */
export async function installPeers(): Promise<Peers> {
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? ".", ".cache");
  const folder = join(cache, "actp-worker-bench");
  await mkdir(folder, { recursive: true });
  const node = {
    name: `node-${platform()}`,
    program: join(folder, "node_modules", `node-${platform()}`, "bin", "node"),
  };
  const wanted = { ...PACKAGES, [node.name]: NODE_VERSION };
  const manifest = JSON.stringify({ name: "actp-worker-bench", private: true, dependencies: wanted });
  if (
    await readOr(join(folder, "package.json")) !== manifest ||
    await readOr(join(folder, "installed")) !== manifest
  ) {
    await writeFile(join(folder, "package.json"), manifest);
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional"],
      cwd: folder,
      signal: AbortSignal.timeout(300_000),
    }).output();
    if (!success) {
      const reason = new TextDecoder().decode(stderr).match(/^npm error .*/m)?.[0] ?? "npm gave no reason";
      throw new Error(`npm install in ${folder} failed: ${reason}`);
    }
    await writeFile(join(folder, "installed"), manifest);
  }
  // Beside node_modules, where their imports are found.
  for (const name of PROGRAMS) {
    await copyFile(fileURLToPath(import.meta.resolve(`./peers/${name}.mjs`)), join(folder, `${name}.mjs`));
  }
  return { folder, node: node.program, versions: { ...PACKAGES, node: NODE_VERSION } };
}

function platform(): string {
  return `${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
}

async function readOr(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
