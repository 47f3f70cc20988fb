/** The sums of released files: SHA256SUMS as sha256sum(1) writes and reads it. */
import { createHash } from "node:crypto";
import { resolve } from "node:path";

const SUM = /^[0-9a-f]{64}$/;

/** The file's sha256 in hex; bounded memory, whatever its size. */
export async function fileSum(path: string): Promise<string> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const chunk = new Uint8Array(1 << 20);
  for (let read = await file.read(chunk); read !== null; read = await file.read(chunk)) {
    hash.update(chunk.subarray(0, read));
  }
  return hash.digest("hex");
}

/** The name of the program for a machine in a release, e.g. `actp-worker-macos-arm64`. */
export function releaseName({ os, arch }: Pick<typeof Deno.build, "os" | "arch">): string {
  return `actp-worker-${os === "darwin" ? "macos" : os}-${arch === "aarch64" ? "arm64" : "x64"}`;
}

/** The sum of a name in the text of SHA256SUMS; undefined where it has none. */
export function findSum(sums: string, name: string): string | undefined {
  for (const line of sums.split("\n")) {
    const [, sum, file] = line.match(/^([0-9a-f]{64}) [ *](.+)$/) ?? [];
    if (file === name) return sum;
  }
}

/**
 * The published sum of this machine's program: given itself, or in a SHA256SUMS file.
 * @throws Error where the file cannot be read or does not name this machine's program
 */
export async function sumFor(
  given: string,
  cwd: string,
  machine: Pick<typeof Deno.build, "os" | "arch">,
): Promise<string> {
  const literal = given.trim().toLowerCase();
  if (SUM.test(literal)) return literal;
  let text: string;
  try {
    text = await Deno.readTextFile(resolve(cwd, given));
  } catch (error) {
    throw new Error(
      `Cannot read the sums ${given}: ${(error as Error).message} (give SHA256SUMS or a sha256)`,
    );
  }
  const names = [releaseName(machine), "actp-worker"];
  const sum = names.map((name) => findSum(text, name)).find((found) => found !== undefined);
  if (sum) return sum;
  throw new Error(`${given} has no sum for ${names.join(" or ")}; take the SHA256SUMS of the same release`);
}
