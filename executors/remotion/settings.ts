/** What `remotion_render` needs of the configuration; the fields' meanings stand in lib/config/executor_fields.ts. */
import type { Storage } from "../../lib/storage/storage.ts";

export interface RemotionSettings {
  /** Goes before the service. */
  readonly remotionProjectDir?: string;
  readonly remotionEntry?: string;
  readonly remotionBrowser?: string;
  readonly remotionConcurrency?: number;
  readonly remotionTimeoutSeconds: number;
  readonly remotionServiceUrl?: string;
  readonly remotionServiceKey?: string;
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  readonly outputDir: string;
  readonly maxDownloadBytes: number;
  readonly downloadTimeoutSeconds: number;
  readonly allowPrivateUrls: boolean;
  /** Where results go; without it they stay in the task's result folder. */
  readonly storage?: Storage;
}
