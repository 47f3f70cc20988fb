/** The part of the table of configuration fields that the executors read. */
import { join } from "node:path";
import { commandsSchema } from "./commands.ts";
import { field } from "./field.ts";
import { choice, looseUrl, number, serviceUrl, text, whole } from "./schemas.ts";
import { uploadersSchema } from "./uploaders.ts";

export const EXECUTOR_FIELDS = {
  ffmpegPath: field({
    env: ["FFMPEG_PATH"],
    schema: text,
    default: "ffmpeg",
    description: "The ffmpeg program: a name on PATH or a path.",
    path: "program",
  }),
  ffprobePath: field({
    env: ["FFPROBE_PATH"],
    schema: text,
    default: "ffprobe",
    description: "The ffprobe program: a name on PATH or a path.",
    path: "program",
  }),
  remotionProjectDir: field({
    env: ["REMOTION_PROJECT_DIR", "REMOTION_PROJECT_PATH"],
    schema: text.optional(),
    default: undefined,
    description: "The Remotion project to render from.",
    path: "folder",
  }),
  remotionEntry: field({
    env: ["REMOTION_ENTRY"],
    schema: text.optional(),
    default: undefined,
    description: "The entry file inside the Remotion project, where Remotion does not find it by itself.",
  }),
  remotionBrowser: field({
    env: ["REMOTION_BROWSER"],
    schema: text.optional(),
    default: undefined,
    description: "The Chrome or Chromium that Remotion renders with, in place of its own.",
    path: "program",
  }),
  remotionConcurrency: field({
    env: ["REMOTION_CONCURRENCY"],
    schema: whole(1, 256).optional(),
    default: undefined,
    description: "How many frames Remotion renders at once; half the cores unless set.",
  }),
  remotionTimeoutSeconds: field({
    env: ["REMOTION_TIMEOUT_SECONDS"],
    schema: number(1, 86_400, "seconds"),
    default: 600,
    description: "How long one render may take, in seconds.",
  }),
  remotionServiceUrl: field({
    env: ["REMOTION_SERVICE_URL"],
    schema: serviceUrl.optional(),
    default: undefined,
    description: "A remote render service, used where REMOTION_PROJECT_DIR is not set.",
  }),
  remotionServiceKey: field({
    env: ["REMOTION_SERVICE_KEY"],
    schema: text.optional(),
    default: undefined,
    description: "The key of the remote render service.",
    secret: true,
  }),
  storageUrls: field({
    env: ["STORAGE_URLS"],
    schema: choice(["public", "signed"]),
    default: "public",
    description: "Whether results in Supabase Storage are named by public or by signed addresses.",
  }),
  storageSignedSeconds: field({
    env: ["STORAGE_SIGNED_SECONDS"],
    schema: whole(60, 31_536_000, "seconds"),
    default: 604_800,
    description: "How long a signed address works, in seconds.",
  }),
  storageResumableBytes: field({
    env: ["STORAGE_RESUMABLE_BYTES"],
    schema: whole(1, 1024 ** 3, "bytes"),
    default: 6 * 1024 ** 2,
    description: "From this size on files are uploaded in resumable pieces, in bytes.",
  }),
  safariDriver: field({
    env: ["SAFARI_DRIVER"],
    schema: choice(["auto", "osascript", "webdriver"]),
    default: "auto",
    description: "How pages are read: the person's own Safari (osascript, macOS) or a WebDriver browser.",
  }),
  webdriverPath: field({
    env: ["WEBDRIVER_PATH"],
    schema: text.optional(),
    default: undefined,
    description: "The chromedriver, geckodriver or safaridriver program; found on PATH unless set.",
    path: "program",
  }),
  webdriverBrowser: field({
    env: ["WEBDRIVER_BROWSER"],
    schema: text.optional(),
    default: undefined,
    description: "The browser that the WebDriver program starts; its own choice unless set.",
    path: "program",
  }),
  safariServiceUrl: field({
    env: ["SAFARI_SERVICE_URL"],
    schema: looseUrl.optional(),
    default: undefined,
    description: "The local Safari command service that uploads where no upload program is configured.",
  }),
  safariUploaders: field({
    env: [],
    schema: uploadersSchema,
    default: {},
    description: "The upload programs by platform (tiktok, instagram, youtube); only in config.json.",
  }),
  safariUploadSeconds: field({
    env: ["SAFARI_UPLOAD_TIMEOUT_SECONDS"],
    schema: number(1, 86_400, "seconds"),
    default: 300,
    description: "How long one upload through Safari may take, in seconds.",
  }),
  blotatoLocalUrl: field({
    env: ["BLOTATO_LOCAL_URL"],
    schema: looseUrl.optional(),
    default: undefined,
    description: "The local Blotato app; goes before the cloud service.",
  }),
  blotatoApiKey: field({
    env: ["BLOTATO_API_KEY"],
    schema: text.optional(),
    default: undefined,
    description: "The key of Blotato's cloud service.",
    secret: true,
  }),
  blotatoApiUrl: field({
    env: ["BLOTATO_API_URL"],
    schema: serviceUrl,
    default: "https://backend.blotato.com/v2",
    description: "The address of Blotato's cloud service.",
  }),
  wdlRunner: field({
    env: ["WDL_RUNNER"],
    schema: choice(["auto", "miniwdl", "cromwell", "sprocket", "toil"]),
    default: "auto",
    description: "What runs WDL; auto takes the first one found.",
  }),
  wdlRunnerPath: field({
    env: ["WDL_RUNNER_PATH"],
    schema: text.optional(),
    default: undefined,
    description: "The WDL runner's program (for Cromwell its .jar), where PATH does not lead to it.",
    path: "program",
  }),
  executorsDir: field({
    env: ["EXECUTORS_DIR"],
    schema: text,
    default: ({ home }) => join(home, "executors"),
    description: "The folder of your own executors.",
    restartNeeded: true,
    path: "folder",
  }),
  commands: field({
    env: [],
    schema: commandsSchema,
    default: [],
    description: "Programs that run as tasks of their own type; a list, only in config.json.",
    restartNeeded: true,
  }),
};
