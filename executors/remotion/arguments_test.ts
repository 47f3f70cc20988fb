import assert from "node:assert/strict";
import { renderArguments, type RenderPlace } from "./arguments.ts";
import { remotionInput } from "./input.ts";

const PLACE: RenderPlace = {
  output: "/tmp/t/rendered.mp4",
  propsFile: "/tmp/t/props.json",
  browser: "/usr/bin/chromium",
  cores: 8,
};
const argumentsOf = (input: Record<string, unknown>, place: Partial<RenderPlace> = {}) =>
  renderArguments(remotionInput.parse(input), { ...PLACE, ...place });

Deno.test("composition and output are positions, all else is options; props go through a file", () => {
  assert.deepEqual(argumentsOf({ composition: "Film", props: { secret: 1 }, platform: "tiktok" }), [
    "render",
    "Film",
    "/tmp/t/rendered.mp4",
    "--props=/tmp/t/props.json",
    "--codec=h264",
    "--crf=18",
    "--browser-executable=/usr/bin/chromium",
    "--chrome-mode=chrome-for-testing",
    "--log=info",
    "--overwrite",
  ]);
});

Deno.test("an entry goes before the composition", () => {
  assert.deepEqual(argumentsOf({ composition: "Film" }, { entry: "/p/src/index.ts" }).slice(0, 3), [
    "render",
    "/p/src/index.ts",
    "Film",
  ]);
});

Deno.test("the owner's limit and the number of cores bound the frames at once", () => {
  const concurrency = (wanted?: number, limit?: number) =>
    argumentsOf({ concurrency: wanted }, { concurrency: limit }).find((arg) =>
      arg.startsWith("--concurrency")
    );
  assert.equal(concurrency(), undefined);
  assert.equal(concurrency(4), "--concurrency=4");
  assert.equal(concurrency(4, 2), "--concurrency=2");
  assert.equal(concurrency(undefined, 100), "--concurrency=8");
});

Deno.test("scale, frames and silence are passed on", () => {
  const args = argumentsOf({ scale: 0.5, frames: [10, 20], muted: true });
  for (const wanted of ["--scale=0.5", "--frames=10-20", "--muted"]) assert.ok(args.includes(wanted), wanted);
});

Deno.test("a headless shell is driven as one, any other Chrome as a whole browser", () => {
  const mode = (browser: string) =>
    argumentsOf({}, { browser }).find((arg) => arg.startsWith("--chrome-mode"));
  assert.equal(
    mode("/p/chrome-headless-shell-linux64/chrome-headless-shell"),
    "--chrome-mode=headless-shell",
  );
  assert.equal(mode("/p/headless_shell"), "--chrome-mode=headless-shell");
  assert.equal(
    mode("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    "--chrome-mode=chrome-for-testing",
  );
});
