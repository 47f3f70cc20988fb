import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { tempDir } from "../../lib/testing/temp.ts";
import { findEntry, findProject } from "./project.ts";

/** A folder with everything that a project needs to be found, made of empty programs. */
async function project(files: Record<string, string | null> = {}) {
  const folder = await tempDir();
  const root = await Deno.realPath(folder.path);
  const all: Record<string, string | null> = {
    "app/package.json": "{}",
    "app/src/index.ts": "",
    "app/node_modules/.bin/remotion": "#!/bin/sh\n",
    "app/node_modules/remotion/package.json": '{"version":"4.0.1"}',
    "tools/ffmpeg": "#!/bin/sh\n",
    "tools/ffprobe": "#!/bin/sh\n",
    "tools/chrome": "#!/bin/sh\n",
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    if (text === null) continue;
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
  const settings = {
    remotionProjectDir: join(root, "app"),
    remotionBrowser: join(root, "tools/chrome"),
    ffmpegPath: join(root, "tools/ffmpeg"),
    ffprobePath: join(root, "tools/ffprobe"),
  };
  return { root, settings, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

async function missing(
  files: Record<string, string | null>,
  change: (root: string) => Record<string, string | undefined> = () => ({}),
) {
  await using made = await project(files);
  const found = await findProject({ ...made.settings, ...change(made.root) });
  assert.ok("reason" in found, JSON.stringify(found));
  return `${found.reason} (${found.fix})`.replaceAll(made.root, "");
}

Deno.test("a project is found with its program, its version and the browser", async () => {
  await using made = await project();
  assert.deepEqual(await findProject(made.settings), {
    dir: join(made.root, "app"),
    program: join(made.root, "app/node_modules/.bin/remotion"),
    version: "4.0.1",
    browser: join(made.root, "tools/chrome"),
  });
});

Deno.test("in a workspace the packages may lie in a folder above", async () => {
  await using made = await project({
    "app/node_modules/.bin/remotion": null,
    "app/node_modules/remotion/package.json": null,
    "node_modules/.bin/remotion": "#!/bin/sh\n",
    "node_modules/@remotion/cli/package.json": '{"version":"4.0.2"}',
  });
  const found = await findProject(made.settings);
  assert.ok("program" in found);
  assert.deepEqual([found.program, found.version], [join(made.root, "node_modules/.bin/remotion"), "4.0.2"]);
});

Deno.test("the headless shell that Remotion downloaded into the project is used where no browser is named", async () => {
  const platform = Deno.build.os === "darwin"
    ? (Deno.build.arch === "aarch64" ? "mac-arm64" : "mac-x64")
    : (Deno.build.arch === "aarch64" ? "linux-arm64" : "linux64");
  const path =
    `app/node_modules/.remotion/chrome-headless-shell/${platform}/chrome-headless-shell-${platform}`;
  await using made = await project({ [`${path}/chrome-headless-shell`]: "#!/bin/sh\n" });
  const found = await findProject({ ...made.settings, remotionBrowser: undefined });
  assert.ok("browser" in found);
  assert.equal(found.browser, join(made.root, path, "chrome-headless-shell"));
});

Deno.test("a version that cannot be read is left out", async () => {
  await using made = await project({ "app/node_modules/remotion/package.json": '{"version":' });
  const found = await findProject(made.settings);
  assert.ok("program" in found && !("version" in found));
});

Deno.test("whatever is missing is named, with what to do", async () => {
  assert.match(
    await missing({ "app/package.json": null }),
    /no Remotion project in \/app.*set REMOTION_PROJECT_DIR/,
  );
  assert.match(
    await missing({}, () => ({ remotionProjectDir: "/no/such" })),
    /no Remotion project in \/no\/such.*set REMOTION_PROJECT_DIR/,
  );
  assert.match(
    await missing({ "app/node_modules/.bin/remotion": null }),
    /not installed in \/app.*npm install/,
  );
  assert.match(
    await missing({}, () => ({ remotionBrowser: "/no/chrome" })),
    /browser \/no\/chrome.*REMOTION_BROWSER/,
  );
  assert.match(
    await missing({}, () => ({ remotionEntry: "src/none.ts" })),
    /no entry file src\/none.ts.*REMOTION_ENTRY/,
  );
  assert.match(await missing({ "tools/ffprobe": null }), /ffprobe was not found.*FFPROBE_PATH/);
});

Deno.test("an entry is a file inside the project, also after its links are followed", async () => {
  await using made = await project({ "secret.ts": "" });
  const app = join(made.root, "app");
  await Deno.symlink(join(made.root, "secret.ts"), join(app, "src/link.ts"));
  assert.equal(await findEntry(app, "src/index.ts"), join(app, "src/index.ts"));
  for (const entry of ["../secret.ts", "src/link.ts", "src", "src/none.ts"]) {
    await assert.rejects(findEntry(app, entry), { name: "TaskError", retry: false }, entry);
  }
});
