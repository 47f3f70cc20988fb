import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig } from "../config.ts";
import { parseEnvFile } from "../config/files.ts";
import { tempDir } from "../testing/temp.ts";
import { settingsToKeep, variablesToKeep } from "./carried_over.ts";
import {
  parseSystemdEnvironment,
  systemdEnvironment,
  withoutSettings,
  withSettings,
} from "./environment_file.ts";
import { layoutOf } from "./layout.ts";
import { installedProgram } from "./program_place.ts";
import { servicePath } from "./search_path.ts";

const ODD = { A: "plain", B: "two words # no comment", C: `it's "quoted" \\ $HOME`, D: "a\nb", E: "" };

Deno.test("settings of any kind are read back as they were", () => {
  assert.deepEqual({ ...parseEnvFile(withSettings("", ODD)) }, ODD);
});

Deno.test("a person's own lines stay, and the installation's win", () => {
  const text = withSettings("# mine\nA=1\nB=2", { B: "3" });
  assert.match(text, /^# mine\nA=1\nB=2\n# >>> /);
  assert.deepEqual({ ...parseEnvFile(text) }, { A: "1", B: "3" });
});

Deno.test("an upgrade keeps what was set before, changes what is set now, and is the same a second time", () => {
  const first = withSettings("X=1\n", { A: "old", B: "kept" });
  const second = withSettings(first, { A: "new" });
  assert.deepEqual({ ...parseEnvFile(second) }, { X: "1", A: "new", B: "kept" });
  assert.equal(withSettings(second, { A: "new" }), second);
  assert.equal(withSettings(second, {}), second);
});

Deno.test("taking the settings away leaves the file as it was", () => {
  for (const own of ["", "X=1\n", "# a\n\nX=1\n"]) assert.equal(withoutSettings(withSettings(own, ODD)), own);
});

Deno.test("variables are quoted as systemd reads them, and read back", () => {
  const text = systemdEnvironment({ A: `a "b" \\ $c \`d\``, B: "two\nlines" });
  assert.equal(text, 'A="a \\"b\\" \\\\ \\$c \\`d\\`"\nB="two\nlines"\n');
  assert.deepEqual(parseSystemdEnvironment(text), { A: `a "b" \\ $c \`d\``, B: "two\nlines" });
});

Deno.test("what flags, the environment and the folder's .env set is kept, and nothing that the service sees anyway", async () => {
  await using home = await tempDir();
  await using cwd = await tempDir();
  await Deno.writeTextFile(join(home.path, "config.json"), `{"drainSeconds": 9}`);
  await Deno.writeTextFile(join(home.path, ".env"), "TASK_LEASE_SECONDS=90\n");
  await Deno.writeTextFile(join(cwd.path, ".env"), "TASK_RETENTION_DAYS=3\n");
  const env = {
    ACTP_HOME: home.path,
    SUPABASE_SERVICE_ROLE_KEY: "k-1234567",
    SUPABASE_URL: "https://x.example",
  };
  const flags = { maxConcurrent: "7" };
  const loaded = await loadConfig({ flags, env, cwd: cwd.path });
  assert.deepEqual(settingsToKeep(loaded, { flags, env, envFile: { TASK_RETENTION_DAYS: "3" } }), {
    SUPABASE_URL: "https://x.example",
    SUPABASE_SECRET_KEY: "k-1234567",
    MAX_CONCURRENT_TASKS: "7",
    TASK_RETENTION_DAYS: "3",
  });
});

Deno.test("relative folders are kept as absolute ones, since a service starts elsewhere", async () => {
  await using home = await tempDir();
  const env = { ACTP_HOME: home.path, TASK_INPUT_ROOTS: "films:/srv/b", TASK_OUTPUT_DIR: "out" };
  const loaded = await loadConfig({ env, cwd: "/data" });
  assert.deepEqual(settingsToKeep(loaded, { flags: {}, env, envFile: {} }), {
    TASK_INPUT_ROOTS: "/data/films:/srv/b",
    TASK_OUTPUT_DIR: "/data/out",
  });
});

Deno.test("variables that declared commands pass on are kept, with locale, proxies and where traces go", async () => {
  await using home = await tempDir();
  const commands = [{ name: "sheet", program: "sheet", env: ["SHEET_LICENSE", "UNSET", "PATH"] }];
  await Deno.writeTextFile(join(home.path, "config.json"), JSON.stringify({ commands }));
  const kept = { LANG: "de_DE.UTF-8", OTEL_DENO: "true", SHEET_LICENSE: "l" };
  const env = { ACTP_HOME: home.path, PATH: "/bin", OTHER: "x", ...kept };
  const loaded = await loadConfig({ env, cwd: home.path });
  assert.deepEqual(variablesToKeep(loaded, env), kept);
});

Deno.test("a person's service finds what the shell finds, but not in folders that pass", () => {
  const shellPath = "/home/ann/.deno/bin:/tmp/x:/home/ann/.npm/_npx/1/node_modules/.bin:relative:/usr/bin";
  const facts = { userHome: "/home/ann", shellPath } as const;
  assert.equal(
    servicePath({ ...facts, os: "linux", scope: "user" }),
    "/home/ann/.deno/bin:/usr/bin:/home/ann/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin",
  );
  assert.match(servicePath({ ...facts, os: "darwin", scope: "user" }), /:\/opt\/homebrew\/bin:/);
  assert.doesNotMatch(servicePath({ ...facts, os: "linux", scope: "system" }), /ann/);
});

Deno.test("the parts lie where each service manager and each scope look for them", () => {
  const facts = { userHome: "/home/ann", home: "/home/ann/.actp-worker" };
  assert.equal(
    layoutOf({ ...facts, os: "linux", scope: "user", configHome: "/c" }).definition,
    "/c/systemd/user/actp-worker.service",
  );
  assert.equal(
    layoutOf({ ...facts, os: "linux", scope: "system" }).programFolder,
    "/usr/local/lib/actp-worker",
  );
  assert.equal(
    layoutOf({ ...facts, os: "darwin", scope: "user" }).definition,
    "/home/ann/Library/LaunchAgents/com.actp.worker.plist",
  );
});

Deno.test("one file is copied whole; from source, Deno is copied and the source stays", () => {
  assert.deepEqual(installedProgram({ program: "/dl/actp-worker-linux-x64", args: ["start"] }, "/lib/actp"), {
    from: "/dl/actp-worker-linux-x64",
    to: "/lib/actp/actp-worker",
    command: ["/lib/actp/actp-worker", "start"],
    source: undefined,
  });
  const source = installedProgram(
    { program: "/npm/deno", args: ["run", "/src/main.ts", "start"] },
    "/lib/actp",
  );
  assert.deepEqual(source.command, ["/lib/actp/deno", "run", "/src/main.ts", "start"]);
  assert.equal(source.source, "/src");
});
