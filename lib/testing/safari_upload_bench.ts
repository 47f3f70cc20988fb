/** A bench for the executor `safari_upload`: real films, a stand-in upload program, and a lock of its own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { testContext } from "./execution_context.ts";
import { needs } from "./requirements.ts";
import { tempDir } from "./temp.ts";
import {
  safariUpload,
  type SafariUploadOptions,
  type SafariUploadSettings,
} from "../../executors/safari_upload.ts";
import type { Platform } from "../../executors/upload/input.ts";

const requirement = await needs("ffmpeg", "ffprobe");
const script = fileURLToPath(new URL("../../executors/upload/stand_in_program.sh", import.meta.url));
/** The post that the stand-in program tells of. */
export const post = "https://www.tiktok.com/@jane/video/7345678901234567890";

let fixtures: Promise<string> | undefined;

/** A film that every platform takes, and some that none takes; made once. */
function makeFixtures(): Promise<string> {
  return fixtures ??= (async () => {
    const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "actp-test-" }));
    const h264 = "-pix_fmt yuv420p -c:v libx264 -preset ultrafast";
    for (
      const made of [
        `-f lavfi -i testsrc=duration=3:size=360x640:rate=25 ${h264} good.mp4`,
        `-f lavfi -i testsrc=duration=3:size=360x640:rate=25 ${h264} film.mkv`,
        `-f lavfi -i testsrc=duration=0.5:size=160x120:rate=10 ${h264} small.mp4`,
        `-f lavfi -i testsrc=duration=3:size=360x640:rate=25 -c:v mpeg4 old.mp4`,
        "-f lavfi -i sine=duration=3 tone.m4a",
      ]
    ) {
      const args = ["-v", "error", ...made.split(" ")];
      const { success } = await new Deno.Command("ffmpeg", { args, cwd: dir, stdin: "null" }).output();
      assert.ok(success, made);
    }
    await Deno.writeTextFile(join(dir, "text.mp4"), "not a film");
    return dir;
  })();
}
globalThis.addEventListener("unload", () => {
  fixtures?.then((dir) => Deno.removeSync(dir, { recursive: true }));
});

/** What a test is given. */
export interface Bench {
  readonly attempt: Awaited<ReturnType<typeof testContext>>;
  readonly settings: SafariUploadSettings;
  readonly options: SafariUploadOptions;
  /** Where the stand-in program records what it is given. */
  readonly records: string;
  run(input?: Record<string, unknown>): ReturnType<ReturnType<typeof safariUpload>["run"]>;
  record(name: string): Promise<string>;
}

/** What differs from a TikTok upload that goes well. */
export interface BenchOptions {
  /** Of the stand-in program. */
  readonly mode?: string;
  readonly settings?: Partial<SafariUploadSettings>;
  readonly platforms?: readonly Platform[];
  readonly context?: Parameters<typeof testContext>[0];
}

/** Runs `use` with the stand-in program configured for TikTok. */
export function uploadTest(name: string, bench: BenchOptions, use: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ...requirement,
    fn: async () => {
      await using folder = await tempDir();
      const records = join(folder.path, "records");
      await Deno.mkdir(records);
      const template = ["--video", "{file}", "--caption", "{caption}", "--title", "{title}"];
      const uploader = { program: "sh", args: [script, records, bench.mode ?? "good", ...template], env: [] };
      const settings: SafariUploadSettings = {
        safariUploaders: Object.fromEntries((bench.platforms ?? ["tiktok"]).map((name) => [name, uploader])),
        safariUploadSeconds: 30,
        ffprobePath: "ffprobe",
        inputRoots: [await makeFixtures()],
        outputDir: join(folder.path, "out"),
        maxDownloadBytes: 10_000_000,
        downloadTimeoutSeconds: 10,
        allowPrivateUrls: true,
        ...bench.settings,
      };
      const options = { lockFolder: join(folder.path, "locks"), killAfterMs: 200 };
      await using attempt = await testContext({ task: { type: "safari_upload" }, ...bench.context });
      const executor = safariUpload(settings, options);
      await use({
        attempt,
        settings,
        options,
        records,
        run: (input = {}) => {
          const given = { platform: "tiktok", file: "good.mp4", caption: "hello", ...input };
          return executor.run(executor.input.parse(given), attempt.context);
        },
        record: (name) => Deno.readTextFile(join(records, name)),
      });
    },
  });
}

/** Whether there is such a file. */
export const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
