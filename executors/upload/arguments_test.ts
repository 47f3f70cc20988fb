import assert from "node:assert/strict";
import { uploadersSchema } from "../../lib/config/uploaders.ts";
import { TaskError } from "../../lib/task/task.ts";
import { templateProblem, uploadArguments } from "./arguments.ts";

const values = { file: "/tmp/t/video.mp4", caption: "hello", platform: "tiktok" };
const fill = (args: string[], more: Record<string, string> = {}) =>
  uploadArguments({ args }, { ...values, ...more });
const refuses = (args: string[], more: Record<string, string>) =>
  assert.throws(
    () => fill(args, more),
    (error) => error instanceof TaskError && !error.retry && /must not begin with a dash/.test(error.message),
  );

Deno.test("the default template gives file, caption and platform, each as one argument", () => {
  const { tiktok } = uploadersSchema.parse({ tiktok: { program: "poster" } });
  const caption = "a b; $(id) `id` 'x' \"y\"\n--platform youtube {file}";
  assert.deepEqual(uploadArguments(tiktok!, { ...values, caption }), [
    "--video",
    "/tmp/t/video.mp4",
    "--caption",
    caption,
    "--platform",
    "tiktok",
  ]);
});

Deno.test("a caption may begin with a dash where an option awaits it, inside an option, or after the last option", () => {
  const caption = "--delete-all";
  assert.deepEqual(fill(["--caption", "{caption}"], { caption }), ["--caption", caption]);
  assert.deepEqual(fill(["-c", "{caption}"], { caption }), ["-c", caption]);
  assert.deepEqual(fill(["--caption={caption}"], { caption }), ["--caption=--delete-all"]);
  assert.deepEqual(fill(["{file}", "--", "{caption}"], { caption }), [values.file, "--", caption]);
});

Deno.test("a value never becomes an option of its own", () => {
  refuses(["{caption}", "{file}"], { caption: "--delete-all" });
  refuses(["post", "{caption}"], { caption: "-x" });
  refuses(["--video", "{file}", "{caption}"], { caption: "-x" });
  refuses(["--format=json", "{caption}"], { caption: "-x" });
  refuses(["post", "{title}{caption}"], { title: "-x" });
});

Deno.test("an argument without a value is left out, with the option before it", () => {
  const args = ["--video", "{file}", "--title", "{title}", "--account={account}", "--quiet"];
  assert.deepEqual(fill(args), ["--video", values.file, "--quiet"]);
  assert.deepEqual(fill(args, { title: "T", account: "jane" }), [
    "--video",
    values.file,
    "--title",
    "T",
    "--account=jane",
    "--quiet",
  ]);
  assert.deepEqual(fill(["post", "{title}", "{file}"]), ["post", values.file]);
});

Deno.test("a template that names unknown things, or no file, is told to the person who wrote it", () => {
  assert.match(
    templateProblem({ args: ["{file}", "{captoin}"] })!,
    /\{captoin\}.*none of \{file\}, \{caption\}/,
  );
  assert.match(templateProblem({ args: ["--caption", "{caption}"] })!, /do not name \{file\}/);
  assert.equal(templateProblem({ args: ["{file}", "{{caption}}"] }), undefined);
});
