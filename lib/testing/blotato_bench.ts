/** A bench for the executor `blotato_upload`: stand-in services, an input folder, and time that passes by itself. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ExecutionContext } from "../task/task.ts";
import { BLOTATO_TEST_KEY, blotatoApp, blotatoCloud, type BlotatoOptions } from "./blotato_service.ts";
import { driveClock } from "./drive_clock.ts";
import { testContext } from "./execution_context.ts";
import { type FakeClock, fakeClock } from "./fake_clock.ts";
import { tempDir } from "./temp.ts";
import { type BlotatoSettings, blotatoUpload } from "../../executors/blotato_upload.ts";

/** The post that the stand-in services tell of. */
export const url = "https://www.tiktok.com/@jane/video/7345678901234567890";
/** What `film.mp4` in the input folder holds. */
export const film = new TextEncoder().encode("a film of a few bytes");
/** A task that goes well. */
export const given = {
  platform: "tiktok",
  account_id: "98432",
  caption: "hello",
  video_url: "https://cdn.example/v.mp4?token=secret",
  target: { privacyLevel: "SELF_ONLY", isAiGenerated: false },
};

/** What a test is given. */
export interface Bench {
  readonly clock: FakeClock;
  readonly settings: BlotatoSettings;
  readonly attempt: Awaited<ReturnType<typeof testContext>>;
  run(
    input?: Record<string, unknown>,
    more?: { settings?: Partial<BlotatoSettings>; context?: Partial<ExecutionContext> },
  ): Promise<unknown>;
}

/** Runs `use` with an input folder that holds `film.mp4`; time passes as fast as the services answer. */
export async function withBench(
  settings: Partial<BlotatoSettings>,
  use: (bench: Bench) => Promise<void>,
): Promise<void> {
  await using folder = await tempDir();
  await Deno.writeFile(join(folder.path, "film.mp4"), film);
  await using attempt = await testContext({ task: { type: "blotato_upload" } });
  const clock = fakeClock();
  const whole: BlotatoSettings = {
    blotatoApiUrl: "http://127.0.0.1:9",
    inputRoots: [folder.path],
    outputDir: join(folder.path, "out"),
    maxDownloadBytes: 1_000_000,
    downloadTimeoutSeconds: 10,
    allowPrivateUrls: true,
    ...settings,
  };
  await use({
    clock,
    settings: whole,
    attempt,
    run: (input = {}, more = {}) => {
      const executor = blotatoUpload({ ...whole, ...more.settings }, clock);
      const context = { ...attempt.context, ...more.context };
      const running = executor.run(executor.input.parse({ ...given, ...input }), context);
      running.catch((error) => assert.doesNotMatch(String(error), /blt_test|token=secret/));
      return driveClock(clock, running);
    },
  });
}

/** With the cloud service alone. */
export async function withCloud(
  options: BlotatoOptions,
  use: (bench: Bench & { readonly cloud: ReturnType<typeof blotatoCloud> }) => Promise<void>,
): Promise<void> {
  await using cloud = blotatoCloud(options);
  const settings = { blotatoApiUrl: cloud.url, blotatoApiKey: BLOTATO_TEST_KEY };
  await withBench(settings, (bench) => use({ ...bench, cloud }));
}

/** With the local app alone. */
export async function withApp(
  options: Parameters<typeof blotatoApp>[0],
  use: (bench: Bench & { readonly app: ReturnType<typeof blotatoApp> }) => Promise<void>,
): Promise<void> {
  await using app = blotatoApp(options);
  await withBench({ blotatoLocalUrl: app.url }, (bench) => use({ ...bench, app }));
}

/** The consequences of a post that may be there. */
export const uncertain = { retry: false, uncertain: true };
/** A service that refuses one route. */
export const refusing = (route: string, status: number, message = "no") => ({
  instead: (asked: string) =>
    asked === route ? Response.json({ statusCode: status, message }, { status }) : undefined,
});
/** The complete target of {@link given}. */
export const target = {
  targetType: "tiktok",
  privacyLevel: "SELF_ONLY",
  isAiGenerated: false,
  isBrandedContent: false,
  isYourBrand: false,
  disabledComments: false,
  disabledDuet: false,
  disabledStitch: false,
};
